//! Replies to clients, encoded as RESP2, or RESP3 after `HELLO 3`.

use super::arguments::{push_bulk, push_decimal};
use super::error::{ErrorCode, ErrorReply};

/// The version of RESP that a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resp {
    /// The default.
    #[default]
    Two,
    /// After `HELLO 3`.
    Three,
}

/// Encodes one reply straight into a connection's output buffer, or nowhere.
///
/// An aggregate is written as its header ([`ReplyWriter::array`]) and then its elements.
#[derive(Debug)]
pub struct ReplyWriter<'a> {
    buffer: Option<&'a mut Vec<u8>>,
    resp: Resp,
    /// How long the buffer may be where another read's reply begins.
    end: usize,
}

impl<'a> ReplyWriter<'a> {
    /// Writes to `buffer`.
    pub fn new(buffer: &'a mut Vec<u8>, resp: Resp) -> Self {
        Self {
            buffer: Some(buffer),
            resp,
            end: usize::MAX,
        }
    }

    /// Has no room for the replies of further reads after so many bytes.
    #[must_use]
    pub fn within(mut self, bytes: usize) -> Self {
        let begun = self.buffer.as_ref().map_or(0, |buffer| buffer.len());
        self.end = begun.saturating_add(bytes);
        self
    }

    /// Whether a read may be answered.
    ///
    /// # Errors
    /// `OVERLOADED`, if it would be too much for its client.
    pub fn check_room(&self) -> Result<(), ErrorReply> {
        match &self.buffer {
            Some(buffer) if buffer.len() >= self.end => Err(ErrorReply::new(
                ErrorCode::Overloaded,
                "read: too many bytes of replies that are not read yet",
            )),
            _ => Ok(()),
        }
    }

    /// Throws replies away: for the replicas that apply an entry and have no client to answer.
    #[must_use]
    pub fn discard() -> Self {
        Self {
            buffer: None,
            resp: Resp::Two,
            end: usize::MAX,
        }
    }

    /// `+OK`
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// A simple string. Line ends in it become blanks.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text);
    }

    /// An error reply.
    pub fn error(&mut self, error: &ErrorReply) {
        if self.buffer.is_some() {
            self.line(b'-', &error.to_string());
        }
    }

    /// An integer.
    pub fn integer(&mut self, number: i64) {
        if let Some(buffer) = &mut self.buffer {
            buffer.push(b':');
            buffer.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            buffer.extend_from_slice(b"\r\n");
        }
    }

    /// A count or a length.
    pub fn count(&mut self, number: usize) {
        self.integer(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// A position: like [`ReplyWriter::integer`].
    pub fn position(&mut self, position: u64) {
        self.integer(i64::try_from(position).unwrap_or(i64::MAX));
    }

    /// A bulk string.
    pub fn bulk(&mut self, bytes: &[u8]) {
        if let Some(buffer) = &mut self.buffer {
            push_bulk(buffer, bytes);
        }
    }

    /// A bulk string, or null.
    pub fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// The value that a write has taken the place of. If that would be too much for its client, it is told so: what is
    /// in the order is executed, whatever there is to be said of it.
    pub fn old_value(&mut self, bytes: Option<&[u8]>) {
        if bytes.is_some() && self.check_room().is_err() {
            let text = "it was executed; its reply is left out, as too many bytes of replies are not read yet";
            return self.error(&ErrorReply::new(ErrorCode::Uncertain, text));
        }
        self.bulk_or_null(bytes);
    }

    /// The null of a single value.
    pub fn null(&mut self) {
        match self.resp {
            Resp::Two => self.raw(b"$-1\r\n"),
            Resp::Three => self.raw(b"_\r\n"),
        }
    }

    /// The null in place of an array (an EXEC that a WATCH aborted).
    pub fn null_array(&mut self) {
        match self.resp {
            Resp::Two => self.raw(b"*-1\r\n"),
            Resp::Three => self.raw(b"_\r\n"),
        }
    }

    /// The header of an array; `length` elements must follow.
    pub fn array(&mut self, length: usize) {
        self.header(b'*', length);
    }

    /// The header of a map; `length` pairs must follow. An array of twice the length in RESP2.
    pub fn map(&mut self, length: usize) {
        match self.resp {
            Resp::Two => self.header(b'*', length * 2),
            Resp::Three => self.header(b'%', length),
        }
    }

    /// A yes or no: a RESP3 boolean, or 1 and 0.
    pub fn boolean(&mut self, value: bool) {
        match self.resp {
            Resp::Two => self.integer(value.into()),
            Resp::Three => self.raw(if value { b"#t\r\n" } else { b"#f\r\n" }),
        }
    }

    /// A number with a fraction: a RESP3 double, or a bulk string.
    pub fn double(&mut self, number: f64) {
        match self.resp {
            Resp::Two => self.text(&number.to_string()),
            Resp::Three => self.line(b',', &number.to_string()),
        }
    }

    /// The header of a set: a RESP3 set, or an array.
    pub fn set(&mut self, length: usize) {
        match self.resp {
            Resp::Two => self.header(b'*', length),
            Resp::Three => self.header(b'~', length),
        }
    }

    /// The version of RESP it writes.
    #[must_use]
    pub fn resp(&self) -> Resp {
        self.resp
    }

    /// Text of several lines, as a bulk string.
    pub fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// Text of several lines, for people: a RESP3 verbatim string, or a bulk string.
    pub fn verbatim(&mut self, text: &str) {
        match self.resp {
            Resp::Two => self.text(text),
            Resp::Three => {
                self.header(b'=', text.len() + 4);
                self.raw(b"txt:");
                self.raw(text.as_bytes());
                self.raw(b"\r\n");
            }
        }
    }

    fn header(&mut self, mark: u8, length: usize) {
        if let Some(buffer) = &mut self.buffer {
            buffer.push(mark);
            push_decimal(buffer, length as u64);
            buffer.extend_from_slice(b"\r\n");
        }
    }

    fn line(&mut self, mark: u8, text: &str) {
        if let Some(buffer) = &mut self.buffer {
            buffer.push(mark);
            let no_line_ends = |byte| {
                if matches!(byte, b'\r' | b'\n') {
                    b' '
                } else {
                    byte
                }
            };
            buffer.extend(text.bytes().map(no_line_ends));
            buffer.extend_from_slice(b"\r\n");
        }
    }

    fn raw(&mut self, bytes: &[u8]) {
        if let Some(buffer) = &mut self.buffer {
            buffer.extend_from_slice(bytes);
        }
    }
}
