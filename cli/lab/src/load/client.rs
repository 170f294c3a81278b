//! One client: a connection to one replica, and what it waits for.

use super::encode;
use super::mix::Kind;
use super::sockets::Socket;
use super::workload::Author;
use crate::history::{Answer, Operation, Outcome};
use holdback::wire::value::{Scanner, Value, parse};
use std::collections::VecDeque;
use std::io;

/// How many extra commands follow an operation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extras {
    /// `POSITION`, for the witness.
    pub(super) position: bool,
    /// `WAIT n`, behind each write.
    pub(super) wait: Option<u64>,
    /// Whether replies have to be understood, and not only counted.
    pub(super) understand: bool,
}

/// After a connection was lost, or refused, the next is tried so much later.
const RETRY: u64 = 50_000_000;
/// How long `WAIT` may take, in milliseconds.
const WAIT_MILLISECONDS: &[u8] = b"10000";

/// A client.
#[derive(Debug)]
pub(super) struct Client {
    /// Which of the targets it is connected to.
    pub(super) target: usize,
    /// The process of the history that its present connection is.
    pub(super) process: u64,
    /// What it asks for.
    pub(super) author: Author,
    /// How its connection is.
    pub(super) link: Link,
    /// Whether it stands in the queue of those that may send.
    pub(super) queued: bool,
    /// Whether it stands in the list of those that have something to write.
    pub(super) dirty: bool,
    /// Which extra commands follow its operations.
    extras: Extras,
    /// An operation may or may not have happened, so this process sends nothing more.
    pub(super) retiring: bool,
    /// Encoded and not yet written.
    output: Vec<u8>,
    /// Bytes encoded for this connection, and of these how many the system has taken.
    encoded: u64,
    written: u64,
    /// Read and not yet understood.
    input: Vec<u8>,
    pending: VecDeque<Pending>,
}

/// How a connection is.
#[derive(Debug)]
pub(super) enum Link {
    /// There is none before this moment.
    Down(u64),
    /// It is on its way.
    Connecting(Socket),
    /// It is there.
    Up(Socket),
}

/// An operation without its end.
#[derive(Debug)]
struct Pending {
    kind: Kind,
    operation: Operation,
    /// When it should have been sent.
    intended: u64,
    /// What `encoded` was behind it.
    end: u64,
    /// Replies still to come before the one that answers it.
    before: usize,
    /// Whether the answer has come.
    answered: bool,
    /// Replies still to come behind the answer.
    after: usize,
    /// The code of the error that it was answered with.
    error: Option<String>,
}

/// An operation that is over.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) kind: Kind,
    /// With its outcome, as far as replies are understood.
    pub(super) operation: Operation,
    /// From the moment at which it should have been sent, in nanoseconds.
    pub(super) latency: u64,
    /// The code of the error, or why there was no answer.
    pub(super) error: Option<String>,
}

impl Client {
    pub(super) fn new(target: usize, process: u64, author: Author, extras: Extras) -> Self {
        Self {
            target,
            process,
            author,
            link: Link::Down(0),
            queued: false,
            dirty: false,
            extras,
            retiring: false,
            output: Vec::new(),
            encoded: 0,
            written: 0,
            input: Vec::new(),
            pending: VecDeque::new(),
        }
    }

    /// Whether it may send one more.
    pub(super) fn has_room(&self, pipeline: usize) -> bool {
        // Where an answer has come and its position has not, nothing is sent: the history of a process has
        // its moments in order.
        let halfway = self.pending.front().is_some_and(|first| first.answered);
        let connected = !matches!(self.link, Link::Down(_));
        connected && !self.retiring && !halfway && self.pending.len() < pipeline
    }

