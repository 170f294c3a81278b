//! The clients' side: running their programs, reading replies, losing patience.

use super::agenda::{Happening, MILLISECOND, Time};
use super::session::Session;
use super::violation::{Check, ensure};
use super::workload::{Command, Step};
use super::world::World;
use holdback::consistency::Consistency;
use holdback::wire::arguments::OwnedArguments;
use holdback::wire::value;
use holdback_testkit::{ClientEnd, End, Ended};

/// One client's program and its connection.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// The next step.
    next: usize,
    /// Wake-ups with another number are stale.
    ticket: u64,
    /// The session it has, connected or on the way to be.
    session: Option<usize>,
    /// The replica it connects to.
    replica: usize,
    /// How often connecting failed in a row.
    failures: u64,
    /// Waiting for replies (or for the end of the connection).
    waiting: Option<Waiting>,
    at: Option<ClientEnd>,
    /// Bytes of the stream that were taken.
    consumed: u64,
    deaf_until: Time,
    done: bool,
}

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Connection,
    Replies,
    End,
}

impl World {
    /// Whether every client has come to the end of its program.
    pub(super) fn clients_are_done(&self) -> bool {
        self.clients.iter().all(|client| client.done)
    }

    /// A client's program goes on, unless it was woken otherwise since.
    pub(super) fn client_wakes(&mut self, index: usize, ticket: u64) -> Check {
        let client = &mut self.clients[index];
        if client.ticket != ticket || client.done {
            return Ok(());
        }
        match client.waiting.take() {
            // Out of patience.
            Some(waiting) => {
                let last = self.clients[index].next >= self.plan.clients[index].len();
                ensure!(
                    !(last && waiting == Waiting::End) || self.has_restarted(index),
                    "every operation gets exactly one reply",
                    "client {} half-closed its connection, and replica {} does not end it",
                    index + 1,
                    self.clients[index].replica + 1
                );
                self.leave(index)?;
            }
            None => self.client_readable_now(index)?,
        }
        self.proceed(index)
    }

    /// Runs steps until one has to wait.
    fn proceed(&mut self, index: usize) -> Check {
        loop {
            let Some(step) = self.plan.clients[index]
                .get(self.clients[index].next)
                .cloned()
            else {
                self.leave(index)?;
                self.clients[index].done = true;
                return Ok(());
            };
            let needs_connection = !matches!(step, Step::Rest(_) | Step::Connect(_));
            if needs_connection && self.clients[index].session.is_none() {
                // A lost connection has nothing more to wait for; sending needs a new one.
                if matches!(step, Step::Send(_)) {
                    let replica = self.clients[index].replica;
                    return self.connect(index, replica);
                }
                self.clients[index].next += 1;
                continue;
            }
            self.clients[index].next += 1;
            match step {
                Step::Connect(replica) => {
                    self.leave(index)?;
                    return self.connect(index, replica);
                }
                Step::Send(commands) => self.send(index, commands),
                Step::Rest(time) => return self.pause(index, time, None),
                Step::Deaf(time) => {
                    self.clients[index].deaf_until = self.agenda.now() + time;
                    return self.pause(index, time, None);
                }
                Step::Wait(patience) => {
                    if !self.all_answered(index) {
                        return self.pause(index, patience, Some(Waiting::Replies));
                    }
                }
                Step::Finish(patience) => {
                    self.end_sending(index);
                    return self.pause(index, patience, Some(Waiting::End));
                }
            }
        }
    }

    fn pause(&mut self, index: usize, time: Time, waiting: Option<Waiting>) -> Check {
        let client = &mut self.clients[index];
        client.waiting = waiting;
        client.ticket += 1;
        let ticket = client.ticket;
        self.agenda.after(
            time,
            Happening::Client {
                client: index,
                ticket,
            },
        );
        Ok(())
    }

    fn connect(&mut self, index: usize, replica: usize) -> Check {
        let party = self.machines.len() + index;
        let wire = self.open(party, replica);
        let read_path = match self.plan.consistency {
            Consistency::Linearizable => Consistency::Linearizable,
            _ => Consistency::Sequential,
        };
        self.sessions.push(Session::new(
            index,
            replica,
            wire,
            self.machines[replica].incarnation,
            read_path,
        ));
        let client = &mut self.clients[index];
        client.session = Some(self.sessions.len() - 1);
        client.replica = replica;
        client.at = Some(ClientEnd::new(wire));
        client.consumed = 0;
        self.note(index, &[4], || {
            format!("c{} connects to r{}", index + 1, replica + 1)
        });
        self.pause(index, 1000 * MILLISECOND, Some(Waiting::Connection))
    }

    /// A client learns what became of its attempt to connect. If nobody listens, it tries again later, after a few
    /// times elsewhere.
    pub(super) fn client_dialled(&mut self, index: usize, wire: usize, is_there: bool) -> Check {
        if !self.is_at(index, End::dialler(wire)) {
            return Ok(());
        }
        if is_there {
            let client = &mut self.clients[index];
            client.failures = 0;
            client.waiting = None;
            client.ticket += 1;
            return self.proceed(index);
        }
        self.leave(index)?;
        let replicas = self.machines.len();
        let client = &mut self.clients[index];
        client.failures += 1;
        if client.failures.is_multiple_of(4) {
            client.replica = (client.replica + 1) % replicas;
        }
        self.pause(index, 100 * MILLISECOND, None)
    }

    /// Whether this is where a client's connection is.
    fn is_at(&self, index: usize, end: End) -> bool {
        let client = self.clients.get(index);
        client.is_some_and(|client| client.at.as_ref().is_some_and(|at| at.end == end))
    }

