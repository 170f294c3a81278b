//! Whether a reply is right, in the ordered models: judged by where it was made and what stands in the order there.

use super::super::model::{NULL_ARRAY, Reply, number};
use super::{
    Ledger, Outcome, PROGRAM_ORDER, REAL_TIME, RESULTS_AGREE, Session, Watched, error_code, is_read,
};
use crate::simulate::violation::{Violation, ensure};
use holdback::consistency::Consistency;
use holdback::entry::EntryBody;
use holdback::ids::Digest;
use holdback::wire::arguments::OwnedArguments;
use holdback::wire::error::ErrorCode;
use std::collections::BTreeMap;

/// A reply: which request it is for, and the position at which it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) at: usize,
    pub(super) reply: &'a [u8],
    pub(super) position: u64,
}

impl Told<'_> {
    fn is_error(&self) -> bool {
        self.reply.starts_with(b"-")
    }
}

impl Session {
    /// Whether a reply is right, in the ordered models.
    pub(super) fn judge(
        &mut self,
        told: Told<'_>,
        ledger: &mut Ledger,
    ) -> Result<Outcome, Violation> {
        let Told {
            reply, position, ..
        } = told;
        let command = self.requests[told.at].command.clone();
        let words = command.words();
        if let Some(multi) = &mut self.multi
            && !matches!(words[0], b"EXEC" | b"DISCARD")
        {
            if reply == b"+QUEUED\r\n" {
                multi.push(command);
                return Ok(Outcome::Done);
            }
            return self.expect_error(told);
        }
        if self.given_up {
            return self.judge_given_up(told);
        }
        match words[0] {
            b"MULTI" => {
                let outcome = self.expect(told, b"+OK\r\n")?;
                self.multi = (outcome == Outcome::Done).then(Vec::new);
                self.given_up = reply.starts_with(b"-TIMEOUT ");
                Ok(outcome)
            }
            b"DISCARD" => {
                self.multi = None;
                self.watches.clear();
                self.expect(told, b"+OK\r\n")
            }
            b"EXEC" => self.judge_exec(told, ledger),
            b"WATCH" => self.judge_watch(told, ledger),
            b"PING" => self.expect(told, b"+PONG\r\n"),
            b"CONSISTENCY" => {
                let outcome = self.expect(told, b"+OK\r\n")?;
                if outcome == Outcome::Done {
                    self.read_path = match words[1] {
                        b"linearizable" => Consistency::Linearizable,
                        _ => Consistency::Sequential,
                    };
                }
                Ok(outcome)
            }
            b"POSITION" => {
                let expected = format!(":{}\r\n", self.position);
                self.expect(told, expected.as_bytes())
            }
            b"AWAIT" | b"DIGEST" => self.judge_inspection(told, ledger),
            name if is_read(name) && self.read_path == Consistency::Sequential => {
                let mut expected = Reply::default();
                ledger.record.model.read(&words, position, &mut expected);
                self.read_locally(told, &expected.0)
            }
            name => {
                let body = EntryBody::command(&words);
                self.judge_entry(told, &body, b"", is_read(name), ledger)
            }
        }
    }

    /// Whether a reply is right behind a MULTI that was given up.
    fn judge_given_up(&mut self, told: Told<'_>) -> Result<Outcome, Violation> {
        match self.requests[told.at].command.0[0].as_slice() {
            b"EXEC" | b"DISCARD" => {
                self.given_up = false;
                self.watches.clear();
                self.expect(told, b"+OK\r\n")
            }
            _ if told.reply == b"+QUEUED\r\n" => Ok(Outcome::Failed),
            _ => self.expect_error(told),
        }
    }

    fn expect(&self, told: Told<'_>, expected: &[u8]) -> Result<Outcome, Violation> {
        if told.reply == expected {
            return Ok(Outcome::Done);
        }
        self.expect_error(told)
    }

    /// Nothing but a definite error may be the reply.
    fn expect_error(&self, told: Told<'_>) -> Result<Outcome, Violation> {
        match error_code(told.reply) {
            Some(code) if code.is_definite() => Ok(Outcome::Failed),
            _ => Err(self.wrong(told, "something else")),
        }
    }

    fn wrong(&self, told: Told<'_>, expected: &str) -> Violation {
        let command = &self.requests[told.at].command;
        let (name, reply) = (self.name(), told.reply.escape_ascii());
        let detail = format!("{name}: {command:?} got {reply}, not {expected}");
        Violation::new(RESULTS_AGREE, detail)
    }

    /// A read on the replica's own data, evaluated at a position.
    fn read_locally(&mut self, told: Told<'_>, expected: &[u8]) -> Result<Outcome, Violation> {
        if told.is_error() {
            return self.expect_error(told);
        }
        let Told {
            reply, position, ..
        } = told;
        let command = &self.requests[told.at].command;
        ensure!(
            position >= self.position,
            PROGRAM_ORDER,
            "{}: {command:?} was read at position {position}, behind a command at {}",
            self.name(),
            self.position
        );
        if reply != expected {
            let expected = format!("{} at position {position}", expected.escape_ascii());
            return Err(self.wrong(told, &expected));
        }
        self.position = position;
        Ok(Outcome::Done)
    }

