//! A client's connection: its pipeline and what its commands have set.

use super::watches::Watches;
use crate::bugs::{Bug, planted};
use crate::command::{CommandSpec, Name, lookup};
use crate::consistency::Consistency;
use crate::engine::{Engine, Wanted};
use crate::ids::ConnectionId;
use crate::settings::Settings;
use crate::turn::{MonitorKind, Turn};
use crate::wire::arguments::OwnedArguments;
use crate::wire::error::ErrorReply;
use crate::wire::reply::{ReplyWriter, Resp};
use std::collections::VecDeque;
use std::time::Duration;

/// Bytes of waiting requests above which no more are read from a client.
pub(super) const KEPT_BYTES_MAX: usize = 1 << 20;

/// What an undelivered entry will answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The command's own reply; the flag tells a read from a write.
    Command { is_read: bool },
    /// The array of a transaction's replies.
    Exec { is_read: bool },
    /// `OK`, and the positions of the keys' last changes go into the session.
    Watch,
}

impl Answer {
    /// Whether the entry certainly changes nothing.
    pub(super) fn is_read(self) -> bool {
        match self {
            Self::Command { is_read } | Self::Exec { is_read } => is_read,
            Self::Watch => true,
        }
    }

    /// What applying the entry is to answer.
    pub(super) fn wanted(self) -> Wanted {
        match self {
            Self::Command { .. } => Wanted::Reply,
            Self::Exec { .. } => Wanted::Replies,
            Self::Watch => Wanted::Nothing,
        }
    }
}

/// A request whose place in the line of replies is taken, and which is not answered yet.
#[derive(Debug)]
pub(super) enum Pending {
    /// A stamped entry, answered when it is delivered.
    Ordered { time: u64, answer: Answer },
    /// Evaluated when everything before it is answered, in that very step.
    Local {
        spec: &'static CommandSpec,
        words: OwnedArguments,
    },
    /// A transaction of reads, likewise.
    LocalExec(Transaction),
    /// WATCH on the local read path, likewise. A barrier.
    LocalWatch { words: OwnedArguments },
    /// Answered when this replica has delivered the position. A barrier.
    Await { position: u64 },
    /// An answer that is known already.
    Known(Vec<u8>),
}

impl Pending {
    /// Bytes of words and replies that it keeps. Entries are counted elsewhere.
    fn bytes(&self) -> usize {
        match self {
            Self::Ordered { .. } | Self::Await { .. } => 0,
            Self::Local { words, .. } | Self::LocalWatch { words } => words.bytes().len(),
            Self::LocalExec(transaction) => {
                let commands = transaction.commands.iter();
                let bytes: usize = commands.map(|words| words.bytes().len()).sum();
                bytes + transaction.watches.memory()
            }
            Self::Known(reply) => reply.len(),
        }
    }

    /// Whether nothing behind it may be stamped.
    pub(super) fn is_barrier(&self) -> bool {
        match self {
            Self::Ordered { answer, .. } => *answer == Answer::Watch,
            Self::LocalWatch { .. } | Self::Await { .. } => true,
            Self::Local { .. } | Self::LocalExec(_) | Self::Known(_) => false,
        }
    }
}

/// A request in the line, and how it came there.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) pending: Pending,
    /// When it came in, in monotonic time.
    pub(super) arrived: Duration,
    /// Its reply is not wanted.
    pub(super) muted: bool,
    /// Bytes that its reply would have now, if it reads values.
    pub(super) reply_bytes: usize,
}

/// Commands between MULTI and EXEC, and the watched keys they depend on.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) watches: Watches,
    pub(super) commands: Vec<OwnedArguments>,
}

/// What a session does between MULTI and EXEC.
#[derive(Debug, Default)]
pub(super) struct Multi {
    pub(super) commands: Vec<OwnedArguments>,
    pub(super) bytes: usize,
    pub(super) only_reads: bool,
    /// A command was refused: EXEC will be too.
    pub(super) refused: bool,
}

