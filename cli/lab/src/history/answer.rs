//! Answers: what an operation that happened told its process.

use super::call::{Call, Word};
use holdback::wire::inline::quote_all;
use holdback::wire::value::Value;
use std::fmt;

/// The answer to a [`Call`] that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It is not on record; the operation happened all the same.
    Unknown,
    /// It was done, and there is nothing more to say: `set`, `mset`.
    Done,
    /// `get`, `getset`: a value, or none for an absent key.
    Value(Option<Word>),
    /// `setnx`, `cas`, `del`: whether it did something.
    Flag(bool),
    /// `incr`, `append`: the new number or length.
    Number(i64),
    /// `mget`, `txn`: an answer to each part.
    List(Vec<Answer>),
    /// Inside `txn`: this part was an error, such as `incr` of a value that is no number.
    Error,
}

impl Answer {
    /// The answer that a reply which is no error is; for `txn` the reply to EXEC.
    #[must_use]
    pub fn of_reply(call: &Call, reply: &Value) -> Self {
        match (call, reply) {
            (Call::Txn(calls), Value::Array(replies)) if calls.len() == replies.len() => {
                let parts = calls.iter().zip(replies);
                Self::List(
                    parts
                        .map(|(call, reply)| Self::of_reply(call, reply))
                        .collect(),
                )
            }
            (_, Value::Error(_)) => Self::Error,
            (Call::Set(..) | Call::Mset(_), _) => Self::Done,
            (Call::SetNx(..), Value::Simple(_)) => Self::Flag(true),
            (Call::SetNx(..), Value::Null) => Self::Flag(false),
            (Call::SetNx(..) | Call::Cas(..) | Call::Del(_), Value::Integer(done)) => {
                Self::Flag(*done > 0)
            }
            (Call::Incr(_) | Call::Append(..), Value::Integer(number)) => Self::Number(*number),
            (Call::Get(_) | Call::GetSet(..), reply) => Self::value(reply),
            (Call::Mget(keys), Value::Array(replies)) if keys.len() == replies.len() => {
                Self::List(replies.iter().map(Self::value).collect())
            }
            _ => Self::Unknown,
        }
    }

    fn value(reply: &Value) -> Self {
        match reply {
            Value::Null => Self::Value(None),
            Value::Bulk(bytes) => Self::Value(Some(bytes.clone())),
            Value::Simple(text) | Value::Double(text) => Self::Value(Some(text.clone().into())),
            Value::Integer(number) => Self::Value(Some(number.to_string().into())),
            _ => Self::Unknown,
        }
    }
}

/// As a person reads it: `7`, `"a b"`, `nil`, `yes`, `[1, nil]`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("?"),
            Self::Done => f.write_str("OK"),
            Self::Value(None) => f.write_str("nil"),
            Self::Value(Some(value)) => f.write_str(&quote_all([value.as_slice()])),
            Self::Flag(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Self::Number(number) => write!(f, "{number}"),
            Self::Error => f.write_str("error"),
            Self::List(answers) => {
                let answers: Vec<String> = answers.iter().map(Self::to_string).collect();
                write!(f, "[{}]", answers.join(", "))
            }
        }
    }
}
