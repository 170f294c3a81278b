//! The trace: what [`Event`]s look like to programs, written and read back.

use crate::entry::Entry;
use crate::ids::{ReplicaId, Stamp};
use crate::turn::{Event, Now};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Longest part of a reply that the trace and the log show.
const CLIP: usize = 256;

/// A command's words; bytes that are not UTF-8 are escaped.
pub type Words<'a> = Vec<Cow<'a, str>>;

/// A line of the trace. Which fields there are depends on the event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line<'a> {
    /// The client of a request or a reply.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub client: Option<Cow<'a, str>>,
    /// The logical clock's time.
    #[serde(default)]
    pub clock: u64,
    /// A request's or an entry's only command, or that of a fault.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub command: Option<Words<'a>>,
    /// The commands of an entry that is a transaction.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub commands: Option<Vec<Words<'a>>>,
    /// What happened.
    #[serde(borrow)]
    pub event: Cow<'a, str>,
    /// The name of a frame.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Cow<'a, str>>,
    /// The replica at the other end of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<u16>,
    /// The place of an entry in the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Why a link is down.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// The replica that tells it.
    pub replica: u16,
    /// A reply as on the wire, clipped.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Cow<'a, str>>,
    /// The stamp of an entry, of the entry that a reply is for, or that a frame carries or acknowledges.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Cow<'a, str>>,
    /// Nanoseconds since 1970.
    pub wall_ns: u64,
}

/// What the trace of a replica says of an event: a line for each stamp of a frame, one for everything else.
#[must_use]
pub fn trace_lines<'a>(
    replica: ReplicaId,
    now: Now,
    clock: u64,
    event: &Event<'a>,
) -> Vec<Line<'a>> {
    let wall_ns = u64::try_from(now.wall.as_nanos()).unwrap_or(0);
    let line = |event: &'static str| Line {
        event: event.into(),
        replica: replica.0,
        wall_ns,
        clock,
        ..Line::default()
    };
    match *event {
        Event::Request { client, words } => vec![Line {
            client: Some(client.to_string().into()),
            command: Some(shown(words)),
            ..line("request")
        }],
        Event::Reply {
            client,
            stamp,
            bytes,
        } => vec![Line {
            client: Some(client.to_string().into()),
            stamp: stamp.map(|stamp| stamp.to_string().into()),
            reply: Some(clip_reply(bytes).into()),
            ..line("reply")
        }],
        Event::Send {
            peer,
            frame,
            stamps,
        } => frames(&line("send"), peer, frame, stamps),
        Event::Receive {
            peer,
            frame,
            stamps,
        } => frames(&line("receive"), peer, frame, stamps),
        Event::Deliver { position, entry } => delivered(line("deliver"), position, entry),
        Event::Apply { position, entry } => delivered(line("apply"), position, entry),
        Event::LinkUp { peer } => vec![Line {
            peer: Some(peer.0),
            ..line("link_up")
        }],
        Event::LinkDown { peer, reason } => vec![Line {
            peer: Some(peer.0),
            reason: Some(reason.into()),
            ..line("link_down")
        }],
        Event::Fault { words } => vec![Line {
            command: Some(shown(words)),
            ..line("fault")
        }],
        Event::Begin { .. } | Event::Notice { .. } => Vec::new(),
    }
}

/// A line for each stamp of a frame, or one if it has none.
fn frames<'a>(
    line: &Line<'a>,
    peer: ReplicaId,
    frame: &'static str,
    stamps: &[Stamp],
) -> Vec<Line<'a>> {
    let one = |stamp: Option<&Stamp>| Line {
        frame: Some(frame.into()),
        peer: Some(peer.0),
        stamp: stamp.map(|stamp| stamp.to_string().into()),
        ..line.clone()
    };
    match stamps {
        [] => vec![one(None)],
        stamps => stamps.iter().map(|stamp| one(Some(stamp))).collect(),
    }
}

fn delivered<'a>(line: Line<'a>, position: u64, entry: &'a Entry) -> Vec<Line<'a>> {
    let commands = entry.body.read().commands();
    let mut commands: Vec<Words<'a>> = commands.map(|words| shown(&words)).collect();
    let only = (commands.len() == 1).then(|| commands.remove(0));
    vec![Line {
        position: Some(position),
        stamp: Some(entry.stamp.to_string().into()),
        commands: only.is_none().then_some(commands),
        command: only,
        ..line
    }]
}

fn shown<'a>(words: &[&'a [u8]]) -> Words<'a> {
    let word = |word: &&'a [u8]| match std::str::from_utf8(word) {
        Ok(text) => Cow::from(text),
        Err(_) => word.escape_ascii().to_string().into(),
    };
    words.iter().map(word).collect()
}

/// The beginning of an encoded reply, as text.
#[must_use]
pub fn clip_reply(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(CLIP)];
    shown.trim_ascii_end().escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::EntryBody;
    use crate::ids::ConnectionId;

    #[test]
    fn what_is_written_is_read_back() {
        let (peer, stamp) = (ReplicaId(2), Stamp::new(17, ReplicaId(2)));
        let words: &[&[u8]] = &[b"SET", b"a \"b\"", b"\xff"];
        let body = EntryBody::command(words);
        let entry = &Entry { stamp, body };
        let client = ConnectionId { slot: 3, serial: 1 };
        let stamps = &[stamp, stamp];
        let frame = "MCAST";
        for (event, count) in [
            (Event::Request { client, words }, 1),
            (
                Event::Reply {
                    client,
                    stamp: Some(stamp),
                    bytes: b"+OK\r\n",
                },
                1,
            ),
            (
                Event::Send {
                    peer,
                    frame,
                    stamps,
                },
                2,
            ),
            (
                Event::Receive {
                    peer,
                    frame: "HEARTBEAT",
                    stamps: &[],
                },
                1,
            ),
            (Event::Deliver { position: 4, entry }, 1),
            (Event::Apply { position: 4, entry }, 1),
            (Event::LinkUp { peer }, 1),
            (
                Event::LinkDown {
                    peer,
                    reason: "silent",
                },
                1,
            ),
            (Event::Fault { words }, 1),
        ] {
            let lines = trace_lines(ReplicaId(1), Now::default(), 9, &event);
            assert_eq!(lines.len(), count);
            for line in lines {
                let text = serde_json::to_string(&line).expect("JSON");
                assert_eq!(serde_json::from_str::<Line<'_>>(&text).expect(&text), line);
            }
        }
    }
}
