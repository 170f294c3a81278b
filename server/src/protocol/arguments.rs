//! Lists of arguments, borrowed from an input buffer or kept in one allocation.

use smallvec::SmallVec;

/// A frame's arguments, borrowed from where they were decoded.
pub type Arguments<'a> = SmallVec<[&'a [u8]; 8]>;

/// Appends `argument` as a RESP bulk string: `$length CRLF bytes CRLF`.
pub fn push_bulk(bytes: &mut Vec<u8>, argument: &[u8]) {
    // Most arguments are short: their header is one digit, or two.
    match argument.len() {
        length @ 0..10 => bytes.extend_from_slice(&[b'$', b'0' + length as u8, b'\r', b'\n']),
        length @ 10..100 => {
            let (tens, ones) = (b'0' + (length / 10) as u8, b'0' + (length % 10) as u8);
            bytes.extend_from_slice(&[b'$', tens, ones, b'\r', b'\n']);
        }
        length => {
            bytes.push(b'$');
            push_decimal(bytes, length as u64);
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes.reserve(argument.len() + 2);
    bytes.extend_from_slice(argument);
    bytes.extend_from_slice(b"\r\n");
}

/// Appends a number in decimal.
pub fn push_decimal(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a number in decimal as a RESP bulk string.
pub fn push_bulk_decimal(bytes: &mut Vec<u8>, number: u64) {
    push_bulk(bytes, itoa::Buffer::new().format(number).as_bytes());
}

/// Arguments that outlive their input buffer, in canonical form: a run of RESP bulk strings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnedArguments {
    bytes: Vec<u8>,
}

impl OwnedArguments {
    /// Copies `arguments`.
    #[must_use]
    pub fn new(arguments: &[&[u8]]) -> Self {
        let size = arguments.iter().map(|argument| argument.len() + 16).sum();
        let mut bytes = Vec::with_capacity(size);
        for argument in arguments {
            push_bulk(&mut bytes, argument);
        }
        Self { bytes }
    }

    /// The arguments.
    #[must_use]
    pub fn get(&self) -> Arguments<'_> {
        BulkStrings::new(&self.bytes).collect()
    }

    /// The canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Iterates over a run of bulk strings that this program wrote itself; stops at anything malformed.
#[derive(Clone, Debug)]
pub struct BulkStrings<'a> {
    rest: &'a [u8],
}

impl<'a> BulkStrings<'a> {
    /// Starts at the front of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for BulkStrings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&b'$', mut rest) = self.rest.split_first()? else {
            return None;
        };
        let mut length = 0usize;
        loop {
            let (&byte, tail) = rest.split_first()?;
            rest = tail;
            match byte {
                b'0'..=b'9' => length = length * 10 + usize::from(byte - b'0'),
                _ => break,
            }
        }
        let rest = rest.get(1..)?;
        let (argument, rest) = rest.split_at_checked(length)?;
        self.rest = rest.get(2..)?;
        Some(argument)
    }
}

/// Parses a whole argument as a signed decimal integer, strictly, as Redis does: no blanks, no plus
/// sign, no leading zeros.
#[must_use]
pub fn parse_integer(argument: &[u8]) -> Option<i64> {
    let digits = argument.strip_prefix(b"-").unwrap_or(argument);
    match digits {
        [b'0'] if digits.len() == argument.len() => return Some(0),
        [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {}
        _ => return None,
    }
    std::str::from_utf8(argument).ok()?.parse().ok()
}

/// Parses a whole argument as an unsigned decimal integer.
#[must_use]
pub fn parse_unsigned(argument: &[u8]) -> Option<u64> {
    if argument.is_empty() || !argument.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(argument).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_arguments_give_back_what_went_in() {
        let arguments: [&[u8]; 4] = [b"SET", b"", b"a\r\nb", &[b'x'; 300]];
        assert_eq!(OwnedArguments::new(&arguments).get().as_slice(), &arguments);
    }

    #[test]
    fn integers_are_strict() {
        assert_eq!(parse_integer(b"-9223372036854775808"), Some(i64::MIN));
        for wrong in [
            &b""[..],
            b"-",
            b"-0",
            b"01",
            b"+1",
            b" 1",
            b"1.0",
            b"9223372036854775808",
        ] {
            assert_eq!(parse_integer(wrong), None, "{}", wrong.escape_ascii());
        }
    }
}
