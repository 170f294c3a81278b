//! What clients asked the replicas, as these traced it: requests paired with their replies, transactions
//! folded into one.

use super::asked::Command;
use super::trace::{Trace, What};
use holdback::command::{Kind, Name, lookup};
use holdback::ids::Stamp;
use std::collections::{HashMap, VecDeque};

/// A request for data.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) replica: u16,
    /// The client's number at this replica.
    pub(super) client: u32,
    /// When it came in: wall time, in nanoseconds.
    pub(super) came: u64,
    pub(super) command: Command,
    /// When the reply went out, and what it said.
    pub(super) reply: Option<(u64, Box<str>)>,
    /// The stamp of the entry that the reply was for.
    pub(super) stamp: Option<Stamp>,
    /// The stamps of what it made at once: in the eventual model each key of an MSET becomes an entry.
    pub(super) made: Vec<Stamp>,
}

/// A client's requests that have no reply yet: places in the list, or none for those that are left out.
#[derive(Default)]
struct Pipeline {
    open: VecDeque<Option<usize>>,
    /// The commands since MULTI.
    parts: Option<Vec<Command>>,
}

/// The requests for data in a trace, in its order.
pub(super) fn requests(trace: &Trace) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut pipelines: HashMap<u32, Pipeline> = HashMap::new();
    let mut executing: Option<usize> = None;
    for event in &trace.events {
        match &event.what {
            What::Request { client, command } => {
                let pipeline = pipelines.entry(*client).or_default();
                let asked = pipeline.take(command);
                pipeline
                    .open
                    .push_back(asked.is_some().then_some(requests.len()));
                requests.extend(asked.map(|command| Request {
                    replica: trace.replica,
                    client: *client,
                    came: event.wall,
                    command,
                    reply: None,
                    stamp: None,
                    made: Vec::new(),
                }));
                executing = pipeline.open.back().copied().flatten();
            }
            // A replica of the eventual model does all that a request asks for before it does anything else.
            What::Deliver {
                was_held: false,
                stamp,
                ..
            } if stamp.replica.0 == trace.replica => {
                if let Some(place) = executing {
                    requests[place].made.push(*stamp);
                }
            }
            What::Reply {
                client,
                stamp,
                reply,
            } => {
                executing = None;
                let pipeline = pipelines.entry(*client).or_default();
                if let Some(Some(place)) = pipeline.open.pop_front() {
                    requests[place].reply = Some((event.wall, reply.clone()));
                    requests[place].stamp = *stamp;
                }
            }
            _ => {}
        }
    }
    requests
}

impl Pipeline {
    /// What a command asks for, if it asks for data: EXEC for everything since MULTI.
    fn take(&mut self, command: &Command) -> Option<Command> {
        match &*command.name {
            "MULTI" => self.parts = Some(Vec::new()),
            "DISCARD" => self.parts = None,
            "EXEC" => return Some(Command::of_parts(&self.parts.take()?)),
            name => match &mut self.parts {
                Some(parts) => parts.push(command.clone()),
                None => return is_for_data(name).then(|| command.clone()),
            },
        }
        None
    }
}

/// Whether a command asks for data, and not about the cluster or the connection. An unknown one may.
fn is_for_data(name: &str) -> bool {
    lookup(name.as_bytes())
        .is_none_or(|spec| matches!(spec.kind, Kind::Read | Kind::Write) && spec.id != Name::Dbsize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::trace::read;

    #[test]
    fn replies_find_their_requests_and_transactions_are_one() {
        let request = |client: &str, words: &str| {
            format!(
                r#"{{"event":"request","client":"{client}","command":{words},"replica":1,"wall_ns":5}}"#
            )
        };
        let reply = |client: &str, more: &str| {
            format!(r#"{{"event":"reply","client":"{client}",{more}"replica":1,"wall_ns":9}}"#)
        };
        let lines = [
            request("a", r#"["STATUS"]"#),
            request("a", r#"["SET","x","1"]"#),
            request("b", r#"["MULTI"]"#),
            request("b", r#"["SET","y","2"]"#),
            request("b", r#"["GET","x"]"#),
            request("b", r#"["EXEC"]"#),
            reply("a", ""),
            reply("b", ""),
            reply("b", ""),
            reply("b", ""),
            reply("a", r#""reply":"+OK","stamp":"1.1","#),
            reply("b", r#""stamp":"2.1","#),
            request("a", r#"["GET","x"]"#),
        ];
        let trace = read(lines.join("\n").as_bytes(), 1).unwrap();
        let found = requests(&trace);
        let shown: Vec<_> = found
            .iter()
            .map(|r| {
                (
                    r.client,
                    &*r.command.text,
                    r.stamp.map(|s| s.time),
                    r.reply.is_some(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (0, "SET x 1", Some(1), true),
                (1, "SET y 2 ; GET x", Some(2), true),
                (0, "GET x", None, false),
            ]
        );
        let whole = Command::new(&[vec!["SET", "y", "2"], vec!["GET", "x"]]);
        assert_eq!(found[1].command.fingerprint, whole.fingerprint);
    }

    #[test]
    fn what_a_request_made_at_once_is_its_own() {
        let apply = |stamp: &str| {
            format!(
                r#"{{"event":"apply","position":1,"command":["SET","x","1"],"stamp":"{stamp}","replica":1,"wall_ns":5}}"#
            )
        };
        let request = r#"{"event":"request","client":"a","command":["MSET","x","1","y","1"],"replica":1,"wall_ns":5}"#;
        let reply = r#"{"event":"reply","client":"a","replica":1,"wall_ns":5}"#;
        let [before, one, two, other, after] = ["1.1", "2.1", "3.1", "3.2", "4.1"].map(apply);
        let lines = [&before, request, &one, &two, &other, reply, &after];
        let trace = read(lines.join("\n").as_bytes(), 1).unwrap();
        let made: Vec<u64> = requests(&trace)[0]
            .made
            .iter()
            .map(|stamp| stamp.time)
            .collect();
        assert_eq!(made, [2, 3]);
    }
}
