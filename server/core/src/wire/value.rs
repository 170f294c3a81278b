//! Replies as a client reads them: RESP2 and RESP3 values.

use std::fmt;

/// One reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `+text`
    Simple(String),
    /// `-CODE text`
    Error(String),
    /// `:number`
    Integer(i64),
    /// `$length`, binary safe
    Bulk(Vec<u8>),
    /// `$-1`, `*-1` or `_`
    Null,
    /// `*count`; also RESP3's sets and pushes
    Array(Vec<Value>),
    /// `%count`, in the order sent
    Map(Vec<(Value, Value)>),
    /// `#t` or `#f`
    Boolean(bool),
    /// `,number`, as the server wrote it
    Double(String),
}

/// Bytes that are no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a reply: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// Arrays within arrays, at the most.
const DEPTH_MAX: usize = 32;

/// Reads one reply from the front of `input`: the value and its length in bytes, or `None` if more
/// bytes are needed.
///
/// # Errors
/// [`Malformed`] if no continuation of `input` could be a reply.
pub fn parse(input: &[u8]) -> Result<Option<(Value, usize)>, Malformed> {
    let mut at = 0;
    Ok(value(input, &mut at, 0)?.map(|value| (value, at)))
}

/// Follows one reply as its bytes come in, so that a long one is parsed once and not once a piece.
#[derive(Clone, Debug)]
pub struct Scanner {
    /// Where the next value begins.
    at: usize,
    /// Values still to come, the elements of aggregates counted one by one.
    wanted: usize,
}

impl Default for Scanner {
    fn default() -> Self {
        Self { at: 0, wanted: 1 }
    }
}

impl Scanner {
    /// Whether `input` holds the whole reply; call again with the same bytes and more behind them. What
    /// is malformed counts as whole: [`parse`] says what is wrong with it.
    pub fn is_whole(&mut self, input: &[u8]) -> bool {
        while self.wanted > 0 {
            let mut next = self.at;
            let Some(header) = line(input, &mut next) else {
                return false;
            };
            let announced = || {
                let digits = std::str::from_utf8(header.get(1..)?).ok()?;
                digits.parse::<i64>().ok()
            };
            let mut elements = 0;
            match (header.first(), announced()) {
                (Some(b'$' | b'='), Some(length)) if length >= 0 => {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    next = next.saturating_add(length).saturating_add(2);
                    if input.len() < next {
                        return false;
                    }
                }
                (Some(b'*' | b'~' | b'>'), Some(count)) => {
                    elements = usize::try_from(count).unwrap_or(0);
                }
                (Some(b'%'), Some(count)) => {
                    elements = usize::try_from(count).unwrap_or(0).saturating_mul(2);
                }
                (Some(b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'$' | b'='), _) => {}
                _ => return true,
            }
            self.wanted = (self.wanted - 1).saturating_add(elements);
            self.at = next;
        }
        true
    }
}

impl Scanner {
    /// How many bytes of the reply were followed: its length, once it is whole.
    #[must_use]
    pub fn length(&self) -> usize {
        self.at
    }
}

fn value(input: &[u8], at: &mut usize, depth: usize) -> Result<Option<Value>, Malformed> {
    if depth > DEPTH_MAX {
        return Err(Malformed("nested too deeply".into()));
    }
    let Some(line) = line(input, at) else {
        return Ok(None);
    };
    let Some((mark, rest)) = line.split_first() else {
        return Err(Malformed("an empty line".into()));
    };
    let text = || String::from_utf8_lossy(rest).into_owned();
    let number = || -> Result<i64, Malformed> {
        text()
            .parse()
            .map_err(|_| Malformed(format!("a bad number in {}", line.escape_ascii())))
    };
    Ok(Some(match mark {
        b'+' => Value::Simple(text()),
        b'-' => Value::Error(text()),
        b':' => Value::Integer(number()?),
        b',' => Value::Double(text()),
        b'#' => Value::Boolean(rest == b"t"),
        b'_' => Value::Null,
        b'$' | b'=' => match usize::try_from(number()?) {
            Err(_) => Value::Null,
            Ok(length) => {
                if input.len() < *at + length + 2 {
                    return Ok(None);
                }
                let bytes = &input[*at..*at + length];
                *at += length + 2;
                // A verbatim string says first what it is: `txt:`.
                let told = if *mark == b'=' { bytes.len().min(4) } else { 0 };
                Value::Bulk(bytes[told..].to_vec())
            }
        },
        b'*' | b'~' | b'>' => match usize::try_from(number()?) {
            Err(_) => Value::Null,
            Ok(count) => match values(input, at, count, depth)? {
                None => return Ok(None),
                Some(values) => Value::Array(values),
            },
        },
        b'%' => {
            let count = usize::try_from(number()?).unwrap_or(0);
            let Some(flat) = values(input, at, count * 2, depth)? else {
                return Ok(None);
            };
            let mut flat = flat.into_iter();
            let mut pairs = Vec::new();
            while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
                pairs.push((key, value));
            }
            Value::Map(pairs)
        }
        _ => return Err(Malformed(line.escape_ascii().to_string())),
    }))
}

fn values(
    input: &[u8],
    at: &mut usize,
    count: usize,
    depth: usize,
) -> Result<Option<Vec<Value>>, Malformed> {
    let mut values = Vec::new();
    for _ in 0..count {
        match value(input, at, depth + 1)? {
            None => return Ok(None),
            Some(value) => values.push(value),
        }
    }
    Ok(Some(values))
}

fn line<'a>(input: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let rest = &input[*at..];
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    *at += end + 2;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_wants_more_and_the_whole_is_a_value() {
        let input =
            b"*6\r\n:-1\r\n=6\r\ntxt:ab\r\n$3\r\na\r\n\r\n$-1\r\n%1\r\n+k\r\n_\r\n-ERR no\r\n";
        let mut scanner = Scanner::default();
        for end in 0..input.len() {
            assert_eq!(parse(&input[..end]), Ok(None), "the first {end} bytes");
            assert!(!scanner.is_whole(&input[..end]), "the first {end} bytes");
        }
        assert!(scanner.is_whole(input));
        let expected = Value::Array(vec![
            Value::Integer(-1),
            Value::Bulk(b"ab".to_vec()),
            Value::Bulk(b"a\r\n".to_vec()),
            Value::Null,
            Value::Map(vec![(Value::Simple("k".into()), Value::Null)]),
            Value::Error("ERR no".into()),
        ]);
        assert_eq!(parse(input), Ok(Some((expected, input.len()))));
        for wrong in [&b"what\r\n"[..], b"\r\n", b"*1\r\nwhat\r\n"] {
            assert!(parse(wrong).is_err());
            assert!(Scanner::default().is_whole(wrong));
        }
    }
}