    /// A command that is an entry of its own; its reply is that of the entry, behind `prefix`.
    fn judge_entry(
        &mut self,
        told: Told<'_>,
        body: &EntryBody,
        prefix: &[u8],
        reads: bool,
        ledger: &mut Ledger,
    ) -> Result<Outcome, Violation> {
        let Told {
            reply, position, ..
        } = told;
        let me = self.replica;
        // Executing an entry gives results, and errors that say ERR; the other codes come from elsewhere.
        let executed = matches!(error_code(reply), None | Some(ErrorCode::Err));
        let placed = ledger.record.placed(position).filter(|placed| {
            executed
                && !placed.claimed
                && placed.stamp.replica.index() == me
                && placed.body == *body
        });
        let Some(placed) = placed else {
            match error_code(reply) {
                Some(ErrorCode::Uncertain) if !reads => {}
                Some(ErrorCode::Timeout) if reads => {}
                Some(code) if code.is_definite() => return Ok(Outcome::Failed),
                _ => {
                    let expected = format!("an error: it is not the entry at position {position}");
                    return Err(self.wrong(told, &expected));
                }
            }
            ledger.unclaimed.add(me, body.describe());
            return Ok(if reads {
                Outcome::Failed
            } else {
                Outcome::Unknown
            });
        };
        let expected = [prefix, &placed.reply].concat();
        if reply != expected {
            let expected = format!("{} at position {position}", expected.escape_ascii());
            return Err(self.wrong(told, &expected));
        }
        let request = &self.requests[told.at];
        ensure!(
            position > self.position,
            PROGRAM_ORDER,
            "{}: {:?} is at position {position}, behind a command at {}",
            self.name(),
            request.command,
            self.position
        );
        ensure!(
            position > request.floor,
            REAL_TIME,
            "{}: {:?} is at position {position}, and position {} was completed before it was sent",
            self.name(),
            request.command,
            request.floor
        );
        self.position = position;
        ledger.record.claim(position);
        ledger.completed = ledger.completed.max(position);
        Ok(Outcome::Done)
    }

    fn judge_exec(&mut self, told: Told<'_>, ledger: &mut Ledger) -> Result<Outcome, Violation> {
        let Told {
            reply, position, ..
        } = told;
        let watches = std::mem::take(&mut self.watches);
        let Some(commands) = self.multi.take() else {
            return self.expect_error(told);
        };
        let reads = commands.iter().all(|command| is_read(&command.0[0]));
        if error_code(reply) == Some(ErrorCode::ExecAbort) {
            return Ok(Outcome::Failed);
        }
        if reads && self.read_path == Consistency::Sequential {
            let model = &ledger.record.model;
            let unchanged = watches
                .iter()
                .all(|watched| model.changed(&watched.key, position) == watched.changed);
            if !unchanged {
                return self.read_locally(told, NULL_ARRAY);
            }
            let mut expected = Reply::default();
            expected.array(commands.len());
            for command in &commands {
                model.read(&command.words(), position, &mut expected);
            }
            return self.read_locally(told, &expected.0);
        }
        let pairs: BTreeMap<Vec<u8>, u64> = watches
            .into_iter()
            .map(|watched| (watched.key, watched.changed))
            .collect();
        let owned: Vec<OwnedArguments> = commands
            .iter()
            .map(|command| OwnedArguments::new(&command.words()))
            .collect();
        let body = EntryBody::transaction(&pairs, &owned);
        // A transaction of one command is the same entry as that command; only the reply is wrapped.
        let is_single = pairs.is_empty() && commands.len() == 1;
        let prefix: &[u8] = if is_single { b"*1\r\n" } else { b"" };
        self.judge_entry(told, &body, prefix, reads, ledger)
    }

    fn judge_watch(&mut self, told: Told<'_>, ledger: &mut Ledger) -> Result<Outcome, Violation> {
        let Told { at, position, .. } = told;
        let command = self.requests[at].command.clone();
        let outcome = if self.read_path == Consistency::Sequential {
            self.read_locally(told, b"+OK\r\n")?
        } else {
            let body = EntryBody::command(&command.words());
            self.judge_entry(told, &body, b"", true, ledger)?
        };
        if outcome == Outcome::Done {
            for key in &command.0[1..] {
                if !self.watches.iter().any(|watched| watched.key == *key) {
                    let changed = ledger.record.model.changed(key, position);
                    self.watches.push(Watched {
                        key: key.clone(),
                        changed,
                    });
                }
            }
        }
        Ok(outcome)
    }

    fn judge_inspection(&mut self, told: Told<'_>, ledger: &Ledger) -> Result<Outcome, Violation> {
        let Told { at, position, .. } = told;
        if told.is_error() {
            return self.expect_error(told);
        }
        let command = &self.requests[at].command;
        if command.0[0] == b"AWAIT" {
            let awaited = number(&command.0[1]).and_then(|awaited| u64::try_from(awaited).ok());
            ensure!(
                awaited.is_some_and(|awaited| awaited <= position),
                RESULTS_AGREE,
                "{}: {command:?} was answered at position {position}",
                self.name()
            );
            return self.read_locally(told, format!(":{position}\r\n").as_bytes());
        }
        self.position = position;
        let digest = ledger.record.digest(position).unwrap_or_default();
        let expected = format!("*2\r\n:{position}\r\n$32\r\n{digest}\r\n");
        // The digest of a position that no turn has ended at yet is not on record.
        if position > 0 && digest == Digest::default() {
            return Ok(Outcome::Done);
        }
        self.expect(told, expected.as_bytes())
    }
}
