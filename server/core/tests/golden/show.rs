//! Frames as the scripts show them.

use holdback::ids::Vector;
use holdback::message::Message;
use holdback::wire::frame::Frame;
use holdback::wire::inline::quote_all;

/// A frame in a line; none for heartbeats.
pub(crate) fn frame(from: u16, to: u16, frame: Frame<'_>) -> Option<String> {
    match Message::parse(frame) {
        Ok(Message::Heartbeat(_) | Message::HeartbeatAck(_)) => None,
        Ok(message) => Some(show(from, to, &message)),
        Err(reason) => Some(reason),
    }
}

fn show(from: u16, to: u16, message: &Message) -> String {
    match message {
        Message::Mcast(previous, entries) => {
            let entry = |(time, body): &(u64, holdback::entry::EntryBody)| {
                format!("{time}.{from} [{}]", body.describe())
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("MCAST after {previous}: {}", entries.join(", "))
        }
        Message::Ack(acks) => {
            let stamps: Vec<String> = acks.iter().map(|ack| ack.stamp.to_string()).collect();
            format!("ACK {}", stamps.join(" "))
        }
        Message::Peer(handshake) => format!("PEER: I hold {}.{to}", handshake.have),
        Message::Update(time, key, value) => {
            format!("UPDATE {time}.{from} {}", write(key, value.as_deref()))
        }
        Message::Entry(stamp, key, value) => {
            format!("ENTRY {} {}", stamp.short(), write(key, value.as_deref()))
        }
        Message::Round => "ROUND".into(),
        Message::End(vector) => format!("END {}", show_vector(vector)),
        Message::Vector(_, _, vector) => format!("VECTOR {}", show_vector(vector)),
        Message::Refuse(_, reason) => format!("REFUSE {reason}"),
        other => format!("{other:?}"),
    }
}

fn write(key: &[u8], value: Option<&[u8]>) -> String {
    match value {
        Some(value) => format!("[SET {}]", quote_all([key, value])),
        None => format!("[DEL {}]", quote_all([key])),
    }
}

/// As `1:17 2:4`: of replica 1 everything up to time 17.
pub(crate) fn show_vector(vector: &Vector) -> String {
    let parts: Vec<String> = vector
        .iter()
        .map(|(origin, time)| format!("{}:{time}", origin.replica))
        .collect();
    if parts.is_empty() {
        "nothing".into()
    } else {
        parts.join(" ")
    }
}
