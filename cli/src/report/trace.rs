//! Reading `replica-N.trace.jsonl`: what a replica wrote down of itself, event by event.

use crate::history::Call;
use crate::lab::failure::Failure;
use holdback::multicast::Stamp;
use holdback::protocol::inline::quote_all;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufRead;
use std::path::Path;

/// The longest command or reply that a picture shows, in characters.
const CLIP: usize = 96;

/// Everything that one replica traced, in its order.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The replica.
    pub replica: u16,
    /// What happened.
    pub events: Vec<Event>,
    /// Whether the last line was cut off, as happens to a process that is killed.
    pub torn: bool,
}

/// One event of a replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The wall time, in nanoseconds since 1970.
    pub wall: u64,
    /// The logical clock.
    pub clock: u64,
    /// What happened.
    pub what: What,
}

/// What an event can be.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
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
pub struct Frame {
    /// Its kind.
    pub kind: FrameKind,
    /// The replica at the other end.
    pub peer: u16,
    /// The stamp that it carries or acknowledges.
    pub stamp: Option<Stamp>,
}

/// The kinds of frames that a picture tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FrameKind {
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
    #[must_use]
    pub fn name(self) -> &'static str {
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

/// A command, or those of a transaction: as a person reads it, and a number that tells it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The name of the first command, in capitals.
    pub name: Box<str>,
    /// As `ORDER` prints it, clipped.
    pub text: Box<str>,
    /// Equal for commands that ask for the same.
    pub fingerprint: u64,
}

impl Command {
    /// Takes the words of one or more commands.
    #[must_use]
    pub fn new<A: AsRef<str>>(commands: &[Vec<A>]) -> Self {
        let parts: Vec<Self> = commands.iter().map(|words| Self::single(words)).collect();
        Self::of_parts(&parts)
    }

    fn single<A: AsRef<str>>(words: &[A]) -> Self {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_ref().as_bytes()).collect();
        let mut hasher = DefaultHasher::new();
        match Call::of_command(&words) {
            Some(call) => call.hash(&mut hasher),
            None => words.hash(&mut hasher),
        }
        let name = words.first().map(|name| name.escape_ascii().to_string());
        let shown = words.iter().map(|word| &word[..word.len().min(4 * CLIP)]);
        Self {
            name: name.unwrap_or_default().to_ascii_uppercase().into(),
            text: clip(&quote_all(shown)).into(),
            fingerprint: hasher.finish(),
        }
    }

    /// The transaction that is made of commands. One of a single command is that command.
    #[must_use]
    pub fn of_parts(parts: &[Self]) -> Self {
        if let [only] = parts {
            return only.clone();
        }
        let mut hasher = DefaultHasher::new();
        let mut text = String::new();
        for part in parts {
            part.fingerprint.hash(&mut hasher);
            if text.len() < 4 * CLIP {
                text += if text.is_empty() { "" } else { " ; " };
                text += &part.text;
            }
        }
        Self {
            name: parts
                .first()
                .map_or_else(Box::default, |part| part.name.clone()),
            text: clip(&text).into(),
            fingerprint: hasher.finish(),
        }
    }

    /// The command that a call of a history makes, as a trace would have it.
    #[must_use]
    pub fn of_call(call: &Call) -> Self {
        let text = |word: Vec<u8>| match String::from_utf8(word) {
            Ok(text) => text,
            // A trace escapes what is not text.
            Err(error) => error.as_bytes().escape_ascii().to_string(),
        };
        let commands = call.commands().into_iter();
        let commands = commands.map(|command| command.into_iter().map(text).collect());
        Self::new(&commands.collect::<Vec<Vec<String>>>())
    }
}

/// Shortens a text that is longer than a picture shows.
#[must_use]
pub fn clip(text: &str) -> String {
    match text.char_indices().nth(CLIP) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Reads a trace file.
///
/// # Errors
/// [`Failure::Usage`] with the file and the line if it cannot be read or is malformed. A last line without
/// an end may be anything.
pub fn read_file(path: &Path, replica: u16) -> Result<Trace, Failure> {
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
pub fn read(mut input: impl BufRead, replica: u16) -> Result<Trace, (usize, String)> {
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
mod tests {
    use super::*;

    fn one(line: &str) -> Result<Trace, (usize, String)> {
        read(format!("{line}\n").as_bytes(), 1)
    }

    #[test]
    fn lines_as_the_server_writes_them_become_events() {
        let trace = one(
            r#"{"client":"c13","clock":1,"command":["set","x","a b"],"event":"request","replica":1,"wall_ns":7}
               {"clock":1,"event":"send","frame":"MCAST","peer":2,"replica":1,"stamp":"1.1","wall_ns":7}
               {"clock":1,"event":"receive","frame":"VECTOR","peer":2,"replica":1,"wall_ns":8}
               {"clock":1,"command":["SET","x","a b"],"event":"deliver","position":1,"replica":1,"stamp":"1.1","wall_ns":9}"#,
        )
        .unwrap();
        let [request, send, deliver] = &trace.events[..] else {
            panic!("a VECTOR is of no use: {trace:?}");
        };
        let (What::Request { command, .. }, What::Deliver { command: same, .. }) =
            (&request.what, &deliver.what)
        else {
            panic!("{trace:?}");
        };
        assert_eq!(
            command.fingerprint, same.fingerprint,
            "names are the same in any case"
        );
        assert_eq!(&*command.text, "set x \"a b\"");
        assert_eq!(
            send.what,
            What::Send(Frame {
                kind: FrameKind::Mcast,
                peer: 2,
                stamp: Stamp::parse(b"1.1")
            })
        );
    }

    #[test]
    fn nonsense_is_an_error_with_its_line() {
        let good = r#"{"event":"link_up","peer":2,"replica":1,"wall_ns":1}"#;
        for (bad, part) in [
            ("{", "EOF"),
            (r#"{"event":"link_up","replica":1,"wall_ns":1}"#, "`peer`"),
            (r#"{"event":"dance","replica":1,"wall_ns":1}"#, "dance"),
            (
                r#"{"event":"link_up","peer":2,"replica":2,"wall_ns":1}"#,
                "replica 2",
            ),
            (
                r#"{"event":"send","frame":"ACK","peer":2,"stamp":"x","replica":1,"wall_ns":1}"#,
                "`stamp`",
            ),
        ] {
            let (line, what) = one(&format!("{good}\n{bad}")).unwrap_err();
            assert_eq!(line, 2);
            assert!(what.contains(part), "{what}");
        }
    }

    #[test]
    fn a_line_without_an_end_may_be_cut_off() {
        let text =
            "{\"event\":\"link_up\",\"peer\":2,\"replica\":1,\"wall_ns\":1}\n{\"event\":\"li";
        let trace = read(text.as_bytes(), 1).unwrap();
        assert!(trace.torn);
        assert_eq!(trace.events.len(), 1);
    }

    #[test]
    fn a_call_is_the_command_that_makes_it() {
        let call = Call::SetNx(b"k\xff".to_vec(), b"1".to_vec());
        let traced = Command::new(&[vec!["set", "k\\xff", "1", "nx"]]);
        assert_eq!(Command::of_call(&call).fingerprint, traced.fingerprint);
        let long = Command::new(&[vec!["SET", "x", &"v".repeat(1000)]]);
        assert_eq!(long.text.chars().count(), CLIP + 1);
    }
}
