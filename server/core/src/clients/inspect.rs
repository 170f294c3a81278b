//! The commands that look at this replica: the order, what is held back, what it holds.

use super::evaluate::or_error;
use super::{Clients, Parts};
use crate::command::Inspection;
use crate::engine::{At, Engine};
use crate::entry::line::delivery;
use crate::ids::ConnectionId;
use crate::order::{Delivered, Order, OutOfRange};
use crate::peers::Peers;
use crate::store::{Answer, Keyspace};
use crate::wire::arguments::{parse_integer, parse_unsigned};
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::ReplyWriter;

/// Entries that ORDER and HOLDBACK list if no count is given.
const LISTED: usize = 100;

/// What the connection's earlier commands left behind.
struct Last {
    /// The position of the last one.
    position: u64,
    /// The time of the last write that was given up; 0 if none was.
    given_up: u64,
}

impl Clients {
    /// Answers such a command.
    pub(super) fn inspect(
        &mut self,
        client: ConnectionId,
        inspection: Inspection,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let session = self.sessions.at(client);
        let last = Last {
            position: session.last_position,
            given_up: session.last_given_up,
        };
        let reads = matches!(
            inspection,
            Inspection::Digest | Inspection::Order | Inspection::Store
        );
        if reads {
            session.last_position = parts.at.engine.order().position();
        }
        let At { engine, turn, .. } = &mut parts.at;
        let reply = &mut session.writer(turn);
        let answer = answer(inspection, words, &last, (&**engine, parts.peers), reply);
        or_error(answer, reply);
    }
}

fn answer(
    inspection: Inspection,
    words: &[&[u8]],
    last: &Last,
    (engine, peers): (&dyn Engine, &Peers),
    reply: &mut ReplyWriter<'_>,
) -> Answer {
    match inspection {
        Inspection::Await => debug_assert!(false, "AWAIT was executed on arrival"),
        Inspection::Position => {
            engine.check_ordered("POSITION")?;
            reply.position(last.position);
        }
        Inspection::Wait => {
            check_wait(words)?;
            reply.count(engine.holders(last.given_up));
        }
        Inspection::Digest => {
            let position = match words {
                [_] => None,
                [_, position] => {
                    engine.check_ordered("DIGEST position")?;
                    Some(parse_unsigned(position).ok_or_else(ErrorReply::not_an_integer)?)
                }
                _ => return Err(ErrorReply::wrong_arity("digest")),
            };
            let (number, digest) = engine.digest(position)?;
            reply.array(2);
            reply.position(number);
            reply.text(&digest.to_string());
        }
        Inspection::Order => list_order(engine.order(), words, reply)?,
        Inspection::Holdback if words.len() > 2 => return Err(ErrorReply::wrong_arity("holdback")),
        Inspection::Holdback => {
            let lines = engine.holdback(count(words)?);
            reply.array(lines.len());
            lines.iter().for_each(|line| reply.text(line));
        }
        Inspection::Store => {
            peers.check_ready()?;
            list_store(engine.keyspace(), reply);
        }
    }
    Ok(())
}

/// WAIT: what it asks for is answered at once.
fn check_wait(words: &[&[u8]]) -> Answer {
    parse_integer(words[1]).ok_or_else(ErrorReply::not_an_integer)?;
    let timeout = parse_integer(words[2])
        .ok_or_else(|| ErrorReply::err("timeout is not an integer or out of range"))?;
    if timeout < 0 {
        return Err(ErrorReply::err("timeout is negative"));
    }
    Ok(())
}

fn list_order(order: &Order, words: &[&[u8]], reply: &mut ReplyWriter<'_>) -> Answer {
    if words.len() > 3 {
        return Err(ErrorReply::wrong_arity("order"));
    }
    let count = count(words)?;
    let from = match words.get(2) {
        Some(from) => parse_unsigned(from)
            .ok_or_else(ErrorReply::not_an_integer)?
            .max(1),
        None => {
            let newest = (order.position() + 1).saturating_sub(count as u64);
            newest.max(order.oldest())
        }
    };
    let out_of_range =
        |error: OutOfRange| ErrorReply::new(ErrorCode::OutOfRange, error.to_string());
    let entries = order.from(from, count).map_err(out_of_range)?;
    reply.array(entries.len());
    for (position, Delivered { entry, .. }) in entries {
        reply.text(&delivery(position, &entry));
    }
    Ok(())
}

fn list_store(store: &dyn Keyspace, reply: &mut ReplyWriter<'_>) {
    let pairs = store.sorted();
    reply.array(pairs.len() * 2);
    for (key, value) in pairs {
        reply.bulk(key);
        reply.bulk(value);
    }
}

/// How many are to be listed.
fn count(words: &[&[u8]]) -> Result<usize, ErrorReply> {
    let Some(word) = words.get(1) else {
        return Ok(LISTED);
    };
    let count = parse_unsigned(word).ok_or_else(ErrorReply::not_an_integer)?;
    usize::try_from(count).map_err(|_| ErrorReply::not_an_integer())
}
