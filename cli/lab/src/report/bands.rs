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
    /// What is wrong.
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
    let mut all = paused(pauses);
    for trace in traces {
        let mut open = Open {
            replica: trace.replica,
            replicas,
            current: BTreeMap::new(),
            ended: Vec::new(),
        };
        for event in &trace.events {
            open.take(event.wall, &event.what);
        }
        let Open {
            current, mut ended, ..
        } = open;
        ended.extend(current.into_values());
        all.extend(without_downs_of_cuts(ended));
    }
    all.sort_by_key(|band| (band.from, band.replica, band.peer));
    all
}

fn paused(pauses: &[Pause]) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for pause in pauses {
        let open = bands
            .iter_mut()
            .rfind(|band| band.replica == pause.replica && band.to.is_none());
        match (pause.begins, open) {
            (true, None) => bands.push(Band {
                trouble: Trouble::Pause,
                replica: pause.replica,
                peer: pause.replica,
                from: pause.wall,
                to: None,
                text: String::new(),
            }),
            (false, Some(band)) => band.to = Some(pause.wall),
            _ => {}
        }
    }
    bands
}

/// The bands of one replica that have not ended yet.
struct Open<'a> {
    replica: u16,
    replicas: &'a [u16],
    current: BTreeMap<(Trouble, u16), Band>,
    ended: Vec<Band>,
}

impl Open<'_> {
    fn take(&mut self, wall: u64, what: &What) {
        match what {
            What::LinkUp { peer } => self.end(Trouble::Down, *peer, wall),
            What::LinkDown { peer, reason } => {
                self.begin(Trouble::Down, *peer, wall, reason.to_string());
            }
            What::Fault(words) => self.fault(wall, words),
            _ => {}
        }
    }

    fn fault(&mut self, wall: u64, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let [_, kind, peer, range @ ..] = &words[..] else {
            return;
        };
        for peer in self.peers(peer) {
            match (kind.to_ascii_uppercase().as_str(), range) {
                ("DELAY", [low, high]) => {
                    self.end(Trouble::Delay, peer, wall);
                    if *high != "0" {
                        let text = if low == high {
                            format!("{low} ms")
                        } else {
                            format!("{low} to {high} ms")
                        };
                        self.begin(Trouble::Delay, peer, wall, text);
                    }
                }
                ("CUT", _) => self.begin(Trouble::Cut, peer, wall, String::new()),
                ("HEAL", _) => {
                    self.end(Trouble::Cut, peer, wall);
                    self.end(Trouble::Delay, peer, wall);
                }
                _ => {}
            }
        }
    }

    fn peers(&self, word: &str) -> Vec<u16> {
        match word.parse() {
            Ok(peer) => vec![peer],
            Err(_) => {
                let others = self.replicas.iter().copied();
                others.filter(|id| *id != self.replica).collect()
            }
        }
    }

    fn begin(&mut self, trouble: Trouble, peer: u16, from: u64, text: String) {
        let band = Band {
            trouble,
            replica: self.replica,
            peer,
            from,
            to: None,
            text,
        };
        self.current.entry((trouble, peer)).or_insert(band);
    }

    fn end(&mut self, trouble: Trouble, peer: u16, to: u64) {
        if let Some(mut band) = self.current.remove(&(trouble, peer)) {
            band.to = Some(to);
            self.ended.push(band);
        }
    }
}

/// A link that is cut here is down too, which need not be said twice.
fn without_downs_of_cuts(bands: Vec<Band>) -> Vec<Band> {
    let cuts: Vec<Band> = bands
        .iter()
        .filter(|band| band.trouble == Trouble::Cut)
        .cloned()
        .collect();
    let is_of_cut = |band: &Band| {
        band.trouble == Trouble::Down
            && cuts.iter().any(|cut| {
                let until = cut.to.unwrap_or(u64::MAX);
                cut.peer == band.peer && (cut.from..=until).contains(&band.from)
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
            let Band {
                trouble,
                peer,
                from,
                to,
                text,
                ..
            } = band;
            format!("{trouble:?} {peer} {from}..{} {text}", to.unwrap_or(0))
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