impl Multi {
    /// Bytes that it takes, roughly.
    fn memory(&self) -> usize {
        self.bytes + self.commands.capacity() * size_of::<OwnedArguments>()
    }
}

/// Which replies a connection wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyMode {
    On,
    Off,
    /// All but that of the next command.
    SkipNext,
    /// All but that of this command.
    SkipThis,
}

/// One client's connection.
///
/// *Invariants.* `pending` holds requests in the order they came in, and its front is neither `Local`,
/// `LocalExec`, `LocalWatch` nor `Known`: those are answered as soon as they get there, unless the client has to read
/// first. `backlog` is empty unless `pending` holds a barrier or many bytes to be read, or the client has to read first.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: ConnectionId,
    pub(super) address: String,
    pub(super) resp: Resp,
    pub(super) read_path: Consistency,
    pub(super) pending: VecDeque<Waiting>,
    /// Barriers among `pending`.
    pub(super) barriers: usize,
    /// Bytes that the replies to the reads in `pending` would have.
    pub(super) reply_bytes: usize,
    /// Bytes that `pending` and `backlog` keep.
    pub(super) kept_bytes: usize,
    /// Requests behind a barrier, not yet understood, each with the time it came in.
    pub(super) backlog: VecDeque<(OwnedArguments, Duration)>,
    /// When the client had last read enough to be answered more.
    pub(super) drained: Duration,
    /// When the command that is being executed came in.
    pub(super) arrived: Duration,
    /// The reply of the command that is being executed is not wanted.
    pub(super) muted: bool,
    pub(super) reply_mode: ReplyMode,
    /// When it connected, in monotonic time.
    pub(super) since: Duration,
    pub(super) name: String,
    /// The client library's name and version, as it says.
    pub(super) library: (String, String),
    pub(super) last_command: Option<&'static str>,
    pub(super) multi: Option<Multi>,
    pub(super) watches: Watches,
    /// A WATCH ended in an error: the next EXEC must not rely on it.
    pub(super) watch_failed: bool,
    /// The position at which the last command took effect or was read.
    pub(super) last_position: u64,
    /// The time of its last write that was given up undelivered; 0 if none was.
    pub(super) last_given_up: u64,
    pub(super) monitor: Option<MonitorKind>,
    /// No more requests are taken; closed once all are answered.
    pub(super) ending: bool,
    /// What it is told before it is closed.
    pub(super) last_words: Option<ErrorReply>,
    /// Reading from it is stopped.
    pub(super) paused: bool,
    /// There is a timer for it.
    pub(super) timed: bool,
    /// Above the limit of clients: only a handshake is accepted.
    pub(super) surplus: bool,
}

impl Session {
    pub(super) fn new(id: ConnectionId, address: String, read_path: Consistency) -> Self {
        Self {
            id,
            address,
            resp: Resp::Two,
            read_path,
            pending: VecDeque::new(),
            barriers: 0,
            reply_bytes: 0,
            kept_bytes: 0,
            backlog: VecDeque::new(),
            drained: Duration::ZERO,
            arrived: Duration::ZERO,
            muted: false,
            reply_mode: ReplyMode::On,
            since: Duration::ZERO,
            name: String::new(),
            library: Default::default(),
            last_command: None,
            multi: None,
            watches: Watches::default(),
            watch_failed: false,
            last_position: 0,
            last_given_up: 0,
            monitor: None,
            ending: false,
            last_words: None,
            paused: false,
            timed: false,
            surplus: false,
        }
    }

    /// Notes the positions of the last changes of keys that are watched from now on.
    pub(super) fn watch(&mut self, keys: &[&[u8]], engine: &dyn Engine) {
        for key in keys {
            self.watches.add(key, || engine.last_change(key));
        }
    }

    /// Bytes that it takes, roughly, in its line and its transaction.
    #[inline]
    pub(super) fn memory(&self) -> usize {
        let line = self.pending.capacity() * size_of::<Waiting>()
            + self.backlog.capacity() * size_of::<(OwnedArguments, Duration)>();
        let multi = self.multi.as_ref().map_or(0, Multi::memory);
        self.kept_bytes + line + multi + self.watches.memory()
    }

