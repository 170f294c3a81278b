//! What a replica told in its turn, and what it sent, judged in the order in which it happened.

use super::ear::Told;
use super::show;
use super::violation::{Check, ensure};
use super::world::World;
use holdback::ids::ConnectionId;
use holdback::message::Message;
use holdback::wire::inline::quote_all;
use holdback_testkit::End;

/// A client's command in the eventual model, from the moment it is handed in.
#[derive(Debug)]
struct Executing {
    client: ConnectionId,
    words: Vec<Vec<u8>>,
    /// What it must apply.
    effects: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// What it must answer, if it is a data command.
    expected: Option<Vec<u8>>,
    reply: Vec<u8>,
}

impl World {
    /// Takes up what a replica told.
    pub(super) fn hear(&mut self, index: usize) -> Check {
        let machine = &mut self.machines[index];
        let Some(ear) = machine.host.environment() else {
            return Ok(());
        };
        let mut told = std::mem::take(&mut ear.told);
        if let (Some(journal), Some(trace)) = (&mut machine.journal, &mut ear.trace) {
            journal.trace.push_str(trace);
            trace.clear();
        }
        let mut executing = None;
        for event in told.drain(..) {
            let at = self.agenda.now();
            if let Some(text) = show::told(index, &event) {
                self.trace.note(at, index, &[2], || text);
            }
            self.hear_event(index, event, &mut executing)?;
        }
        self.executed(index, executing)?;
        if let Some(ear) = self.machines[index].host.environment() {
            // Its memory is used again.
            ear.told = told;
        }
        Ok(())
    }

    fn hear_event(
        &mut self,
        index: usize,
        event: Told,
        executing: &mut Option<Executing>,
    ) -> Check {
        let machine = &mut self.machines[index];
        match event {
            Told::Deliver { position, entry } | Told::Apply { position, entry } => {
                machine.position += 1;
                if self.plan.consistency.is_ordered() {
                    self.ledger.record.delivered(index, position, &entry)?;
                } else {
                    self.versions.applied(index, &entry)?;
                }
                if let Some(journal) = &mut machine.journal {
                    journal.delivered.push((position, entry));
                }
            }
            Told::Frame(connection, words) => {
                self.executed(index, executing.take())?;
                *executing = self.handed_in(index, connection, words);
            }
            Told::Reply(client, bytes) => {
                if let Some(command) = executing
                    .as_mut()
                    .filter(|command| command.client == client)
                {
                    command.reply.extend_from_slice(&bytes);
                }
            }
            Told::ReplyBegins(connection, number) => {
                let Some(end) = machine.host.end(connection.slot) else {
                    return Ok(());
                };
                let (marks, position) = (&mut self.marks[end.wire], machine.position);
                if self.taps[end.wire].is_none()
                    && marks.back().is_none_or(|(_, last)| *last != position)
                {
                    marks.push_back((number, position));
                }
            }
            Told::Malformed(error) => ensure!(
                false,
                "replicas understand what is sent",
                "replica {}: {error}",
                index + 1
            ),
            Told::LinkDown(..) => self.counts.links_lost += 1,
            Told::LinkUp(_) | Told::Notice(..) => {}
        }
        Ok(())
    }

    /// A frame is handed in: the records take note of one between replicas, and of a client's in the eventual model.
    fn handed_in(
        &mut self,
        index: usize,
        connection: ConnectionId,
        words: Vec<Vec<u8>>,
    ) -> Option<Executing> {
        let end = self.machines[index].host.end(connection.slot)?;
        if self.taps[end.wire].is_some() {
            self.overhear(index, end);
            return None;
        }
        if words.is_empty() || words[0] == b"FAULT" {
            return None;
        }
        let command: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        Some(Executing {
            client: connection,
            effects: self.versions.effects(index, &command),
            expected: self.versions.begin(index, &command),
            reply: Vec::new(),
            words,
        })
    }

    /// A client's command was executed.
    fn executed(&mut self, index: usize, command: Option<Executing>) -> Check {
        let Some(command) = command else {
            return Ok(());
        };
        let words: Vec<&[u8]> = command.words.iter().map(Vec::as_slice).collect();
        // What would make the data grow too much has no effect.
        if command.reply.starts_with(b"-OOM ") {
            return self.versions.finish(index, &words, &[]);
        }
        self.versions.finish(index, &words, &command.effects)?;
        if let Some(expected) = command.expected {
            ensure!(
                command.reply == expected,
                "results agree with the replica's data",
                "replica {}: {} got {}, not {}",
                index + 1,
                quote_all(words),
                command.reply.escape_ascii(),
                expected.escape_ascii()
            );
        }
        Ok(())
    }

    /// The next frame of a connection between replicas comes in: the records take note.
    fn overhear(&mut self, index: usize, end: End) {
        let from = self.network.party(end.other());
        let Some([first, second]) = &mut self.taps[end.wire] else {
            return;
        };
        let (theirs, ours) = match end.side {
            0 => (second, first),
            _ => (first, second),
        };
        let Some(message) = theirs.frames.pop_front() else {
            return;
        };
        let incarnation = theirs.incarnation;
        self.ledger
            .record
            .received((from, incarnation), index, &mut ours.end, &message);
        self.versions.received(index, &message);
        let at = self.agenda.now();
        self.trace.note(at, index, &[1], || {
            format!("r{} <- r{} {}", index + 1, from + 1, show::frame(&message))
        });
    }

    /// Bytes that a replica has put on a connection: the records take note of the frames that they complete.
    pub(super) fn listen(&mut self, end: End) -> Check {
        let index = self.network.party(end);
        let bytes = self.network.take_overheard(end);
        if bytes.is_empty() || index >= self.machines.len() {
            return Ok(());
        }
        let at = self.agenda.now();
        if let Some(taps) = &mut self.taps[end.wire] {
            let to = self.network.party(end.other());
            let (record, trace, counts) =
                (&mut self.ledger.record, &mut self.trace, &mut self.counts);
            counts.frame_bytes += bytes.len() as u64;
            let tap = &mut taps[end.side];
            tap.incarnation = self.machines[index].incarnation;
            tap.listen(&bytes, |end, message, length| {
                counts.frames += 1;
                if let Message::Mcast(..) | Message::Ack(_) | Message::Update(..) = message {
                    counts.data_frames += 1;
                    counts.data_bytes += length as u64;
                }
                trace.note(at, index, &[3], || {
                    format!("r{} -> r{} {}", index + 1, to + 1, show::frame(message))
                });
                record.sent(index, to, end, message)
            })?;
        }
        self.trace.note(at, index, &bytes, || {
            format!("r{} writes {} bytes", index + 1, bytes.len())
        });
        Ok(())
    }
}
