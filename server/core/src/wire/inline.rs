//! The inline grammar: how a line is split into arguments, and how arguments are written as a line.
//!
//! The rules are those of redis-cli. Arguments are separated by blanks. In double quotes `\n \r \t \b
//! \a \\ \"` and `\xHH` are escapes; in single quotes only `\'` is. A closing quote must be followed by
//! a blank or the end of the line.

/// A line whose quotes do not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbalancedQuotes;

/// Splits `line` (without its line end), appending the arguments' bytes to `bytes` and the start and
/// end of each one there to `spans`.
///
/// # Errors
/// [`UnbalancedQuotes`] if a quote is not closed or something follows a closing one directly.
pub fn split(
    line: &[u8],
    bytes: &mut Vec<u8>,
    spans: &mut Vec<(u32, u32)>,
) -> Result<(), UnbalancedQuotes> {
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let start = bytes.len();
        rest = take_argument(rest, bytes)?;
        let position = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        spans.push((position(start), position(bytes.len())));
        rest = rest.trim_ascii_start();
    }
    Ok(())
}

/// Splits `line` into owned arguments.
///
/// # Errors
/// As [`split`].
pub fn split_owned(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let (mut bytes, mut spans) = (Vec::new(), Vec::new());
    split(line, &mut bytes, &mut spans)?;
    Ok(spans
        .iter()
        .map(|&(start, end)| bytes[start as usize..end as usize].to_vec())
        .collect())
}

/// Takes one argument off the front of `rest`, appends its bytes to `bytes`, returns what follows.
fn take_argument<'a>(rest: &'a [u8], bytes: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'"' | b'\'' => {
                let after = take_quoted(&rest[at + 1..], byte, bytes)?;
                return match after.first() {
                    Some(next) if !next.is_ascii_whitespace() => Err(UnbalancedQuotes),
                    _ => Ok(after),
                };
            }
            _ if byte.is_ascii_whitespace() => break,
            _ => bytes.push(byte),
        }
        at += 1;
    }
    Ok(&rest[at..])
}

/// Takes the inside of a quoted part and its closing quote off the front of `rest`.
fn take_quoted<'a>(
    rest: &'a [u8],
    quote: u8,
    bytes: &mut Vec<u8>,
) -> Result<&'a [u8], UnbalancedQuotes> {
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        at += 1;
        if byte == quote {
            return Ok(&rest[at..]);
        }
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        if quote == b'\'' {
            if rest.get(at) == Some(&b'\'') {
                bytes.push(b'\'');
                at += 1;
            } else {
                bytes.push(b'\\');
            }
            continue;
        }
        let (escaped, length) = unescape(&rest[at..]).ok_or(UnbalancedQuotes)?;
        bytes.push(escaped);
        at += length;
    }
    Err(UnbalancedQuotes)
}

/// The byte an escape stands for (`rest` begins behind the backslash) and how many bytes it takes.
fn unescape(rest: &[u8]) -> Option<(u8, usize)> {
    if let [b'x', high, low, ..] = rest {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        if let (Some(high), Some(low)) = (digit(*high), digit(*low)) {
            return u8::try_from(high * 16 + low).ok().map(|byte| (byte, 3));
        }
    }
    Some(match rest.first()? {
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'b' => (8, 1),
        b'a' => (7, 1),
        &other => (other, 1),
    })
}

/// Appends `argument` as the inline grammar reads it: bare where possible, else in double quotes. A
/// lone semicolon is quoted too, so that ` ; ` can separate commands.
pub fn quote_into(argument: &[u8], line: &mut String) {
    let bare = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !argument.is_empty() && argument != b";" && argument.iter().all(bare) {
        line.extend(argument.iter().map(|&byte| char::from(byte)));
        return;
    }
    escape_into(argument, line);
}

/// Appends `argument` in double quotes, escaped as redis-cli prints strings.
pub fn escape_into(argument: &[u8], line: &mut String) {
    use std::fmt::Write;
    line.push('"');
    for &byte in argument {
        match byte {
            b'"' | b'\\' => line.extend(['\\', char::from(byte)]),
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            7 => line.push_str("\\a"),
            8 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(byte)),
            _ => {
                let _infallible = write!(line, "\\x{byte:02x}");
            }
        }
    }
    line.push('"');
}

/// The arguments as one line of the inline grammar.
#[must_use]
pub fn quote_all<'a>(arguments: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut line = String::new();
    for argument in arguments {
        if !line.is_empty() {
            line.push(' ');
        }
        quote_into(argument, &mut line);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_and_escapes() {
        let split = |line: &str| split_owned(line.as_bytes());
        let words = |words: &[&[u8]]| Ok(words.iter().map(|w| w.to_vec()).collect::<Vec<_>>());
        assert_eq!(
            split(r#"SET k "a\x00\n\"b""#),
            words(&[b"SET", b"k", b"a\0\n\"b"])
        );
        assert_eq!(
            split(r"SET k 'it\'s \n'"),
            words(&[b"SET", b"k", b"it's \\n"])
        );
        assert_eq!(split(r#"  a   ""  "#), words(&[b"a", b""]));
        assert_eq!(split(r#"a "b"c"#), Err(UnbalancedQuotes));
        assert_eq!(split(r#"a "b"#), Err(UnbalancedQuotes));
        assert_eq!(split("a 'b"), Err(UnbalancedQuotes));
        assert_eq!(split("a \"b\\"), Err(UnbalancedQuotes));
    }

    proptest! {
        #[test]
        fn what_is_quoted_splits_back(arguments: Vec<Vec<u8>>) {
            let line = quote_all(arguments.iter().map(Vec::as_slice));
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(split_owned(line.as_bytes()), Ok(arguments));
        }
    }
}