    /// Gives back the room in its line that it has no use for at this moment.
    pub(super) fn shrink(&mut self) {
        let Self {
            pending, backlog, ..
        } = self;
        if pending.capacity() / 4 > pending.len() {
            pending.shrink_to(pending.len());
        }
        if backlog.capacity() / 4 > backlog.len() {
            backlog.shrink_to(backlog.len());
        }
    }

    /// Decides whether the reply of the command that begins now is wanted.
    #[inline]
    pub(super) fn set_muted(
        &mut self,
        words: &[&[u8]],
        spec: Option<&CommandSpec>,
        turn: &mut Turn<'_>,
    ) {
        let is_client = spec.is_some_and(|spec| spec.id == Name::Client);
        if self.reply_mode == ReplyMode::On && !is_client {
            self.muted = false;
            return;
        }
        let asked = super::client_list::reply_mode(words);
        self.reply_mode = match (asked, self.reply_mode) {
            (Some(mode), _) => mode,
            (None, ReplyMode::SkipNext) => ReplyMode::SkipThis,
            (None, ReplyMode::SkipThis) => ReplyMode::On,
            (None, mode) => mode,
        };
        self.muted = self.reply_mode != ReplyMode::On;
        if self.monitor.is_some() {
            self.show_monitor(turn);
        }
    }

    /// Has the connection shown what it monitors, unless it wants no replies.
    pub(super) fn show_monitor(&self, turn: &mut Turn<'_>) {
        let kind = self.monitor.filter(|_| !self.muted);
        turn.out.monitor(self.id, kind);
    }

