//! Traces for tests, in few words.

use super::folder::Run;
use super::messages::Message;
use super::picture::Picture;
use super::trace::{Trace, read};

/// The picture of a run whose replicas, from 1, traced these events.
pub(super) fn picture<S: AsRef<str>>(events: &[&[(&str, S, u64)]]) -> Picture {
    let traces = (1..)
        .zip(events)
        .map(|(replica, events)| trace(replica, events));
    Picture::of(&Run {
        name: "</script><b>".into(),
        traces: traces.collect(),
        ..Run::default()
    })
}

/// A trace of events `(what, stamp, wall time)`, such as `("send MCAST 2", "1.1", 10)` or
/// `("deliver 1", "1.1", 20)`.
pub(super) fn trace<S: AsRef<str>>(replica: u16, events: &[(&str, S, u64)]) -> Trace {
    let line = |(what, stamp, wall): &(&str, S, u64)| {
        let stamp = stamp.as_ref();
        let words: Vec<&str> = what.split(' ').collect();
        let fields = match words[..] {
            [event, frame, peer] => {
                format!(r#""event":"{event}","frame":"{frame}","peer":{peer}"#)
            }
            ["deliver", position] => format!(
                r#""event":"deliver","position":{position},"command":["SET","x","{stamp}"]"#
            ),
            [event, peer] => format!(r#""event":"{event}","peer":{peer}"#),
            _ => panic!("{what}"),
        };
        let stamp = match stamp {
            "" => String::new(),
            stamp => format!(r#","stamp":"{stamp}""#),
        };
        format!("{{{fields}{stamp},\"replica\":{replica},\"wall_ns\":{wall}}}\n")
    };
    let text: String = events.iter().map(line).collect();
    read(text.as_bytes(), replica).unwrap()
}

/// Kind, sending and arrival of each message.
pub(super) fn walls(messages: &[Message]) -> Vec<(&'static str, Option<u64>, Option<u64>)> {
    messages
        .iter()
        .map(|message| (message.kind.name(), message.sent, message.received))
        .collect()
}
