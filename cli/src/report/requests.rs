//! What clients asked the replicas, as these traced it: requests paired with their replies, transactions
//! folded into one.

use super::asked::Command;
use super::trace::{Trace, What};
use holdback::multicast::Stamp;
use std::collections::{HashMap, VecDeque};

/// Commands that ask about the cluster or the connection, and not for data.
const ABOUT: &[&str] = &[
    "PEER",
    "STATUS",
    "ORDER",
    "DIGEST",
    "HOLDBACK",
    "STORE",
    "HELP",
    "POSITION",
    "AWAIT",
    "CONSISTENCY",
    "MONITOR",
    "FAULT",
    "HELLO",
    "PING",
    "ECHO",
    "COMMAND",
    "CONFIG",
    "CLIENT",
    "INFO",
    "SELECT",
    "QUIT",
    "MULTI",
    "DISCARD",
    "WATCH",
    "UNWATCH",
    "RESET",
    "DBSIZE",
];

/// A request for data.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The replica that was asked.
    pub replica: u16,
    /// The client's number at this replica.
    pub client: u32,
    /// When it came in: wall time, in nanoseconds.
    pub came: u64,
    /// What it asked for.
    pub command: Command,
    /// When the reply went out, and what it said.
    pub reply: Option<(u64, Box<str>)>,
    /// The stamp of the entry that the reply was for.
    pub stamp: Option<Stamp>,
}

/// A client's requests that have no reply yet: places in the list, or none for those that are left out.
#[derive(Default)]
struct Pipeline {
    open: VecDeque<Option<usize>>,
    /// The commands since MULTI.
    parts: Option<Vec<Command>>,
}

/// The requests for data in a trace, in its order.
#[must_use]
pub fn requests(trace: &Trace) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut pipelines: HashMap<u32, Pipeline> = HashMap::new();
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
                }));
            }
            What::Reply {
                client,
                stamp,
                reply,
            } => {
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
                None => return (!ABOUT.contains(&name)).then(|| command.clone()),
            },
        }
        None
    }
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
}
