//! Bytes to frames: a resumable decoder for inline lines and RESP arrays of bulk strings.
//!
//! The decoder never copies an argument of a RESP array: it reports where in the input each one lies.
//! It remembers how far it got, so a frame that arrives byte by byte costs no more than one that
//! arrives at once, and it reserves memory only for what has arrived, never for what a header claims.

mod limits;

pub use limits::{DecodeError, FrameLimits};

use super::arguments::{Arguments, header_bytes};
use super::inline;

/// Where the arguments of the frame lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// In the input, as offsets from its start.
    Input,
    /// In the decoder's scratch buffer (an inline line, unquoted).
    Scratch,
}

/// A whole frame, where it was decoded.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    bytes: &'a [u8],
    spans: &'a [(u32, u32)],
    is_canonical: bool,
}

impl<'a> Frame<'a> {
    /// How many words it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether it has none: an empty line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// A word; empty if there are not so many.
    #[must_use]
    #[inline]
    pub fn word(&self, at: usize) -> &'a [u8] {
        match self.spans.get(at) {
            Some(&(start, end)) => &self.bytes[start as usize..end as usize],
            None => b"",
        }
    }

    /// All words.
    #[must_use]
    #[inline]
    pub fn words(&self) -> Arguments<'a> {
        let word = |&(start, end): &(u32, u32)| &self.bytes[start as usize..end as usize];
        self.spans.iter().map(word).collect()
    }

    /// Where the bytes of a word end, its line end included, counted from the start of the frame.
    #[must_use]
    #[inline]
    pub fn end_of(&self, at: usize) -> usize {
        self.spans.get(at).map_or(0, |&(_, end)| end as usize + 2)
    }

    /// The bytes of all words from number `first` on, which is not 0, if they are exactly what
    /// [`push_bulk`](super::arguments::push_bulk) makes of these words. They are not if the frame came as a line, or
    /// with zeros before a length.
    #[must_use]
    pub fn canonical(&self, first: usize) -> Option<&'a [u8]> {
        let start = self.end_of(first.checked_sub(1)?);
        let end = self.end_of(self.spans.len().checked_sub(1)?);
        self.bytes.get(start..end).filter(|_| self.is_canonical)
    }
}

/// Cuts one connection's input into frames. See the module's documentation.
#[derive(Debug)]
pub struct Decoder {
    limits: FrameLimits,
    /// Start and end of each argument found so far.
    spans: Vec<(u32, u32)>,
    scratch: Vec<u8>,
    source: Source,
    /// The frame is in the input, and no length has zeros before it.
    is_canonical: bool,
    /// How far the input has been understood.
    position: usize,
    /// Arguments of the array still to come; `None` between frames.
    missing: Option<usize>,
    /// How long the input has to be at least for the argument that has begun.
    wanted: usize,
}

