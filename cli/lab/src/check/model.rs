//! What each operation does: a pure function from a value to a value and an answer.
//!
//! Every operation is a list of [`Part`]s, each of which touches one key: MGET is several gets, MSET several
//! sets, a transaction its calls in a row. So the whole model is [`step`], for one part and the value of its
//! key. It says what the server's store says (a test compares the two).

use super::values::{ABSENT, Value, Values};

/// A key: its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(pub(super) u32);

/// What a part does to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Act {
    Get,
    Set(Value),
    SetNx(Value),
    GetSet(Value),
    /// The old value, the new one.
    Cas(Value, Value),
    Incr,
    Append(Value),
    Del,
}

impl Act {
    /// Whether it certainly wrote its key, given its answer; to the value that was there, perhaps.
    pub(super) fn writes(self, reply: Reply) -> bool {
        match self {
            Self::Get => false,
            Self::Set(_) | Self::GetSet(_) | Self::Append(_) => true,
            Self::SetNx(_) | Self::Cas(..) | Self::Del => reply == Reply::Flag(true),
            Self::Incr => matches!(reply, Reply::Number(_)),
        }
    }
}

/// What a part answered: as recorded, or as the model says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reply {
    /// It is not on record.
    Any,
    Done,
    Value(Value),
    Flag(bool),
    Number(i64),
    /// An error, which changes nothing.
    Error,
    /// What is on record is no answer to such a call.
    Nonsense,
}

/// One act on one key, with the answer on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) key: Key,
    pub(super) act: Act,
    pub(super) reply: Reply,
}

/// The value after an act, and its answer.
pub(super) fn step(act: Act, old: Value, values: &mut Values) -> (Value, Reply) {
    match act {
        Act::Get => (old, Reply::Value(old)),
        Act::Set(new) => (new, Reply::Done),
        Act::SetNx(new) if old == ABSENT => (new, Reply::Flag(true)),
        Act::SetNx(_) => (old, Reply::Flag(false)),
        Act::GetSet(new) => (new, Reply::Value(old)),
        Act::Cas(expected, new) if old == expected => (new, Reply::Flag(true)),
        Act::Cas(..) => (old, Reply::Flag(false)),
        Act::Incr => match values.number(old).and_then(|number| number.checked_add(1)) {
            Some(number) => (values.of_number(number), Reply::Number(number)),
            None => (old, Reply::Error),
        },
        Act::Append(suffix) => {
            let new = values.join(old, suffix);
            let length = i64::try_from(values.length(new)).unwrap_or(i64::MAX);
            (new, Reply::Number(length))
        }
        Act::Del => (ABSENT, Reply::Flag(old != ABSENT)),
    }
}

impl Part {
    /// The value after this part, if the answer on record is the model's.
    ///
    /// An operation that is an error as a whole is a `fail`, so where no answer is on record an error is
    /// possible only `in_transaction`.
    pub(super) fn take(
        &self,
        old: Value,
        in_transaction: bool,
        values: &mut Values,
    ) -> Option<Value> {
        let (new, reply) = step(self.act, old, values);
        let fits = match self.reply {
            Reply::Any => in_transaction || reply != Reply::Error,
            recorded => recorded == reply,
        };
        fits.then_some(new)
    }

    /// Whether it can change nothing, given the answer on record.
    pub(super) fn changes_nothing(&self) -> bool {
        match self.act {
            Act::Get => true,
            Act::SetNx(_) | Act::Cas(..) | Act::Del => self.reply == Reply::Flag(false),
            Act::Incr => self.reply == Reply::Error,
            Act::Set(_) | Act::GetSet(_) | Act::Append(_) => false,
        }
    }

    /// The value that the key must hold for the answer on record, where it is only one.
    pub(super) fn requires(&self, values: &mut Values) -> Option<Value> {
        match (self.act, self.reply) {
            (Act::Get | Act::GetSet(_), Reply::Value(value)) => Some(value),
            (Act::Cas(expected, _), Reply::Flag(true)) => Some(expected),
            (Act::SetNx(_), Reply::Flag(true)) | (Act::Del, Reply::Flag(false)) => Some(ABSENT),
            (Act::Incr, Reply::Number(number)) => match number.checked_sub(1) {
                // Zero can also be an absent key.
                Some(0) | None => None,
                Some(old) => Some(values.of_number(old)),
            },
            _ => None,
        }
    }

    /// Whether its effect, or the answer on record, depends on the value before.
    pub(super) fn depends_on_old(&self) -> bool {
        !matches!(
            (self.act, self.reply),
            (Act::Set(_), _) | (Act::Get | Act::GetSet(_) | Act::Del, Reply::Any)
        )
    }
}

/// The part of an operation whose answer is not the store's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) part: usize,
    /// What the store answers.
    pub(super) right: Reply,
}

/// Takes the parts of an operation in a row, on what keys held before and what the parts before wrote. Leaves in
/// `written` what the keys hold afterwards.
pub(super) fn take_all(
    parts: &[Part],
    in_transaction: bool,
    values: &mut Values,
    held: impl Fn(Key) -> Value,
    written: &mut Vec<(Key, Value)>,
) -> Result<(), Mismatch> {
    written.clear();
    for (index, part) in parts.iter().enumerate() {
        let own = written.iter().position(|(key, _)| *key == part.key);
        let old = own.map_or_else(|| held(part.key), |at| written[at].1);
        let Some(new) = part.take(old, in_transaction, values) else {
            let (_, right) = step(part.act, old, values);
            return Err(Mismatch { part: index, right });
        };
        match own {
            Some(at) => written[at].1 = new,
            None => written.push((part.key, new)),
        }
    }
    Ok(())
}
