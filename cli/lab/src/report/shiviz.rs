//! Runs as ShiViz reads them: events of hosts, each with a vector clock.
//!
//! The first line is the regular expression that reads the rest, the second one (empty) would tell several runs
//! apart. Hosts are replicas and clients; what passes between them are frames, requests and replies.

use super::picture::{Moment, Picture};
use super::trace::FrameKind;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::fmt::Write;

/// What reads the lines.
const PARSER: &str = r"(?<time>\S+) (?<event>.*)\n(?<host>\S+) (?<clock>\{.*\})";

/// Within one turn of a replica its clock stands still, and this is the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    In,
    Deliver,
    Out,
}

/// An event of a host.
struct Event {
    host: usize,
    at: (Moment, Phase),
    text: String,
    /// The event at another host that it follows.
    from: Option<usize>,
}

/// The log.
pub(super) fn write(picture: &Picture) -> String {
    let mut log = Log::default();
    for id in &picture.replicas {
        log.host(replica(*id));
    }
    log.add_bars(picture);
    log.add_messages(picture);
    log.add_deliveries(picture);
    log.write()
}

#[derive(Default)]
struct Log {
    hosts: Vec<String>,
    places: HashMap<String, usize>,
    events: Vec<Event>,
}

impl Log {
    fn host(&mut self, name: String) -> usize {
        let next = self.hosts.len();
        *self.places.entry(name).or_insert_with_key(|name| {
            self.hosts.push(name.clone());
            next
        })
    }

    fn add(
        &mut self,
        host: String,
        at: (Moment, Phase),
        text: String,
        from: Option<usize>,
    ) -> usize {
        let host = self.host(host);
        self.events.push(Event {
            host,
            at,
            text,
            from,
        });
        self.events.len() - 1
    }

    fn add_bars(&mut self, picture: &Picture) {
        for bar in &picture.bars {
            let client = picture.clients[bar.client].name.replace(' ', "-");
            let began = (bar.invoked, Phase::Out);
            let asked = self.add(client.clone(), began, bar.call.clone(), None);
            let mut answered = None;
            if let (Some((came, replied)), Some(id)) = (bar.at_replica, bar.replica) {
                let text = format!("request {}", bar.call);
                self.add(replica(id), (came, Phase::In), text, Some(asked));
                answered = replied.map(|replied| {
                    let text = format!("reply {}", bar.answer);
                    self.add(replica(id), (replied, Phase::Out), text, None)
                });
            }
            if let Some(completed) = bar.completed {
                let text = format!("{} -> {}", bar.call, bar.answer);
                self.add(client, (completed, Phase::In), text, answered);
            }
        }
    }

    fn add_messages(&mut self, picture: &Picture) {
        for message in &picture.messages {
            let kind = message.kind;
            let stamp = message.entry.map_or_else(String::new, |entry| {
                format!(" {}", picture.entries.get(entry).stamp)
            });
            // The entries of a round have left with the frame that starts it.
            let sent = message.sent.filter(|_| kind != FrameKind::Entry);
            let sent = sent.map(|wall| {
                let text = format!("send {}{stamp} to {}", kind.name(), message.to);
                let at = (picture.moment(wall), Phase::Out);
                self.add(replica(message.from), at, text, None)
            });
            if let Some(wall) = message.received {
                let text = format!("receive {}{stamp} from {}", kind.name(), message.from);
                let at = (picture.moment(wall), Phase::In);
                self.add(replica(message.to), at, text, sent);
            }
        }
    }

    fn add_deliveries(&mut self, picture: &Picture) {
        for delivery in &picture.deliveries {
            let entry = picture.entries.get(delivery.entry);
            let call = entry.command.as_ref().map_or("", |command| &command.text);
            let text = format!("deliver {} {} {call}", delivery.position, entry.stamp);
            let at = (picture.moment(delivery.wall), Phase::Deliver);
            self.add(replica(delivery.replica), at, text, None);
        }
    }