    /// Whether the replica's process that the client connected to is gone.
    fn has_restarted(&self, index: usize) -> bool {
        self.session_of(index).is_none_or(|session| {
            let machine = &self.machines[session.replica];
            !machine.runs() || machine.incarnation != session.incarnation
        })
    }

    fn all_answered(&self, index: usize) -> bool {
        self.unanswered(index) == 0
    }

    fn unanswered(&self, index: usize) -> usize {
        let session = self.session_of(index);
        session.map_or(0, |session| session.requests.len() - session.answered)
    }

    fn session_of(&self, index: usize) -> Option<&Session> {
        self.clients[index].session.map(|at| &self.sessions[at])
    }

    /// Closes the connection, if there is one.
    fn leave(&mut self, index: usize) -> Check {
        let Some(session) = self.clients[index].session.take() else {
            return Ok(());
        };
        self.clients[index].waiting = None;
        self.sessions[session].close(&mut self.ledger);
        if let Some(at) = self.clients[index].at.take() {
            self.network.close(at.end, false);
        }
        self.note(index, &[5], || format!("c{} leaves", index + 1));
        Ok(())
    }

    fn send(&mut self, index: usize, commands: Vec<Command>) {
        let Some(at) = self.clients[index].session else {
            return;
        };
        let now = self.agenda.now();
        let mut bytes = Vec::new();
        for command in commands {
            self.counts.requests += 1;
            let who = index + 1;
            let replica = self.sessions[at].replica + 1;
            self.trace.note(now, index, &[6], || {
                format!("c{who} -> r{replica} {command:?}")
            });
            encode(&command, &mut bytes);
            self.sessions[at].invoke(command, now, &self.ledger);
        }
        if let Some(at) = &mut self.clients[index].at {
            at.send(&bytes, &mut self.network);
        }
    }

    /// There is room at a client's end.
    pub(super) fn client_writable(&mut self, index: usize, end: End) {
        if self.is_at(index, end)
            && let Some(at) = &mut self.clients[index].at
        {
            at.flush(&mut self.network);
        }
    }

    fn end_sending(&mut self, index: usize) {
        if let Some(at) = &mut self.clients[index].at {
            at.finish(&mut self.network);
        }
    }

    pub(super) fn client_readable(&mut self, index: usize, end: End) -> Check {
        if !self.is_at(index, end) {
            return Ok(());
        }
        if self.clients[index].deaf_until > self.agenda.now() {
            return Ok(());
        }
        self.client_readable_now(index)?;
        let satisfied = match self.clients[index].waiting {
            Some(Waiting::Replies) => self.all_answered(index),
            Some(Waiting::End) => self.clients[index].session.is_none(),
            Some(Waiting::Connection) | None => false,
        };
        if satisfied {
            self.clients[index].waiting = None;
            self.clients[index].ticket += 1;
            return self.proceed(index);
        }
        Ok(())
    }

    /// Reads what has arrived, and takes note of the end.
    fn client_readable_now(&mut self, index: usize) -> Check {
        let Some(at) = &mut self.clients[index].at else {
            return Ok(());
        };
        let ended = at.read(&mut self.network);
        self.take_replies(index)?;
        if let Some(ended) = ended {
            let waiting = self.clients[index].waiting;
            let in_order = ended == Ended::InOrder && waiting == Some(Waiting::End);
            let unanswered = self.unanswered(index);
            ensure!(
                !in_order || unanswered == 0 || self.has_restarted(index),
                "every operation gets exactly one reply",
                "client {} half-closed its connection, which was closed with {unanswered} operations unanswered",
                index + 1
            );
            self.leave(index)?;
            self.clients[index].waiting = waiting;
        }
        Ok(())
    }

    fn take_replies(&mut self, index: usize) -> Check {
        let Some(at) = self.clients[index].session else {
            return Ok(());
        };
        let (now, wire) = (self.agenda.now(), self.sessions[at].wire);
        let Some(input) = self.clients[index].at.as_mut().map(|at| &mut at.input) else {
            return Ok(());
        };
        let (mut taken, input) = (0, std::mem::take(input));
        loop {
            let rest = &input[taken..];
            let parsed = value::parse(rest);
            ensure!(
                parsed.is_ok(),
                "replies are well-formed",
                "client {} got {}",
                index + 1,
                rest.escape_ascii()
            );
            let Ok(Some((_, length))) = parsed else { break };
            let offset = self.clients[index].consumed + taken as u64;
            let marks = &mut self.marks[wire];
            while marks.get(1).is_some_and(|(start, _)| *start <= offset) {
                marks.pop_front();
            }
            let position = marks.front().map_or(0, |(_, position)| *position);
            let reply = rest[..length].to_vec();
            taken += length;
            self.counts.replies += 1;
            let code = reply
                .starts_with(b"-")
                .then(|| reply.starts_with(b"-UNCERTAIN"));
            self.counts.indefinite += u64::from(code == Some(true));
            self.counts.definite += u64::from(code == Some(false));
            self.trace.note(now, index, &reply, || {
                format!(
                    "c{} <- {} (made at position {position})",
                    index + 1,
                    reply.escape_ascii()
                )
            });
            if self.plan.consistency.is_ordered() {
                self.sessions[at].reply(&reply, position, now, &mut self.ledger)?;
            } else {
                self.sessions[at].reply_unchecked(&reply, now)?;
            }
        }
        let client = &mut self.clients[index];
        client.consumed += taken as u64;
        if let Some(at) = &mut client.at {
            at.input.extend_from_slice(&input[taken..]);
        }
        Ok(())
    }
}

/// Puts a command on the wire as an array of bulk strings.
fn encode(command: &Command, output: &mut Vec<u8>) {
    output.extend_from_slice(format!("*{}\r\n", command.0.len()).as_bytes());
    output.extend_from_slice(OwnedArguments::new(&command.words()).bytes());
}
