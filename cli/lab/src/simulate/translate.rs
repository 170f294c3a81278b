//! Commands in the words of histories: calls that together do the same, and what a reply says of each.
//!
//! Histories have names for the commands that checkers understand; clients of the simulator give others, too. So that
//! the checkers can judge every run, `DEL a b` becomes the transaction of two deletes that it is, `INCRBY n 7` seven
//! increments in one, and so on. What a command did must not depend on who asks: an entry of the order and the
//! operation that made it become the same calls.

use super::model::number;
use super::workload::{COUNTER, KEYS};
use crate::history::{Answer, Call};
use holdback::wire::value::Value;

/// The calls of one command and the answers to them.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) calls: Vec<Call>,
    pub(super) answers: Vec<Answer>,
}

impl Parts {
    /// Translates several commands as one, with their replies as far as there are any.
    pub(super) fn of_all<C: AsRef<[Vec<u8>]>>(commands: &[C], replies: Option<&[Value]>) -> Self {
        let mut all = Self::default();
        for (at, words) in commands.iter().enumerate() {
            let words: Vec<&[u8]> = words.as_ref().iter().map(Vec::as_slice).collect();
            let reply = replies.and_then(|replies| replies.get(at));
            let parts = Self::of(&words, reply);
            all.calls.extend(parts.calls);
            all.answers.extend(parts.answers);
        }
        all
    }

    /// Translates a command; to nothing if it only reads what histories have no name for.
    fn of(words: &[&[u8]], reply: Option<&Value>) -> Self {
        if let Some(call) = Call::of_command(words) {
            let answer = reply.map_or(Answer::Unknown, |reply| Answer::of_reply(&call, reply));
            return Self {
                calls: vec![call],
                answers: vec![answer],
            };
        }
        let mut parts = match words {
            [b"GETDEL", key] => get_and_delete(key, reply),
            [b"DEL", keys @ ..] => delete(keys, reply),
            [b"INCRBY", key, amount] => add(key, amount, reply),
            [b"SET", key, value, b"XX"] => set_if_present(key, value, reply),
            [b"FLUSHALL"] => {
                let keys = KEYS.into_iter().chain([COUNTER]).map(str::as_bytes);
                delete(&keys.collect::<Vec<_>>(), None)
            }
            _ => Self::default(),
        };
        if let Some(Value::Error(_)) = reply {
            parts.answers.fill(Answer::Error);
        }
        parts
    }

    fn push(&mut self, call: Call, answer: Answer) {
        self.calls.push(call);
        self.answers.push(answer);
    }
}

/// Whether the calls depend on what the command was answered.
pub(super) fn depends_on_reply<W: AsRef<[u8]>>(words: &[W]) -> bool {
    words.len() == 4 && words[0].as_ref() == b"SET" && words[3].as_ref() == b"XX"
}

fn get_and_delete(key: &[u8], reply: Option<&Value>) -> Parts {
    let get = Call::Get(key.to_vec());
    let (found, deleted) = match reply {
        Some(reply) => (
            Answer::of_reply(&get, reply),
            Answer::Flag(*reply != Value::Null),
        ),
        None => (Answer::Unknown, Answer::Unknown),
    };
    let mut parts = Parts::default();
    parts.push(get, found);
    parts.push(Call::Del(key.to_vec()), deleted);
    parts
}

/// Which keys were there follows from their number if it was all of them or none.
fn delete(keys: &[&[u8]], reply: Option<&Value>) -> Parts {
    let is_first = |at: usize| !keys[..at].contains(&keys[at]);
    let distinct = (0..keys.len()).filter(|&at| is_first(at)).count();
    let mut parts = Parts::default();
    for (at, key) in keys.iter().enumerate() {
        let answer = match reply {
            Some(Value::Integer(0)) => Answer::Flag(false),
            Some(Value::Integer(_)) if !is_first(at) => Answer::Flag(false),
            Some(Value::Integer(count)) if *count == distinct as i64 => Answer::Flag(true),
            _ => Answer::Unknown,
        };
        parts.push(Call::Del(key.to_vec()), answer);
    }
    parts
}

fn add(key: &[u8], amount: &[u8], reply: Option<&Value>) -> Parts {
    let amount = number(amount).unwrap_or(0);
    let mut parts = Parts::default();
    for step in 1..=amount {
        let answer = match reply {
            Some(Value::Integer(sum)) => Answer::Number(sum - amount + step),
            _ => Answer::Unknown,
        };
        parts.push(Call::Incr(key.to_vec()), answer);
    }
    parts
}

/// If it was done, the key was there: a delete finds it, and then it is set. If not, a read finds nothing. Nobody can
/// know which of these a command without a reply is; without an entry of its own it is the latter.
fn set_if_present(key: &[u8], value: &[u8], reply: Option<&Value>) -> Parts {
    let mut parts = Parts::default();
    match reply {
        Some(Value::Simple(_)) => {
            parts.push(Call::Del(key.to_vec()), Answer::Flag(true));
            parts.push(Call::Set(key.to_vec(), value.to_vec()), Answer::Done);
        }
        Some(_) => parts.push(Call::Get(key.to_vec()), Answer::Value(None)),
        None => parts.push(Call::Get(key.to_vec()), Answer::Unknown),
    }
    parts
}

#[cfg(test)]
mod tests;
