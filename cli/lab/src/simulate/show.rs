//! Frames and events as the lines of a trace.

use super::ear::Told;
use holdback::entry::Entry;
use holdback::message::Message;

/// A frame for the trace.
pub(super) fn frame(message: &Message) -> String {
    match message {
        Message::Mcast(previous, entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(time, body)| format!("{time} [{}]", body.describe()))
                .collect();
            format!("MCAST after {previous}: {}", entries.join(", "))
        }
        Message::Ack(stamps) => {
            let stamps: Vec<String> = stamps.iter().map(|ack| ack.stamp.to_string()).collect();
            format!("ACK {}", stamps.join(" "))
        }
        Message::Peer(handshake) => {
            format!(
                "PEER incarnation {} known {} have {}",
                handshake.incarnation, handshake.known, handshake.have
            )
        }
        other => format!("{other:?}"),
    }
}

/// What a replica told for the trace; none for what is shown otherwise.
pub(super) fn told(index: usize, told: &Told) -> Option<String> {
    let who = index + 1;
    let commit = |verb, position, entry: &Entry| {
        let (stamp, body) = (entry.stamp, entry.body.describe());
        format!("r{who} {verb} {position}: {stamp} [{body}]")
    };
    Some(match told {
        Told::Deliver { position, entry } => commit("delivers", position, entry),
        Told::Apply { position, entry } => commit("applies", position, entry),
        Told::LinkUp(peer) => format!("r{who} link to r{peer} is up"),
        Told::LinkDown(peer, reason) => format!("r{who} link to r{peer} is down: {reason}"),
        Told::Notice(level, text) => format!("r{who} {level:?}: {text}"),
        Told::Malformed(error) => format!("r{who} does not understand: {error}"),
        Told::Frame(..) | Told::ReplyBegins(..) | Told::Reply(..) => return None,
    })
}