/// Digits of the longest length that can stand in a header; more is an error, not "more to come".
const LENGTH_DIGITS: usize = 20;

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self {
            limits: limits.below_4_gib(),
            spans: Vec::new(),
            scratch: Vec::new(),
            source: Source::Input,
            is_canonical: true,
            position: 0,
            missing: None,
            wanted: 0,
        }
    }

    /// Sets other limits, for the frames that follow.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits.below_4_gib();
    }

    /// Looks for a whole frame at the start of `input`.
    ///
    /// `Ok(Some(n))`: the first `n` bytes are a frame, whose arguments [`Decoder::arguments`] gives;
    /// drop these bytes before the next call. The frame has no arguments if it is an empty line.
    /// `Ok(None)`: more bytes are needed; call again with the same bytes and more behind them.
    ///
    /// # Errors
    /// A [`DecodeError`] if no continuation of `input` could be a frame within the limits.
    #[inline]
    pub fn decode(&mut self, input: &[u8]) -> Result<Option<usize>, DecodeError> {
        if self.missing.is_none() {
            match input.first() {
                None => return Ok(None),
                Some(b'*') => {
                    let header = match input {
                        [_, ones @ b'0'..=b'9', b'\r', b'\n', ..] => {
                            Some((i64::from(ones - b'0'), 4))
                        }
                        _ => parse_length(input, 1, DecodeError::InvalidMultibulkLength)?,
                    };
                    let Some((count, next)) = header else {
                        return Ok(None);
                    };
                    self.start(Source::Input);
                    if usize::try_from(count).is_ok_and(|count| count > self.limits.arguments) {
                        return Err(DecodeError::InvalidMultibulkLength);
                    }
                    self.missing = Some(usize::try_from(count).unwrap_or(0));
                    self.position = next;
                }
                Some(_) => return self.decode_inline(input),
            }
        }
        self.decode_elements(input)
    }

    /// The frame just decoded; `input` as given to [`Decoder::decode`].
    #[must_use]
    #[inline]
    pub fn frame<'a>(&'a self, input: &'a [u8]) -> Frame<'a> {
        let bytes = match self.source {
            Source::Input => input,
            Source::Scratch => self.scratch.as_slice(),
        };
        Frame {
            bytes,
            spans: &self.spans,
            is_canonical: self.is_canonical,
        }
    }

    /// The arguments of the frame just decoded; `input` as given to [`Decoder::decode`].
    #[must_use]
    #[inline]
    pub fn arguments<'a>(&'a self, input: &'a [u8]) -> Arguments<'a> {
        self.frame(input).words()
    }

    /// After `Ok(None)`: how long the input has to be at the least before the next argument is whole; 0 if that is not
    /// known yet.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// After `Ok(None)`: bytes of the argument that is not whole yet, with its header; 0 if that is not known yet.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.wanted.saturating_sub(self.position)
    }

    /// Bytes that its tables take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.spans.capacity() * size_of::<(u32, u32)>() + self.scratch.capacity()
    }

    /// Gives its tables back, unless a frame has begun that needs them.
    pub fn shrink(&mut self) {
        if self.missing.is_none() {
            self.spans = Vec::new();
            self.scratch = Vec::new();
        }
    }

    /// Forgets a frame that was begun.
    pub fn reset(&mut self) {
        self.start(Source::Input);
        self.missing = None;
    }

    fn start(&mut self, source: Source) {
        self.spans.clear();
        self.source = source;
        self.is_canonical = source == Source::Input;
        self.position = 0;
        self.wanted = 0;
    }

    fn decode_elements(&mut self, input: &[u8]) -> Result<Option<usize>, DecodeError> {
        let mut missing = self.missing.unwrap_or(0);
        let mut position = self.position;
        let limit = self.limits.frame_bytes;
        while missing > 0 {
            let (length, start) = match short_header(input.get(position..).unwrap_or_default()) {
                Some((length, header)) => (length, position + header),
                None => match element_header(input, position)? {
                    Some((length, start)) => {
                        self.is_canonical &= start - position == header_bytes(length);
                        (length, start)
                    }
                    None => break,
                },
            };
            let end = start.checked_add(length).filter(|end| *end <= limit);
            let end = end.ok_or(DecodeError::FrameTooLarge { limit })?;
            match input.get(end..end + 2) {
                Some(b"\r\n") => {}
                Some(_) => return Err(DecodeError::MissingTerminator),
                None if input.get(end).is_some_and(|&byte| byte != b'\r') => {
                    return Err(DecodeError::MissingTerminator);
                }
                None => {
                    self.wanted = end + 2;
                    break;
                }
            }
            // The limit is below 4 GiB.
            self.spans.push((start as u32, end as u32));
            position = end + 2;
            missing -= 1;
        }
        if missing > 0 {
            self.position = position;
            self.missing = Some(missing);
            return Ok(None);
        }
        self.position = 0;
        self.missing = None;
        self.wanted = 0;
        Ok(Some(position))
    }

    fn decode_inline(&mut self, input: &[u8]) -> Result<Option<usize>, DecodeError> {
        let limit = self.limits.inline_bytes;
        let from = self.position.min(input.len());
        let Some(length) = memchr::memchr(b'\n', &input[from..]).map(|found| from + found) else {
            if input.len() > limit {
                return Err(DecodeError::InlineTooLong { limit });
            }
            self.position = input.len();
            return Ok(None);
        };
        if length > limit {
            return Err(DecodeError::InlineTooLong { limit });
        }
        self.start(Source::Scratch);
        self.scratch.clear();
        let line = input[..length]
            .strip_suffix(b"\r")
            .unwrap_or(&input[..length]);
        inline::split(line, &mut self.scratch, &mut self.spans)
            .map_err(|_| DecodeError::UnbalancedQuotes)?;
        self.position = 0;
        Ok(Some(length + 1))
    }
}

/// The length that the header at the front of `bytes` says, and the header's own, if it is one of most: with one digit or
/// two, and no zero before another digit.
#[inline]
fn short_header(bytes: &[u8]) -> Option<(usize, usize)> {
    const DIGIT: u32 = 0xff;
    const ONE_DIGIT: u32 = u32::from_le_bytes(*b"$\0\r\n");
    const TWO_DIGITS: u32 = u32::from_le_bytes(*b"$\0\0\r");
    let header = u32::from_le_bytes(*bytes.first_chunk()?);
    let first = (header >> 8 & DIGIT).wrapping_sub(b'0'.into());
    if header & !(DIGIT << 8) == ONE_DIGIT {
        return (first <= 9).then_some((first as usize, 4));
    }
    let second = (header >> 16 & DIGIT).wrapping_sub(b'0'.into());
    let is_short = header & !(DIGIT << 8 | DIGIT << 16) == TWO_DIGITS
        && first.wrapping_sub(1) < 9
        && second <= 9
        && bytes.get(4) == Some(&b'\n');
    is_short.then(|| ((first * 10 + second) as usize, 5))
}

/// The length of the bulk string at the front of `bytes`, and its header's, if the header is there.
#[inline]
pub(super) fn bulk_header(bytes: &[u8]) -> Option<(usize, usize)> {
    short_header(bytes).or_else(|| element_header(bytes, 0).ok().flatten())
}