    /// Goes through the events so that each host's come in its order and each one behind that which it
    /// follows, and counts.
    fn write(&self) -> String {
        let mut of_host: Vec<Vec<usize>> = vec![Vec::new(); self.hosts.len()];
        for (place, event) in self.events.iter().enumerate() {
            of_host[event.host].push(place);
        }
        for events in &mut of_host {
            events.sort_by_key(|place| (self.events[*place].at, *place));
        }
        let mut next = vec![0; of_host.len()];
        let head = |host: usize, next: &[usize]| of_host[host].get(next[host]).copied();
        let turn = |host: usize, next: &[usize]| {
            head(host, next).map(|place| Reverse((self.events[place].at.0, host)))
        };
        let first = (0..of_host.len()).filter_map(|host| turn(host, &next));
        let mut ready: BinaryHeap<Reverse<(Moment, usize)>> = first.collect();
        // Hosts whose next event follows one that is not written yet, by that one.
        let mut waiting: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut clocks: Vec<Option<Vec<u64>>> = vec![None; self.events.len()];
        let mut now: Vec<Vec<u64>> = vec![vec![0; of_host.len()]; of_host.len()];
        // A clock is kept until the one event that follows it.
        let mut is_followed = vec![false; self.events.len()];
        let followed = self.events.iter().filter_map(|event| event.from);
        followed.for_each(|place| is_followed[place] = true);
        let mut text = format!("{PARSER}\n\n");
        loop {
            let (host, may_wait) = match ready.pop() {
                Some(Reverse((_, host))) => (host, true),
                // Clocks that contradict each other: some event has to go first.
                None => match waiting.pop_first() {
                    Some((from, mut hosts)) => {
                        let host = hosts.remove(0);
                        if !hosts.is_empty() {
                            waiting.insert(from, hosts);
                        }
                        (host, false)
                    }
                    None => return text,
                },
            };
            let Some(place) = head(host, &next) else {
                continue;
            };
            let event = &self.events[place];
            let before = event.from.map(|from| (from, clocks[from].take()));
            if let (Some((from, None)), true) = (&before, may_wait) {
                waiting.entry(*from).or_default().push(host);
                continue;
            }
            let clock = &mut now[host];
            if let Some((_, Some(other))) = before {
                let both = clock.iter_mut().zip(other);
                both.for_each(|(own, other)| *own = (*own).max(other));
            }
            clock[host] += 1;
            self.write_event(&mut text, event, clock);
            clocks[place] = is_followed[place].then(|| clock.clone());
            next[host] += 1;
            let hosts = waiting.remove(&place).unwrap_or_default();
            let hosts = hosts.into_iter().chain([host]);
            ready.extend(hosts.filter_map(|host| turn(host, &next)));
        }
    }

    fn write_event(&self, text: &mut String, event: &Event, clock: &[u64]) {
        let counts = clock.iter().zip(&self.hosts);
        let counts = counts.filter(|(count, _)| **count > 0);
        let counts: Vec<String> = counts
            .map(|(count, host)| format!("{}:{count}", serde_json::Value::from(host.as_str())))
            .collect();
        let seconds = event.at.0 as f64 / 1e9;
        let what = event.text.replace('\n', " ");
        let (host, counts) = (&self.hosts[event.host], counts.join(","));
        // Writing to a string cannot fail.
        let _written = writeln!(text, "{seconds:.6}s {what}\n{host} {{{counts}}}");
    }
}

fn replica(id: u16) -> String {
    format!("replica-{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::picture;

    #[test]
    fn clocks_count_what_each_host_knows_of() {
        let log = write(&picture(&[
            &[("send MCAST 2", "1.1", 5), ("receive ACK 2", "1.1", 9)],
            // Its clock is behind.
            &[("receive MCAST 1", "1.1", 4), ("send ACK 1", "1.1", 4)],
        ]));
        let lines: Vec<&str> = log.lines().skip(2).collect();
        let without_time = |line: &&str| line.split_once(' ').unwrap().1.to_owned();
        let shown: Vec<String> = lines.iter().map(without_time).collect();
        assert_eq!(
            shown,
            [
                "send MCAST 1.1 to 2",
                r#"{"replica-1":1}"#,
                "receive MCAST 1.1 from 1",
                r#"{"replica-1":1,"replica-2":1}"#,
                "send ACK 1.1 to 1",
                r#"{"replica-1":1,"replica-2":2}"#,
                "receive ACK 1.1 from 2",
                r#"{"replica-1":2,"replica-2":2}"#,
            ]
        );
    }

    #[test]
    fn events_that_each_follow_the_other_are_written_all_the_same() {
        let log = write(&picture(&[
            &[("receive MCAST 2", "1.2", 1), ("send MCAST 2", "1.1", 2)],
            &[("receive MCAST 1", "1.1", 1), ("send MCAST 1", "1.2", 2)],
        ]));
        assert_eq!(log.lines().count(), 2 + 2 * 4);
    }
}
