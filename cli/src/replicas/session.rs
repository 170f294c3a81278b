//! A session with one replica: its connection, who it is, and what a lost connection takes with it.

use crate::commands::effects::{is, is_repeatable, may_change, spec_of};
use crate::interrupt::Interrupt;
use crate::replicas::head::Head;
use crate::replicas::status::Status;
use crate::replicas::wait::{self, Ended, words};
use crate::text::beginning;
use holdback::command::Name;
use holdback::wire::value::Value;
use holdback_client::Connection;
use holdback_client::clock::now;
use std::io;
use std::time::Duration;

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A reply, and how long it took.
    Reply(Value, Duration),
    /// The replica closed the connection, as the command asked it to.
    Closed,
    /// Nothing was sent: no replica is to be reached.
    Unreachable(io::Error),
    /// Nothing was sent: the connection was lost, and with it what the command counted on.
    StateLost(&'static str),
    /// It was sent; the connection was lost before the reply.
    Lost(io::Error, Fate),
    /// It was sent; Ctrl-C came before the reply.
    Abandoned(Fate),
}

/// What a command without a reply may have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    Nothing,
    /// The transaction that it was to be part of is discarded.
    Discarded,
    /// It may have happened, or may still.
    Uncertain,
}

/// What exists only on a connection.
#[derive(Debug, Default)]
struct State {
    in_transaction: bool,
    watching: bool,
    /// The read path that CONSISTENCY picked.
    model: Option<Vec<u8>>,
}

/// A session with one replica.
#[derive(Debug)]
pub(crate) struct Session {
    address: String,
    connection: Option<Connection>,
    /// What the replica said of itself, if it did.
    status: Status,
    state: State,
    /// A connection was lost, and no new one was announced since.
    lost: bool,
    timeout: Duration,
    interrupt: Interrupt,
}

impl Session {
    /// A session with the replica at `address`; nothing is sent yet. `timeout` bounds connecting.
    pub(crate) fn new(address: String, timeout: Duration, interrupt: Interrupt) -> Self {
        Self {
            address,
            connection: None,
            status: Status::default(),
            state: State::default(),
            lost: false,
            timeout,
            interrupt,
        }
    }

    /// Where the replica is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether there is a connection, as far as is known.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// The replica's id, if it said so.
    pub(crate) fn id(&self) -> Option<&str> {
        self.status.get("id")
    }

    /// Whether MULTI was said and neither EXEC nor DISCARD.
    pub(crate) fn in_transaction(&self) -> bool {
        self.state.in_transaction
    }

    /// The model that reads of this connection follow.
    pub(crate) fn model(&self) -> Option<String> {
        match &self.state.model {
            Some(chosen) => Some(String::from_utf8_lossy(chosen).into_owned()),
            None => self.status.get("consistency").map(str::to_owned),
        }
    }

    /// Whether a connection was lost and there is a new one, which is worth a word; said once.
    pub(crate) fn take_reconnected(&mut self) -> bool {
        self.connection.is_some() && std::mem::take(&mut self.lost)
    }

