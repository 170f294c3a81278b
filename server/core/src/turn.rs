//! One turn of a replica: its time, what it puts out, and what it tells about itself.

use crate::entry::Entry;
use crate::ids::{ConnectionId, ReplicaId, Stamp};
use crate::wire::secrets::redacted;
use std::fmt;
use std::time::Duration;

/// The time of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time since some fixed moment; for timeouts.
    pub monotonic: Duration,
    /// Time since 1970; for the hybrid clock and for people. It may jump.
    pub wall: Duration,
}

/// What happens at one time: the time, and the world to answer to. It travels through the replica as one value.
pub struct Turn<'a> {
    /// The time. It can be taken anew, after a read from a socket say: all that follows goes by it.
    pub now: Now,
    /// The logical clock's time, for those who are told; whoever moves the clock keeps it up to date.
    pub clock: u64,
    /// The world.
    pub out: &'a mut dyn Out,
    observed: bool,
}

impl<'a> Turn<'a> {
    /// The turn at a time.
    #[inline]
    pub fn new(now: Now, out: &'a mut impl Out) -> Self {
        Self {
            now,
            clock: 0,
            observed: out.observes(),
            out,
        }
    }

    /// Whether anybody wants to hear of each request, frame, delivery and reply.
    #[inline]
    #[must_use]
    pub fn observed(&self) -> bool {
        self.observed
    }

    /// Tells what happened. What happens for each command or frame is told only if the turn is
    /// [observed](Self::observed). Passwords in commands are told to nobody.
    pub fn tell(&mut self, event: &Event<'_>) {
        let (Event::Request { words, .. } | Event::Begin { words, .. }) = event else {
            return self.out.observe(self.now, self.clock, event);
        };
        let shown = redacted(words);
        let words = shown.as_deref().unwrap_or(words);
        let event = match *event {
            Event::Request { client, .. } => Event::Request { client, words },
            Event::Begin { address, .. } => Event::Begin { address, words },
            other => other,
        };
        self.out.observe(self.now, self.clock, &event);
    }

    /// Tells a person something.
    pub fn notice(&mut self, level: Level, text: &str) {
        self.tell(&Event::Notice { level, text });
    }
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { now, clock, .. } = self;
        write!(f, "Turn({now:?}, clock {clock})")
    }
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Once what is in its buffer is written.
    AfterFlush,
    /// At once; what is unread or unsent is thrown away.
    Now,
}

/// How much room a client's connection has for more replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// What it was given it reads.
    Some,
    /// It has something to read: what can wait until it has read it has to.
    Little,
    /// It has so much to read that what could not wait is not given to it either.
    None,
}

/// The world as a replica sees it. Calls are in order: what is put into a buffer before a close is sent
/// before it.
pub trait Out {
    /// The output buffer of a connection. Bytes appended here are sent at the end of the turn. The buffer
    /// of a connection that is gone may be anything; it is thrown away.
    fn buffer(&mut self, connection: ConnectionId) -> &mut Vec<u8>;

    /// How many bytes that were given to a connection the network has not taken yet.
    fn unsent(&self, connection: ConnectionId) -> usize;

    /// How much room a client's connection has for replies. One without room is told of when it has some again, by
    /// [`Replica::drained`](crate::replica::Replica::drained).
    fn room(&mut self, connection: ConnectionId) -> Room;

    /// The connection is a link from here on: its frames may be as large as entries and batches get, and it is
    /// never held up or closed for slowness.
    fn promote(&mut self, connection: ConnectionId);

    /// Closes a connection. The replica will not name it again and takes no more frames from it.
    fn close(&mut self, connection: ConnectionId, how: Close);

    /// Begins to connect to a peer; answered by [`Replica::dialled`](crate::replica::Replica::dialled) or
    /// [`Replica::dial_failed`](crate::replica::Replica::dial_failed).
    fn dial(&mut self, peer: ReplicaId);

