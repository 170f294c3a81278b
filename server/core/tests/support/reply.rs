//! Replies as a client reads them, in a form that is easy to compare.

use std::fmt;

/// One reply. Printed (and compared in most tests) as `+OK`, `-ERR text`, `:1`, the bare bytes of a bulk
/// string, `nil`, or `[a b]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Null,
    Array(Vec<Reply>),
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text) => write!(f, "+{text}"),
            Self::Error(text) => write!(f, "-{text}"),
            Self::Integer(number) => write!(f, ":{number}"),
            Self::Bulk(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Self::Null => f.write_str("nil"),
            Self::Array(items) => {
                let items: Vec<String> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(" "))
            }
        }
    }
}

/// Takes a whole reply off the front of `input`; `None` if it has not all arrived.
///
/// # Panics
/// If the bytes are no reply: the server must never send such.
pub(crate) fn take_reply(input: &mut Vec<u8>) -> Option<Reply> {
    let mut at = 0;
    let reply = parse(input, &mut at)?;
    input.drain(..at);
    Some(reply)
}

/// As [`take_reply`], but leaves the input alone and moves `at` behind the reply.
pub(crate) fn parse(input: &[u8], at: &mut usize) -> Option<Reply> {
    let rest = &input[*at..];
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = std::str::from_utf8(&rest[1..end]).expect("headers and lines are text");
    *at += end + 2;
    let number = || -> i64 { line.parse().unwrap_or_else(|_| panic!("number: {line}")) };
    Some(match rest[0] {
        b'+' => Reply::Simple(line.to_owned()),
        b'-' => Reply::Error(line.to_owned()),
        b':' => Reply::Integer(number()),
        b'$' => match usize::try_from(number()) {
            Err(_) => Reply::Null,
            Ok(length) => {
                let bytes = input.get(*at..*at + length)?.to_vec();
                let terminator = input.get(*at + length..*at + length + 2)?;
                assert_eq!(terminator, b"\r\n", "a bulk string ends with CRLF");
                *at += length + 2;
                Reply::Bulk(bytes)
            }
        },
        b'*' => match usize::try_from(number()) {
            Err(_) => Reply::Null,
            Ok(count) => {
                let items = (0..count).map(|_| parse(input, at));
                Reply::Array(items.collect::<Option<_>>()?)
            }
        },
        other => panic!("no reply begins with {}", other.escape_ascii()),
    })
}