    /// Whether it waits for nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// When the oldest operation was sent that is not over.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.pending.front().map(|first| first.operation.invoked)
    }

    /// Encodes an operation, to be written at the next flush.
    pub(super) fn send(&mut self, kind: Kind, operation: Operation, intended: u64) {
        let before = self.output.len();
        let replies_before = encode::operation(&mut self.output, &operation.call);
        let mut after = 0;
        if self.extras.position {
            encode::command(&mut self.output, &[b"POSITION"]);
            after += 1;
        }
        if let Some(replicas) = self.extras.wait
            && !kind.is_read()
        {
            let replicas = replicas.to_string();
            let words = [b"WAIT", replicas.as_bytes(), WAIT_MILLISECONDS];
            encode::command(&mut self.output, &words);
            after += 1;
        }
        self.encoded += (self.output.len() - before) as u64;
        self.pending.push_back(Pending {
            kind,
            operation,
            intended,
            end: self.encoded,
            before: replies_before,
            answered: false,
            after,
            error: None,
        });
    }

    /// Writes what the system takes. Whether that was all.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let Link::Up(socket) = &mut self.link else {
            return Ok(false);
        };
        let mut done = 0;
        while done < self.output.len()
            && let Some(count) = socket.write(&self.output[done..])?
        {
            done += count;
            self.written = self.encoded - (self.output.len() - done) as u64;
        }
        self.output.drain(..done);
        Ok(self.output.is_empty())
    }

    /// Reads what is there, and hands on the operations that it ends.
    pub(super) fn read(
        &mut self,
        scratch: &mut [u8],
        now: u64,
        over: &mut Vec<Over>,
    ) -> io::Result<()> {
        while let Link::Up(socket) = &mut self.link
            && let Some(count) = socket.read(scratch)?
        {
            self.input.extend_from_slice(&scratch[..count]);
            self.understand(now, over)?;
            if count < scratch.len() {
                break;
            }
        }
        Ok(())
    }

    fn understand(&mut self, now: u64, over: &mut Vec<Over>) -> io::Result<()> {
        let mut at = 0;
        loop {
            let rest = &self.input[at..];
            let mut scanner = Scanner::default();
            if rest.is_empty() || !scanner.is_whole(rest) {
                break;
            }
            let Some(pending) = self.pending.front_mut() else {
                return Err(io::Error::other("a reply that nobody asked for"));
            };
            let reply = &rest[..scanner.length()];
            at += reply.len();
            if reply.is_empty() {
                return Err(io::Error::other("bytes that are no reply"));
            }
            pending.take(reply, self.extras, now)?;
            if pending.is_over() {
                let pending = self.pending.pop_front();
                over.extend(pending.map(|pending| pending.over(now)));
            }
        }
        self.input.drain(..at);
        Ok(())
    }

    /// The connection is gone, or was given up: hands on everything that was open. What was not sent whole
    /// certainly did not happen.
    /// The next one may be tried after a while, [`RETRY`].
    pub(super) fn lose(&mut self, why: &str, now: u64, over: &mut Vec<Over>) {
        for mut pending in self.pending.drain(..) {
            if pending.answered && self.extras.position {
                // Its place in the order is not known, so no more can be claimed than that it was sent.
                pending.operation.outcome = Outcome::Info;
            } else if !pending.answered {
                let unsent = pending.end > self.written;
                pending.error = Some(why.into());
                pending.operation.completed = Some(now);
                pending.operation.outcome = if unsent { Outcome::Fail } else { Outcome::Info };
            }
            over.push(pending.over(now));
        }
        self.output.clear();
        self.input.clear();
        (self.encoded, self.written) = (0, 0);
        self.link = Link::Down(now + RETRY);
    }
}

impl Pending {
    fn is_over(&self) -> bool {
        self.answered && self.after == 0
    }

    /// Takes the next of its replies.
    fn take(&mut self, reply: &[u8], extras: Extras, now: u64) -> io::Result<()> {
        if self.before > 0 {
            self.before -= 1;
            return Ok(());
        }
        if self.answered {
            self.after -= 1;
            return self.take_extra(reply, extras);
        }
        self.answered = true;
        self.operation.completed = Some(now);
        if reply.first() == Some(&b'-') {
            let text = String::from_utf8_lossy(&reply[1..]);
            let code = text.split([' ', '\r']).next().unwrap_or_default();
            self.error = Some(code.into());
        }
        self.operation.outcome = match &self.error {
            None if !extras.understand => Outcome::Ok(Answer::Unknown),
            // An error says by its code whether the operation may have happened.
            _ => Outcome::of_reply(&self.operation.call, &value(reply)?),
        };
        Ok(())
    }

    fn take_extra(&mut self, reply: &[u8], extras: Extras) -> io::Result<()> {
        match (value(reply)?, extras.wait) {
            (Value::Integer(held), Some(wanted)) if u64::try_from(held).unwrap_or(0) < wanted => {
                self.error = Some(format!("WAIT: held by {held} of {wanted}"));
            }
            (Value::Integer(position), None) => {
                self.operation.position = u64::try_from(position).ok();
            }
            // Behind an operation that failed there need not be a position.
            (Value::Error(error), None) if self.error.is_none() => {
                return Err(io::Error::other(format!("POSITION: {error}")));
            }
            (Value::Error(error), Some(_)) => self.error = Some(format!("WAIT: {error}")),
            _ => {}
        }
        Ok(())
    }

    fn over(self, now: u64) -> Over {
        Over {
            kind: self.kind,
            operation: self.operation,
            latency: now.saturating_sub(self.intended),
            error: self.error,
        }
    }
}

fn value(reply: &[u8]) -> io::Result<Value> {
    match parse(reply) {
        Ok(Some((value, _))) => Ok(value),
        Ok(None) => Err(io::Error::other("half a reply")),
        Err(malformed) => Err(io::Error::other(malformed.to_string())),
    }
}

#[cfg(test)]
mod tests;