    /// Commands were given up. If a MULTI among them has no EXEC yet, what follows must not be executed on
    /// its own: it is gathered, and EXEC will be refused; as it will behind a WATCH.
    pub(super) fn give_up_multi<'a>(&mut self, commands: impl Iterator<Item = &'a OwnedArguments>) {
        for words in commands {
            match words
                .get()
                .first()
                .and_then(|name| lookup(name))
                .map(|spec| spec.id)
            {
                Some(Name::Watch) => self.watch_failed = true,
                Some(Name::Multi) => self.multi = Some(Multi::default()),
                Some(Name::Exec | Name::Discard | Name::Reset) => self.leave_transaction(),
                _ => {}
            }
        }
        if let Some(multi) = &mut self.multi {
            multi.refused = true;
        }
    }

    /// Forgets MULTI and WATCH.
    pub(super) fn leave_transaction(&mut self) {
        self.multi = None;
        self.watches = Watches::default();
        self.watch_failed = false;
    }

    /// Puts a request at the end of the line; its reply would have so many bytes now.
    pub(super) fn push(&mut self, pending: Pending, reply_bytes: usize) {
        self.reply_bytes += reply_bytes;
        self.barriers += usize::from(pending.is_barrier());
        self.kept_bytes += pending.bytes();
        let (arrived, muted) = (self.arrived, self.muted);
        self.pending.push_back(Waiting {
            pending,
            arrived,
            muted,
            reply_bytes,
        });
    }

    /// Keeps a request that waits behind a barrier.
    pub(super) fn push_behind(&mut self, words: OwnedArguments, arrived: Duration) {
        self.kept_bytes += words.bytes().len();
        self.backlog.push_back((words, arrived));
    }

    /// Since when the first request that waits behind a barrier has waited. What it waited for its own client to read
    /// does not count.
    pub(super) fn behind_since(&self) -> Option<Duration> {
        let (_, arrived) = self.backlog.front()?;
        Some(self.drained.max(*arrived))
    }

    /// Takes the first request that waited behind a barrier.
    pub(super) fn pop_behind(&mut self) -> Option<(OwnedArguments, Duration)> {
        let (words, arrived) = self.backlog.pop_front()?;
        self.kept_bytes -= words.bytes().len();
        Some((words, arrived))
    }

    /// Takes the request at the front of the line: it is the one being executed now.
    pub(super) fn pop(&mut self) -> Option<Pending> {
        let Waiting {
            pending,
            arrived,
            muted,
            reply_bytes,
        } = self.pending.pop_front()?;
        self.reply_bytes -= reply_bytes;
        self.barriers -= usize::from(pending.is_barrier());
        self.kept_bytes -= pending.bytes();
        self.arrived = arrived;
        self.muted = muted;
        Some(pending)
    }

    /// Takes the request that waits for the entry with this time, if it is at the front of the line: it is the one being
    /// executed now.
    #[inline]
    pub(super) fn take_ordered(&mut self, time: u64) -> Option<Answer> {
        let front = self.pending.front()?;
        let Pending::Ordered {
            time: waited,
            answer,
        } = front.pending
        else {
            return None;
        };
        if waited != time && !planted(Bug::LateReplyToNextCommand) {
            return None;
        }
        self.arrived = front.arrived;
        self.muted = front.muted;
        self.reply_bytes -= front.reply_bytes;
        self.barriers -= usize::from(answer == Answer::Watch);
        self.pending.pop_front();
        Some(answer)
    }

    /// Whether a request in the line waits for the entry with this time.
    pub(super) fn waits_for(&self, time: u64) -> bool {
        let mut line = self.pending.iter();
        line.any(|waiting| matches!(waiting.pending, Pending::Ordered { time: waited, .. } if waited == time))
    }

    /// Writes the reply of the command that is being executed.
    #[inline]
    pub(super) fn writer<'a>(&self, turn: &'a mut Turn<'_>) -> ReplyWriter<'a> {
        if self.muted {
            return ReplyWriter::discard();
        }
        ReplyWriter::new(turn.out.buffer(self.id), self.resp)
    }

    /// Whether new requests have to wait before they are even understood.
    #[inline]
    pub(super) fn is_blocked(&self, settings: &Settings) -> bool {
        !self.backlog.is_empty() || self.has_barrier(settings)
    }

    /// Whether something in the line forbids that what is behind it is begun. Many bytes to be read do: a write behind
    /// them may be delivered while the client has to read first.
    #[inline]
    pub(super) fn has_barrier(&self, settings: &Settings) -> bool {
        self.barriers > 0 || self.reply_bytes > settings.unread_bytes_max
    }

    /// Whether what could be answered waits for the client to read first.
    pub(super) fn is_stalled(&self) -> bool {
        let front = self.pending.front().map(|waiting| &waiting.pending);
        !matches!(
            front,
            None | Some(Pending::Ordered { .. } | Pending::Await { .. })
        )
    }

    /// Whether more may be done for it than to wait for its next entry: what stands at the front of the line can be
    /// answered, something waits behind a barrier that is gone, or it is paused or ending.
    pub(super) fn may_advance(&self) -> bool {
        let front = self.pending.front().map(|waiting| &waiting.pending);
        self.paused
            || self.ending
            || !self.backlog.is_empty()
            || !matches!(front, None | Some(Pending::Ordered { .. }))
    }

    /// Whether reading from it may have to be stopped or resumed, or it to be closed. `limit`: so many requests may be
    /// unanswered.
    pub(super) fn needs_care(&self, limit: usize) -> bool {
        self.paused
            || self.ending
            || self.kept_bytes > KEPT_BYTES_MAX
            || self.unanswered() >= limit.max(1)
    }

    /// Whether every request is answered.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.backlog.is_empty()
    }

    /// How many requests are unanswered.
    pub(super) fn unanswered(&self) -> usize {
        self.pending.len() + self.backlog.len()
    }

    /// When the first unanswered request came in, if it can give up.
    pub(super) fn waits_since(&self) -> Option<Duration> {
        let front = self.pending.front()?;
        match front.pending {
            Pending::Ordered { .. } | Pending::Await { .. } => Some(front.arrived),
            _ => None,
        }
    }
}
