//! What was wrong with the network, and from when to when: delays, cuts, links that were down.

use super::folder::Pause;
use super::trace::{Trace, What};
use std::collections::BTreeMap;

/// The kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// Frames to the peer are held for a while.
    Delay,
    /// The link is cut.
    Cut,
    /// The link is down, for whatever reason.
    Down,
    /// The replica's process is paused.
    Pause,
}

/// A stretch of time in which something is wrong between a replica and a peer, as the replica knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) trouble: Trouble,
    /// The replica at which it is.
    pub(super) replica: u16,
    /// The replica at the other end; the replica itself if no link is concerned.
    pub(super) peer: u16,
    /// Since when: wall time, in nanoseconds.
    pub(super) from: u64,
    /// Until when. None if it never ended.
    pub(super) to: Option<u64>,
    /// In words.
    pub(super) text: String,
}

/// All bands of all traces and pauses, by time.
pub(super) fn bands(traces: &[Trace], pauses: &[Pause], replicas: &[u16]) -> Vec<Band> {
    let mut bands = Bands::default();
    for pause in pauses {
        let place = (Trouble::Pause, pause.replica, pause.replica);
        match pause.begins {
            true => bands.begin(place, pause.wall, String::new()),
            false => bands.end(place, pause.wall),
        }
    }
    for trace in traces {
        for event in &trace.events {
            bands.take(trace.replica, event.wall, &event.what, replicas);
        }
    }
    let Bands { current, mut ended } = bands;
    ended.extend(current.into_values());
    let mut all = without_downs_of_cuts(ended);
    all.sort_by_key(|band| (band.from, band.replica, band.peer));
    all
}

/// What is wrong, at which replica, and with which peer.
type Place = (Trouble, u16, u16);

/// The bands that have not ended yet, and those that have.
#[derive(Default)]
struct Bands {
    current: BTreeMap<Place, Band>,
    ended: Vec<Band>,
}

impl Bands {
    fn take(&mut self, replica: u16, wall: u64, what: &What, replicas: &[u16]) {
        match what {
            What::LinkUp { peer } => self.end((Trouble::Down, replica, *peer), wall),
            What::LinkDown { peer, reason } => {
                self.begin((Trouble::Down, replica, *peer), wall, reason.to_string());
            }
            What::Fault(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let [_, kind, peer, range @ ..] = &words[..] else {
                    return;
                };
                let peers = match peer.parse() {
                    Ok(peer) => vec![peer],
                    Err(_) => replicas.to_vec(),
                };
                for peer in peers.into_iter().filter(|peer| *peer != replica) {
                    self.fault(kind, range, (replica, peer), wall);
                }
            }
            _ => {}
        }
    }

    fn fault(&mut self, kind: &str, range: &[&str], (replica, peer): (u16, u16), wall: u64) {
        let (delay, cut) = (
            (Trouble::Delay, replica, peer),
            (Trouble::Cut, replica, peer),
        );
        match (kind.to_ascii_uppercase().as_str(), range) {
            ("DELAY", [low, high]) => {
                self.end(delay, wall);
                match *high {
                    "0" => {}
                    high if high == *low => self.begin(delay, wall, format!("{low} ms")),
                    _ => self.begin(delay, wall, format!("{low} to {high} ms")),
                }
            }
            ("CUT", _) => self.begin(cut, wall, String::new()),
            ("HEAL", _) => {
                self.end(cut, wall);
                self.end(delay, wall);
            }
            _ => {}
        }
    }

    fn begin(&mut self, place: Place, from: u64, text: String) {
        let (trouble, replica, peer) = place;
        self.current.entry(place).or_insert(Band {
            trouble,
            replica,
            peer,
            from,
            to: None,
            text,
        });
    }

    fn end(&mut self, place: Place, to: u64) {
        if let Some(mut band) = self.current.remove(&place) {
            band.to = Some(to);
            self.ended.push(band);
        }
    }
}

/// A link that is cut here is down too, which need not be said twice.
fn without_downs_of_cuts(bands: Vec<Band>) -> Vec<Band> {
    let cuts = bands.iter().filter(|band| band.trouble == Trouble::Cut);
    let cuts: Vec<Band> = cuts.cloned().collect();
    let is_of_cut = |band: &Band| {
        band.trouble == Trouble::Down
            && cuts.iter().any(|cut| {
                let lasted = cut.from..=cut.to.unwrap_or(u64::MAX);
                (cut.replica, cut.peer) == (band.replica, band.peer) && lasted.contains(&band.from)
            })
    };
    bands.into_iter().filter(|band| !is_of_cut(band)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::trace::read;

    fn shown(lines: &[&str]) -> Vec<String> {
        let text: String = lines
            .iter()
            .map(|line| format!("{{{line},\"replica\":1}}\n"))
            .collect();
        let trace = read(text.as_bytes(), 1).unwrap();
        let show = |band: &Band| {
            let (what, text) = (band.trouble, &band.text);
            let (peer, from, to) = (band.peer, band.from, band.to.unwrap_or(0));
            format!("{what:?} {peer} {from}..{to} {text}")
        };
        bands(&[trace], &[], &[1, 2, 3]).iter().map(show).collect()
    }

    #[test]
    fn faults_last_until_they_are_healed_or_replaced() {
        let found = shown(&[
            r#""event":"fault","command":["FAULT","DELAY","*","10","20"],"wall_ns":1"#,
            r#""event":"fault","command":["FAULT","DELAY","2","5","5"],"wall_ns":2"#,
            r#""event":"fault","command":["FAULT","HEAL","*"],"wall_ns":3"#,
            r#""event":"fault","command":["FAULT","CUT","3"],"wall_ns":4"#,
        ]);
        assert_eq!(
            found,
            [
                "Delay 2 1..2 10 to 20 ms",
                "Delay 3 1..3 10 to 20 ms",
                "Delay 2 2..3 5 ms",
                "Cut 3 4..0 ",
            ]
        );
    }

    #[test]
    fn a_link_that_is_down_because_it_is_cut_is_shown_once() {
        let found = shown(&[
            r#""event":"link_up","peer":2,"wall_ns":1"#,
            r#""event":"fault","command":["FAULT","CUT","2"],"wall_ns":4"#,
            r#""event":"link_down","peer":2,"reason":"cut by FAULT","wall_ns":4"#,
            r#""event":"fault","command":["FAULT","HEAL","2"],"wall_ns":8"#,
            r#""event":"link_up","peer":2,"wall_ns":9"#,
            r#""event":"link_down","peer":2,"reason":"silent","wall_ns":12"#,
        ]);
        assert_eq!(found, ["Cut 2 4..8 ", "Down 2 12..0 silent"]);
    }

    #[test]
    fn a_pause_lasts_until_the_replica_goes_on() {
        let pause = |replica, wall, begins| Pause {
            replica,
            wall,
            begins,
        };
        let pauses = [
            pause(2, 5, true),
            pause(3, 6, true),
            pause(2, 7, false),
            pause(2, 9, true),
        ];
        let found = bands(&[], &pauses, &[1, 2, 3]);
        let shown: Vec<_> = found
            .iter()
            .map(|band| (band.replica, band.from, band.to))
            .collect();
        assert_eq!(shown, [(2, 5, Some(7)), (3, 6, None), (2, 9, None)]);
    }
}
