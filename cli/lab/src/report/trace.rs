//! Reading `replica-N.trace.jsonl`: what a replica wrote down of itself, event by event.

use super::asked::{Command, clip};
use crate::kit::failure::Failure;
use holdback::ids::Stamp;
use holdback::trace::Line;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

/// Everything that one replica traced, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    pub(super) replica: u16,
    pub(super) events: Vec<Event>,
    /// Whether the last line was cut off, as happens to a process that is killed.
    pub(super) torn: bool,
}

/// One event of a replica.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// The wall time, in nanoseconds since 1970.
    pub(super) wall: u64,
    pub(super) clock: u64,
    pub(super) what: What,
}

/// What an event can be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A client's command came in.
    Request { client: u32, command: Command },
    /// A reply went out.
    Reply {
        client: u32,
        /// The stamp of the entry that the reply is for, if it is for one.
        stamp: Option<Stamp>,
        /// The reply as on the wire, clipped.
        reply: Box<str>,
    },
    /// A frame was put on a link.
    Send(Frame),
    /// A frame came off a link.
    Receive(Frame),
    /// An entry was delivered, or (eventual model) applied.
    Deliver {
        position: u64,
        stamp: Stamp,
        command: Command,
        /// Whether it came out of the holdback queue; the eventual model has none.
        was_held: bool,
    },
    /// A link came up.
    LinkUp { peer: u16 },
    /// A link went down.
    LinkDown { peer: u16, reason: Box<str> },
    /// Somebody injected a fault, or healed it.
    Fault(Box<[String]>),
}

/// A frame at one end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    /// The replica at the other end.
    pub(super) peer: u16,
    /// The stamp that it carries or acknowledges.
    pub(super) stamp: Option<Stamp>,
}

/// The kinds of frames that a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum FrameKind {
    /// Carries an entry of the ordered models.
    Mcast,
    /// Acknowledges entries.
    Ack,
    /// Carries an entry of the eventual model, at once.
    Update,
    /// Carries an entry of the eventual model, within a round.
    Entry,
    /// Starts a round.
    Round,
}

impl FrameKind {
    const ALL: [Self; 5] = [
        Self::Mcast,
        Self::Ack,
        Self::Update,
        Self::Entry,
        Self::Round,
    ];

    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        ["MCAST", "ACK", "UPDATE", "ENTRY", "ROUND"][self as usize]
    }
}

/// Reads a trace file.
///
/// # Errors
/// [`Failure::Usage`] with the file and the line if it cannot be read or is malformed. A last line without
/// an end may be anything.
pub(super) fn read_file(path: &Path, replica: u16) -> Result<Trace, Failure> {
    let shown = path.display();
    let file =
        std::fs::File::open(path).map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
    read(std::io::BufReader::with_capacity(1 << 20, file), replica)
        .map_err(|(line, what)| Failure::Usage(format!("{shown}: line {line}: {what}")))
}

/// Reads a trace.
///
/// # Errors
/// The number of the line that is malformed, and what is wrong with it.
pub(super) fn read(mut input: impl BufRead, replica: u16) -> Result<Trace, (usize, String)> {
    let mut trace = Trace {
        replica,
        ..Trace::default()
    };
    let mut clients = HashMap::new();
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        match input.read_until(b'\n', &mut text) {
            Ok(0) => break,
            Ok(_) if text.trim_ascii().is_empty() => continue,
            Ok(_) => {}
            Err(error) => return Err((number, error.to_string())),
        }
        match event(&text, replica, &mut clients) {
            Ok(Some(event)) => trace.events.push(event),
            Ok(None) => {}
            Err(_) if !text.ends_with(b"\n") => trace.torn = true,
            Err(what) => return Err((number, what)),
        }
    }
    Ok(trace)
}

/// The event of a line; none if pictures have no use for it. Clients are numbered as they come.
fn event(
    text: &[u8],
    replica: u16,
    clients: &mut HashMap<String, u32>,
) -> Result<Option<Event>, String> {
    let line: Line<'_> = of_json(text)?;
    if line.replica != replica {
        let found = line.replica;
        return Err(format!("this is an event of replica {found}"));
    }
    let (wall, clock) = (line.wall_ns, line.clock);
    let what = what(line, clients)?;
    Ok(what.map(|what| Event { wall, clock, what }))
}

/// What a line of JSON says. An error names no place, which within one line is of no use.
pub(super) fn of_json<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| {
        let text = error.to_string();
        text[..text.rfind(" at line ").unwrap_or(text.len())].to_owned()
    })
}

fn need<T>(field: Option<T>, name: &str) -> Result<T, String> {
    field.ok_or_else(|| format!("`{name}` is missing"))
}

fn what(line: Line<'_>, clients: &mut HashMap<String, u32>) -> Result<Option<What>, String> {
    let stamp = line.stamp.as_deref().map(|text| {
        Stamp::parse(text.as_bytes()).ok_or_else(|| format!("`stamp` is {text:?}, not 17.2"))
    });
    let stamp = stamp.transpose()?;
    let peer = need(line.peer, "peer");
    let mut client = || {
        let next = clients.len() as u32;
        let name = need(line.client.as_deref(), "client")?;
        Ok::<u32, String>(*clients.entry(name.to_owned()).or_insert(next))
    };
    let commands = line.command.map(|command| vec![command]).or(line.commands);
    let commands = need(commands, "command");
    Ok(Some(match &*line.event {
        "request" => What::Request {
            client: client()?,
            command: Command::new(&commands?),
        },
        "reply" => What::Reply {
            client: client()?,
            stamp,
            reply: clip(line.reply.as_deref().unwrap_or_default()).into(),
        },
        event @ ("send" | "receive") => {
            let (name, peer) = (need(line.frame, "frame")?, peer?);
            let mut kinds = FrameKind::ALL.into_iter();
            let Some(kind) = kinds.find(|kind| kind.name() == name) else {
                return Ok(None);
            };
            let frame = Frame { kind, peer, stamp };
            match event {
                "send" => What::Send(frame),
                _ => What::Receive(frame),
            }
        }
        event @ ("deliver" | "apply") => What::Deliver {
            position: need(line.position, "position")?,
            stamp: need(stamp, "stamp")?,
            command: Command::new(&commands?),
            was_held: event == "deliver",
        },
        "link_up" => What::LinkUp { peer: peer? },
        "link_down" => What::LinkDown {
            peer: peer?,
            reason: line.reason.unwrap_or_default().into(),
        },
        "fault" => {
            let words = commands?.into_iter().flatten().map(Cow::into_owned);
            What::Fault(words.collect())
        }
        event => return Err(format!("`event` is {event:?}, which is none")),
    }))
}

#[cfg(test)]
mod tests;
