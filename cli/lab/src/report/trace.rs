//! Reading `replica-N.trace.jsonl`: what a replica wrote down of itself, event by event.

use super::asked::{Command, clip};
use crate::kit::failure::Failure;
use holdback::multicast::Stamp;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

/// Everything that one replica traced, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    /// The replica.
    pub(super) replica: u16,
    /// What happened.
    pub(super) events: Vec<Event>,
    /// Whether the last line was cut off, as happens to a process that is killed.
    pub(super) torn: bool,
}

/// One event of a replica.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// The wall time, in nanoseconds since 1970.
    pub(super) wall: u64,
    /// The logical clock.
    pub(super) clock: u64,
    /// What happened.
    pub(super) what: What,
}

/// What an event can be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A client's command came in.
    Request {
        /// The client's number in this trace.
        client: u32,
        /// What it asked for.
        command: Command,
    },
    /// A reply went out.
    Reply {
        /// The client's number in this trace.
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
        /// Its position at this replica.
        position: u64,
        /// Its stamp.
        stamp: Stamp,
        /// What it does.
        command: Command,
        /// Whether it came out of the holdback queue; the eventual model has none.
        was_held: bool,
    },
    /// A link came up.
    LinkUp {
        /// With whom.
        peer: u16,
    },
    /// A link went down.
    LinkDown {
        /// With whom.
        peer: u16,
        /// Why.
        reason: Box<str>,
    },
    /// Somebody injected a fault, or healed it.
    Fault(Box<[String]>),
}

/// A frame at one end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    /// Its kind.
    pub(super) kind: FrameKind,
    /// The replica at the other end.
    pub(super) peer: u16,
    /// The stamp that it carries or acknowledges.
    pub(super) stamp: Option<Stamp>,
}

/// The kinds of frames that a picture tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// All others.
    Other,
}

impl FrameKind {
    fn of(name: &str) -> Self {
        match name {
            "MCAST" => Self::Mcast,
            "ACK" => Self::Ack,
            "UPDATE" => Self::Update,
            "ENTRY" => Self::Entry,
            "ROUND" => Self::Round,
            _ => Self::Other,
        }
    }

    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mcast => "MCAST",
            Self::Ack => "ACK",
            Self::Update => "UPDATE",
            Self::Entry => "ENTRY",
            Self::Round => "ROUND",
            Self::Other => "OTHER",
        }
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
    let mut clients = Numbers::default();
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

/// Small numbers for names.
#[derive(Default)]
struct Numbers(HashMap<String, u32>);

impl Numbers {
    fn of(&mut self, name: &str) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.to_owned(), number);
        number
    }
}

/// A line as it stands in the file.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    replica: u16,
    wall_ns: u64,
    #[serde(default)]
    clock: u64,
    #[serde(borrow)]
    frame: Option<Cow<'a, str>>,
    peer: Option<u16>,
    #[serde(borrow)]
    stamp: Option<Cow<'a, str>>,
    position: Option<u64>,
    #[serde(borrow)]
    client: Option<Cow<'a, str>>,
    #[serde(borrow)]
    command: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    commands: Option<Vec<Vec<Cow<'a, str>>>>,
    #[serde(borrow)]
    reply: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

/// The event of a line; none if pictures have no use for it.
fn event(text: &[u8], replica: u16, clients: &mut Numbers) -> Result<Option<Event>, String> {
    let line: Line<'_> = serde_json::from_slice(text).map_err(|error| {
        let text = error.to_string();
        text[..text.rfind(" at line ").unwrap_or(text.len())].to_owned()
    })?;
    if line.replica != replica {
        let found = line.replica;
        return Err(format!("this is an event of replica {found}"));
    }
    let (wall, clock) = (line.wall_ns, line.clock);
    let what = what(line, clients)?;
    Ok(what.map(|what| Event { wall, clock, what }))
}

fn what(line: Line<'_>, clients: &mut Numbers) -> Result<Option<What>, String> {
    let missing = |name: &str| format!("`{name}` is missing");
    let name = line.event.into_owned();
    let stamp = match &line.stamp {
        Some(text) => Some(
            Stamp::parse(text.as_bytes())
                .ok_or_else(|| format!("`stamp` is {text:?}, not 17.2"))?,
        ),
        None => None,
    };
    let peer = line.peer.ok_or_else(|| missing("peer"));
    let mut client = || match &line.client {
        Some(client) => Ok(clients.of(client)),
        None => Err(missing("client")),
    };
    let frame = || match &line.frame {
        Some(frame) => Ok(FrameKind::of(frame)),
        None => Err(missing("frame")),
    };
    let commands = match (line.command, line.commands) {
        (Some(command), _) => Ok(vec![command]),
        (None, Some(commands)) => Ok(commands),
        (None, None) => Err(missing("command")),
    };
    Ok(Some(match name.as_str() {
        "request" => What::Request {
            client: client()?,
            command: Command::new(&commands?),
        },
        "reply" => What::Reply {
            client: client()?,
            stamp,
            reply: clip(line.reply.as_deref().unwrap_or_default()).into(),
        },
        "send" | "receive" => {
            let (kind, peer) = (frame()?, peer?);
            let frame = Frame { kind, peer, stamp };
            match name.as_str() {
                _ if kind == FrameKind::Other => return Ok(None),
                "send" => What::Send(frame),
                _ => What::Receive(frame),
            }
        }
        "deliver" | "apply" => What::Deliver {
            position: line.position.ok_or_else(|| missing("position"))?,
            stamp: stamp.ok_or_else(|| missing("stamp"))?,
            command: Command::new(&commands?),
            was_held: name == "deliver",
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
        _ => return Err(format!("`event` is {name:?}, which is none")),
    }))
}

#[cfg(test)]
mod tests;