    /// Stops or resumes reading from a client that has too many unanswered requests.
    fn pause(&mut self, connection: ConnectionId, paused: bool);

    /// The monotonic time at this very moment, asked for around commands that may take long. A simulation
    /// answers with the time of the call.
    fn precise(&self, now: Now) -> Duration {
        now.monotonic
    }

    /// From now on the connection gets a line for everything of a kind that happens; or (`None`) no more.
    fn monitor(&mut self, connection: ConnectionId, kind: Option<MonitorKind>);

    /// Ends the process, once buffers are written.
    fn stop(&mut self);

    /// What was told and could not be written down, for STATUS.
    fn lost_lines(&self) -> LostLines {
        LostLines::default()
    }

    /// What the replica's connections and its process take, for STATUS.
    fn memory(&self) -> Memory {
        Memory::default()
    }

    /// Whether anybody wants to hear of each request, frame, delivery and reply. If not, only what is rare
    /// is told: links, faults and notices.
    fn observes(&self) -> bool;

    /// Tells what happened. `clock` is the logical clock's time.
    fn observe(&mut self, now: Now, clock: u64, event: &Event<'_>);
}

/// How many lines could not be written since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostLines {
    /// Of the log.
    pub log: u64,
    /// Of the trace.
    pub trace: u64,
}

/// Bytes of memory around a replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What is kept for clients: their input and output, what waits in their lines, their transactions.
    pub clients: usize,
    /// Input and output of links.
    pub links: usize,
    /// What the process has in physical memory; 0 where the system does not tell, as in a simulation.
    pub resident: usize,
}

/// What a connection in MONITOR gets to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonitorKind {
    /// Client commands, as Redis shows them.
    Commands,
    /// Deliveries, as ORDER shows them.
    Order,
    /// Frames between replicas.
    Frames,
}

/// How important an event is to a person who reads the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is wrong and stays so until a person acts.
    Error,
    /// Something is wrong that may pass.
    Warn,
    /// The life of the process and its links.
    Info,
}

/// What happened, for the log, the trace and MONITOR.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A client's command came in.
    Request {
        /// Who sent it.
        client: ConnectionId,
        /// The command.
        words: &'a [&'a [u8]],
    },
    /// It is executed, or stamped: nothing before it on its connection forbids that any more.
    Begin {
        /// Where the client is.
        address: &'a str,
        /// The command.
        words: &'a [&'a [u8]],
    },
    /// A command was answered.
    Reply {
        /// Who gets it.
        client: ConnectionId,
        /// The entry that it answers, if it is one.
        stamp: Option<Stamp>,
        /// The reply as encoded.
        bytes: &'a [u8],
    },
    /// A frame was put into a link's buffer.
    Send {
        /// To whom.
        peer: ReplicaId,
        /// The frame's name.
        frame: &'static str,
        /// The stamps of the entries it carries or acks.
        stamps: &'a [Stamp],
    },
    /// A frame came in from a peer.
    Receive {
        /// From whom.
        peer: ReplicaId,
        /// The frame's name.
        frame: &'static str,
        /// The stamps of the entries it carries or acks.
        stamps: &'a [Stamp],
    },
    /// An entry was delivered: it has its place in the order.
    Deliver {
        /// Its place.
        position: u64,
        /// The entry.
        entry: &'a Entry,
    },
    /// Eventual model: a version was applied here.
    Apply {
        /// How many versions were applied here, with it.
        position: u64,
        /// The version as an entry.
        entry: &'a Entry,
    },
    /// A link is up.
    LinkUp {
        /// To whom.
        peer: ReplicaId,
    },
    /// A link is down.
    LinkDown {
        /// To whom.
        peer: ReplicaId,
        /// Why.
        reason: &'a str,
    },
    /// A FAULT command was obeyed.
    Fault {
        /// What it did.
        words: &'a [&'a [u8]],
    },
    /// Something for a person to know.
    Notice {
        /// How important it is.
        level: Level,
        /// What.
        text: &'a str,
    },
}