/// The length of the bulk string at `from`, and where its bytes begin. `Ok(None)` if its header has not ended yet.
fn element_header(input: &[u8], from: usize) -> Result<Option<(usize, usize)>, DecodeError> {
    match input.get(from) {
        None => return Ok(None),
        Some(b'$') => {}
        Some(&other) => return Err(DecodeError::ExpectedDollar(other)),
    }
    let Some((length, start)) = parse_length(input, from + 1, DecodeError::InvalidBulkLength)?
    else {
        return Ok(None);
    };
    match usize::try_from(length) {
        Ok(length) => Ok(Some((length, start))),
        Err(_) => Err(DecodeError::InvalidBulkLength),
    }
}

/// Parses a decimal number and CRLF at `from`. `Ok(None)` if the line has not ended yet.
fn parse_length(
    input: &[u8],
    from: usize,
    error: DecodeError,
) -> Result<Option<(i64, usize)>, DecodeError> {
    let mut position = from;
    let negative = input.get(position) == Some(&b'-');
    if negative {
        position += 1;
    }
    let digits_start = position;
    let mut value: i64 = 0;
    loop {
        if position - from > LENGTH_DIGITS {
            return Err(error);
        }
        match input.get(position) {
            None => return Ok(None),
            Some(digit @ b'0'..=b'9') => {
                let more = value
                    .checked_mul(10)
                    .and_then(|value| value.checked_add(i64::from(digit - b'0')));
                match more {
                    Some(more) => value = more,
                    None => return Err(error),
                }
            }
            Some(b'\r') if position > digits_start => match input.get(position + 1) {
                None => return Ok(None),
                Some(b'\n') => {
                    let value = if negative { -value } else { value };
                    return Ok(Some((value, position + 2)));
                }
                Some(_) => return Err(error),
            },
            Some(_) => return Err(error),
        }
        position += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_all(input: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, DecodeError> {
        let mut decoder = Decoder::new(FrameLimits::default());
        let mut rest = input;
        let mut frames = Vec::new();
        while let Some(length) = decoder.decode(rest)? {
            frames.push(decoder.arguments(rest).iter().map(|a| a.to_vec()).collect());
            rest = &rest[length..];
        }
        Ok(frames)
    }

    #[test]
    fn lines_and_arrays_mix() {
        let frames =
            decode_all(b"SET a \"b c\"\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\n\n").unwrap();
        let expected: Vec<Vec<&[u8]>> = vec![
            vec![b"SET", b"a", b"b c"],
            vec![b"GET", b"a"],
            vec![b"PING"],
            vec![],
        ];
        assert_eq!(frames, expected);
    }

    #[test]
    fn every_split_gives_the_same_frames() {
        let input =
            b"SET a \"b c\"\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n\r\n\r\n*0\r\nPING\r\n";
        let whole = decode_all(input).unwrap();
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let mut decoder = Decoder::new(FrameLimits::default());
                let mut buffer = Vec::new();
                let mut frames: Vec<Vec<Vec<u8>>> = Vec::new();
                for piece in [&input[..first], &input[first..second], &input[second..]] {
                    buffer.extend_from_slice(piece);
                    while let Some(length) = decoder.decode(&buffer).unwrap() {
                        frames.push(
                            decoder
                                .arguments(&buffer)
                                .iter()
                                .map(|a| a.to_vec())
                                .collect(),
                        );
                        buffer.drain(..length);
                    }
                }
                assert_eq!(frames, whole, "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn malformed_headers_are_named() {
        for (input, error) in [
            (&b"*x\r\n"[..], DecodeError::InvalidMultibulkLength),
            (b"*1048577\r\n", DecodeError::InvalidMultibulkLength),
            (
                b"*99999999999999999999999\r\n",
                DecodeError::InvalidMultibulkLength,
            ),
            (b"*1\r\n:1\r\n", DecodeError::ExpectedDollar(b':')),
            (b"*1\r\n$-1\r\n", DecodeError::InvalidBulkLength),
            (b"*1\r\n$x\r\n", DecodeError::InvalidBulkLength),
            (b"*1\r\n$1\r\nabc", DecodeError::MissingTerminator),
            (b"SET a \"b\r\n", DecodeError::UnbalancedQuotes),
        ] {
            assert_eq!(decode_all(input), Err(error), "{}", input.escape_ascii());
        }
        let huge = b"*1\r\n$9223372036854775807\r\n";
        assert!(matches!(
            decode_all(huge),
            Err(DecodeError::FrameTooLarge { .. })
        ));
        let line = vec![b'a'; FrameLimits::INLINE_BYTES + 1];
        assert!(matches!(
            decode_all(&line),
            Err(DecodeError::InlineTooLong { .. })
        ));
    }

    #[test]
    fn a_large_header_reserves_nothing() {
        let mut decoder = Decoder::new(FrameLimits::default());
        assert_eq!(decoder.decode(b"*1048576\r\n$60000000\r\n"), Ok(None));
        assert_eq!(decoder.wanted(), 10 + 11 + 60_000_000 + 2);
        assert!(decoder.spans.capacity() < 64 && decoder.scratch.capacity() == 0);
    }
}
