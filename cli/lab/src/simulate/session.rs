//! One connection of a client: what it asked, what it was told, and whether that was right.

mod judge;

use super::agenda::Time;
use super::record::Record;
use super::violation::{Check, Violation, ensure};
use super::workload::Command;
use holdback::consistency::Consistency;
use holdback::wire::error::ErrorCode;
use judge::Told;
use std::collections::BTreeMap;

const RESULTS_AGREE: &str = "results agree with a replay of the order";
const PROGRAM_ORDER: &str = "each connection sees the order in its program order";
const REAL_TIME: &str = "what completed before an operation began is before it in the order";
const ONE_REPLY: &str = "every operation gets exactly one reply";

/// What became of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No reply so far.
    #[default]
    Open,
    /// It was done, or it read.
    Done,
    /// It certainly was not done.
    Failed,
    /// It may have been done, or may still be.
    Unknown,
}

impl Outcome {
    /// What a reply says by itself.
    fn of(reply: &[u8]) -> Self {
        match reply.first() {
            Some(b'-') => Self::Failed,
            _ => Self::Done,
        }
    }
}

/// A command that was sent.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) command: Command,
    /// The highest position that had been completed anywhere.
    floor: u64,
    /// When it was sent.
    pub(super) invoked: Time,
    pub(super) completed: Time,
    pub(super) reply: Vec<u8>,
    /// The position at which it took effect or was read.
    pub(super) position: u64,
    /// A read of it went past the multicast.
    pub(super) reads_locally: bool,
    pub(super) outcome: Outcome,
}

/// Entries that may be in the order although no client was told so: by replica and text, how many.
#[derive(Debug, Default)]
pub(super) struct Unclaimed(BTreeMap<(usize, String), usize>);

impl Unclaimed {
    fn add(&mut self, replica: usize, text: String) {
        *self.0.entry((replica, text)).or_default() += 1;
    }

    /// Uses one up; whether there was one.
    pub(super) fn take(&mut self, replica: usize, text: String) -> bool {
        match self.0.get_mut(&(replica, text)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }
}

/// What the checks of all sessions share.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) record: Record,
    pub(super) unclaimed: Unclaimed,
    /// The highest position whose client was answered.
    pub(super) completed: u64,
}

/// A watched key and what its last change was.
#[derive(Clone, Debug)]
struct Watched {
    key: Vec<u8>,
    changed: u64,
}

/// A connection of a client to a replica, from 0.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client: usize,
    pub(super) replica: usize,
    pub(super) wire: usize,
    /// The replica's incarnation when the client connected.
    pub(super) incarnation: u64,
    pub(super) requests: Vec<Request>,
    pub(super) answered: usize,
    read_path: Consistency,
    multi: Option<Vec<Command>>,
    /// A MULTI was given up: until EXEC or DISCARD nothing may be executed.
    given_up: bool,
    watches: Vec<Watched>,
    /// The position of the last command that had one.
    position: u64,
}

impl Session {
    pub(super) fn new(
        client: usize,
        replica: usize,
        wire: usize,
        incarnation: u64,
        read_path: Consistency,
    ) -> Self {
        Self {
            client,
            replica,
            wire,
            incarnation,
            requests: Vec::new(),
            answered: 0,
            read_path,
            multi: None,
            given_up: false,
            watches: Vec::new(),
            position: 0,
        }
    }

    /// A command was sent.
    pub(super) fn invoke(&mut self, command: Command, now: Time, ledger: &Ledger) {
        self.requests.push(Request {
            command,
            floor: ledger.completed,
            invoked: now,
            ..Request::default()
        });
    }

    /// A reply came in, made at a position: it belongs to the first request without one.
    pub(super) fn reply(
        &mut self,
        reply: &[u8],
        position: u64,
        now: Time,
        ledger: &mut Ledger,
    ) -> Check {
        // A wrong reply is on record, too.
        let at = self.reply_unchecked(reply, now)?;
        self.requests[at].position = position;
        self.requests[at].reads_locally = self.read_path == Consistency::Sequential;
        let told = Told {
            at,
            reply,
            position,
        };
        self.requests[at].outcome = self.judge(told, ledger)?;
        Ok(())
    }

    /// A reply came in that was judged already, when it was made; the request that it is for.
    pub(super) fn reply_unchecked(&mut self, reply: &[u8], now: Time) -> Result<usize, Violation> {
        let at = self.answered;
        ensure!(
            at < self.requests.len(),
            ONE_REPLY,
            "{} has answered everything and got {}",
            self.name(),
            reply.escape_ascii()
        );
        self.answered += 1;
        let request = &mut self.requests[at];
        request.outcome = Outcome::of(reply);
        request.completed = now;
        request.reply = reply.to_vec();
        Ok(at)
    }

    /// The connection is gone: what was not answered may or may not be in the order.
    pub(super) fn close(&mut self, ledger: &mut Ledger) {
        for at in self.answered..self.requests.len() {
            self.requests[at].outcome = Outcome::Unknown;
            let words = self.requests[at].command.clone();
            match words.0[0].as_slice() {
                b"MULTI" => self.multi = Some(Vec::new()),
                b"DISCARD" => self.multi = None,
                b"EXEC" => {
                    let commands = self.multi.take().unwrap_or_default();
                    ledger.unclaimed.add(self.replica, describe(&commands));
                }
                _ => match &mut self.multi {
                    Some(multi) => multi.push(words),
                    None => ledger.unclaimed.add(self.replica, describe(&[words])),
                },
            }
        }
        self.answered = self.requests.len();
    }

    fn name(&self) -> String {
        format!("client {} at replica {}", self.client + 1, self.replica + 1)
    }
}

/// The commands as an entry's description shows them.
fn describe(commands: &[Command]) -> String {
    let lines = commands.iter().map(|command| format!("{command:?}"));
    lines.collect::<Vec<_>>().join(" ; ")
}

/// Whether a data command only reads.
pub(super) fn is_read(name: &[u8]) -> bool {
    matches!(
        name,
        b"GET" | b"MGET" | b"EXISTS" | b"STRLEN" | b"DBSIZE" | b"KEYS"
    )
}

/// The code of an error reply.
fn error_code(reply: &[u8]) -> Option<ErrorCode> {
    let text = reply.strip_prefix(b"-")?;
    ErrorCode::parse(std::str::from_utf8(text).ok()?.trim_end())
}