    /// Bounds connecting from here on; returns the bound until now.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) -> Duration {
        std::mem::replace(&mut self.timeout, timeout)
    }

    /// The connection, for whoever reads from it until it ends.
    pub(crate) fn take_connection(&mut self) -> Option<Connection> {
        self.state = State::default();
        self.connection.take()
    }

    /// Notices that the replica closed the connection while nothing was asked; returns whether that is
    /// news, with what was lost.
    pub(crate) fn notice_hangup(&mut self) -> Option<Option<&'static str>> {
        let closed = |connection: &Connection| connection.is_closed().unwrap_or(true);
        if !self.connection.as_ref().is_some_and(closed) {
            return None;
        }
        Some(self.disconnect())
    }

    /// Connects, unless connected.
    pub(crate) fn connect(&mut self) -> io::Result<()> {
        if self.connection.is_some() {
            return Ok(());
        }
        let mut connection = Connection::open(&self.address, self.timeout)?;
        if let Some(model) = self.state.model.take() {
            let command = [b"CONSISTENCY".to_vec(), model.clone()];
            connection.send(&command)?;
            let reply = self.short_reply(&mut connection)?;
            if !matches!(reply, Value::Error(_)) {
                self.state.model = Some(model);
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Connects and asks the replica who it is. `None` if it does not know STATUS.
    ///
    /// # Errors
    /// What the system says; `TimedOut` if the replica does not answer; `Interrupted` on Ctrl-C. The
    /// session is not connected then.
    pub(crate) fn connect_and_ask(&mut self) -> io::Result<Option<Status>> {
        self.connect()?;
        let Some(mut connection) = self.connection.take() else {
            return Ok(None);
        };
        connection.send(&["STATUS"])?;
        let reply = self.short_reply(&mut connection)?;
        self.connection = Some(connection);
        let Value::Bulk(text) = reply else {
            self.status = Status::default();
            return Ok(None);
        };
        self.status = Status::parse(&text);
        Ok(Some(self.status.clone()))
    }

    /// Sends a command and waits for its reply. `each_step` is told how long that has been.
    pub(crate) fn execute(
        &mut self,
        command: &[Vec<u8>],
        each_step: &mut dyn FnMut(Duration),
    ) -> Outcome {
        if let Some(Some(lost)) = self.notice_hangup() {
            return Outcome::StateLost(lost);
        }
        if let Err(error) = self.connect() {
            return Outcome::Unreachable(error);
        }
        let in_transaction = self.state.in_transaction;
        match self.attempt(command, each_step) {
            Outcome::Lost(..) if is_repeatable(command) && !in_transaction => {
                if let Err(error) = self.connect() {
                    return Outcome::Lost(error, Fate::Nothing);
                }
                self.attempt(command, each_step)
            }
            outcome => outcome,
        }
    }

    fn attempt(&mut self, command: &[Vec<u8>], each_step: &mut dyn FnMut(Duration)) -> Outcome {
        let fate = self.fate(command);
        let Some(connection) = &mut self.connection else {
            return Outcome::Unreachable(io::ErrorKind::NotConnected.into());
        };
        // A Ctrl-C from before is not meant for this command.
        let _before = self.interrupt.take();
        let start = now();
        let ended = match connection.send(command) {
            Ok(()) => wait::for_reply(connection, None, &self.interrupt, each_step),
            Err(error) => Err(Ended::Lost(error)),
        };
        match ended {
            Ok(value) => {
                self.note(command, &value);
                Outcome::Reply(value, start.elapsed())
            }
            Err(ended) => {
                self.disconnect();
                match ended {
                    Ended::Lost(_) if asks_to_close(command) => Outcome::Closed,
                    Ended::Lost(error) => Outcome::Lost(error, fate),
                    Ended::Interrupted => Outcome::Abandoned(fate),
                    Ended::TimedOut => Outcome::Lost(io::ErrorKind::TimedOut.into(), fate),
                }
            }
        }
    }

    /// Drops the connection; returns what is lost with it, for a sentence. The read path is kept: it is
    /// picked again on the next connection.
    pub(crate) fn disconnect(&mut self) -> Option<&'static str> {
        self.lost |= self.connection.take().is_some();
        let before = std::mem::take(&mut self.state);
        self.state.model = before.model;
        match (before.in_transaction, before.watching) {
            (true, _) => Some("the open transaction"),
            (false, true) => Some("what WATCH watched"),
            (false, false) => None,
        }
    }

    fn fate(&self, command: &[Vec<u8>]) -> Fate {
        if self.state.in_transaction && !is(command, Name::Exec) {
            Fate::Discarded
        } else if may_change(command) {
            Fate::Uncertain
        } else {
            Fate::Nothing
        }
    }

    /// Keeps track of what a reply means for the connection.
    fn note(&mut self, command: &[Vec<u8>], reply: &Value) {
        let Some(spec) = spec_of(command) else {
            return;
        };
        let refused = matches!(reply, Value::Error(_));
        let state = &mut self.state;
        match spec.id {
            Name::Multi if !refused => state.in_transaction = true,
            // Refused for its arguments, it did nothing; whatever else it says, the transaction is over.
            Name::Exec | Name::Discard if spec.arity_fits(command.len()) => {
                state.in_transaction = false;
                state.watching = false;
            }
            Name::Watch if !refused => state.watching = true,
            Name::Unwatch if !refused && !state.in_transaction => state.watching = false,
            Name::Consistency if !refused && !state.in_transaction => {
                if let Some(model) = command.get(1) {
                    state.model = Some(model.to_ascii_lowercase());
                }
            }
            // Within a transaction that refuses it, it does nothing.
            Name::Reset if *reply == Value::Simple("RESET".to_owned()) => *state = State::default(),
            Name::Quit => self.connection = None,
            _ => {}
        }
    }

    fn short_reply(&self, connection: &mut Connection) -> io::Result<Value> {
        let reply = wait::for_reply(connection, Some(self.timeout), &self.interrupt, &mut |_| {});
        reply.map_err(|ended| match ended {
            Ended::Interrupted => io::ErrorKind::Interrupted.into(),
            Ended::TimedOut => io::Error::new(
                io::ErrorKind::TimedOut,
                "it accepts connections, but does not answer",
            ),
            Ended::Lost(error) => error,
        })
    }
}

/// What a replica with a slow reply says of itself on another connection: whom the first entry that it
/// holds back waits for, and its links that are not up.
pub(crate) fn what_holds_it_up(address: &str) -> String {
    const PATIENCE: Duration = Duration::from_millis(500);
    let asked = Connection::open(address, PATIENCE).and_then(|mut connection| {
        let status = connection.call(&["STATUS"], Some(PATIENCE))?;
        let holdback = connection.call(&["HOLDBACK", "1"], Some(PATIENCE))?;
        Ok((status, holdback))
    });
    match asked {
        Ok((status, holdback)) => {
            let mut reasons: Vec<_> = held_back(&holdback).into_iter().collect();
            if let Value::Bulk(text) = status {
                reasons.extend(Status::parse(&text).broken_links());
            }
            reasons.join(", ")
        }
        Err(error) if wait::is_time_out(&error) => format!("{address} does not answer at all"),
        Err(error) => format!("{address}: {}", words(&error)),
    }
}

/// As in `3.1 SET b 2 waits for 3`.
fn held_back(holdback: &Value) -> Option<String> {
    const QUOTED: usize = 40;
    let head = Head::of(holdback)?;
    let (whom, command) = (head.whom()?, beginning(&head.command, QUOTED));
    Some(format!("{} {command} waits for {whom}", head.stamp))
}

fn asks_to_close(command: &[Vec<u8>]) -> bool {
    is(command, Name::Quit) || is(command, Name::Shutdown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_the_queue_says_whom_it_waits_for() {
        let listed = |line: &str| Value::Array(vec![Value::Bulk(line.as_bytes().to_vec())]);
        assert_eq!(
            held_back(&listed("3.1 waits:2,3 SET b 2")).as_deref(),
            Some("3.1 SET b 2 waits for 2,3")
        );
        let long = held_back(&listed(&format!("3.1 waits:2 SET b {}", "x".repeat(99)))).unwrap();
        assert!(
            long.ends_with("xxx... waits for 2") && long.len() < 70,
            "{long}"
        );
        assert_eq!(held_back(&listed("3.1 waits: SET b 2")), None);
        assert_eq!(held_back(&Value::Array(Vec::new())), None);
        assert_eq!(held_back(&Value::Error("ERR".to_owned())), None);
    }
}
