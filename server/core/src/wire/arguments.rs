//! Lists of arguments, borrowed from an input buffer or kept in one allocation.

use smallvec::SmallVec;

/// A frame's arguments, borrowed from where they were decoded.
pub type Arguments<'a> = SmallVec<[&'a [u8]; 8]>;

/// Appends `argument` as a RESP bulk string: `$length CRLF bytes CRLF`.
#[inline]
pub fn push_bulk(bytes: &mut Vec<u8>, argument: &[u8]) {
    // Room for the longest header too, so that the buffer is looked at once.
    bytes.reserve(argument.len() + HEADER_BYTES);
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
    bytes.extend_from_slice(argument);
    bytes.extend_from_slice(b"\r\n");
}

/// Bytes of the header that [`push_bulk`] writes for so many bytes: a dollar sign, the digits, the line end.
#[must_use]
pub fn header_bytes(length: usize) -> usize {
    4 + length.checked_ilog10().unwrap_or(0) as usize
}

/// The most that a bulk string has beside its bytes: a dollar sign, twenty digits, two line ends.
const HEADER_BYTES: usize = 25;

/// Appends a number in decimal.
#[inline]
pub fn push_decimal(bytes: &mut Vec<u8>, number: u64) {
    if number < 10 {
        return bytes.push(b'0' + number as u8);
    }
    bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a number in decimal as a RESP bulk string.
#[inline]
pub fn push_bulk_decimal(bytes: &mut Vec<u8>, number: u64) {
    if number < 10 {
        return bytes.extend_from_slice(&[
            b'$',
            b'1',
            b'\r',
            b'\n',
            b'0' + number as u8,
            b'\r',
            b'\n',
        ]);
    }
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

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        // Most lengths have one digit or two.
        let (length, start) = match self.rest {
            [b'$', ones, b'\r', ..] => (usize::from(ones.wrapping_sub(b'0')), 4),
            [b'$', tens, ones, b'\r', ..] => {
                let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
                (usize::from(tens) * 10 + usize::from(ones), 5)
            }
            bytes => long_header(bytes)?,
        };
        let end = start.checked_add(length)?;
        let argument = self.rest.get(start..end)?;
        self.rest = self.rest.get(end..)?.get(2..)?;
        Some(argument)
    }
}

/// The length that any header says, and where the bytes behind it begin.
#[cold]
fn long_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let digits = bytes.strip_prefix(b"$")?;
    let end = memchr::memchr(b'\r', digits)?;
    let length = parse_unsigned(&digits[..end])?;
    Some((usize::try_from(length).ok()?, end + 3))
}

/// Parses a whole argument as a signed decimal integer, strictly, as Redis does: no blanks, no plus
/// sign, no leading zeros.
#[must_use]
pub fn parse_integer(argument: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match argument {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !is_negative => return Some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    let magnitude = parse_unsigned(digits)?;
    if is_negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Parses a whole argument as an unsigned decimal integer.
#[must_use]
#[inline]
pub fn parse_unsigned(argument: &[u8]) -> Option<u64> {
    /// So many digits cannot overflow.
    const SAFE_DIGITS: usize = 19;
    if argument.is_empty() {
        return None;
    }
    let (safe, rest) = argument.split_at(argument.len().min(SAFE_DIGITS));
    let mut number = 0u64;
    for byte in safe {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(number)
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
        assert_eq!(parse_integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_integer(b"-7"), Some(-7));
        assert_eq!(parse_integer(b"0"), Some(0));
        assert_eq!(parse_integer(b"-9223372036854775809"), None);
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

    #[test]
    fn unsigned_numbers_fit_or_are_none() {
        for (text, number) in [
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("99999999999999999999", None),
            ("000000000000000000000000007", Some(7)),
            ("0", Some(0)),
            ("", None),
            ("-1", None),
            ("1x", None),
            ("1844674407370955161x", None),
        ] {
            assert_eq!(parse_unsigned(text.as_bytes()), number, "{text}");
        }
    }
}
