//! Traces for tests, in few words.

use super::messages::Message;
use super::trace::{Trace, read};

/// A trace of events `(what, stamp, wall time)`, such as `("send MCAST 2", "1.1", 10)` or
/// `("deliver 1", "1.1", 20)`.
pub(super) fn trace(replica: u16, events: &[(&str, &str, u64)]) -> Trace {
    let line = |(what, stamp, wall): &(&str, &str, u64)| {
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
        let stamp = match *stamp {
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
