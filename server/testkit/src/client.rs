//! A client's end of a connection.

use crate::network::{End, Network};
use holdback::driver::Read;
use holdback::wire::value::{Value, parse};

/// What a client has to send, and what it has read.
#[derive(Debug)]
pub struct ClientEnd {
    /// Where it is.
    pub end: End,
    /// Bytes that were read and not taken.
    pub input: Vec<u8>,
    output: Vec<u8>,
    finishes: bool,
}

impl ClientEnd {
    /// The end that dialled.
    #[must_use]
    pub fn new(wire: usize) -> Self {
        Self {
            end: End::dialler(wire),
            input: Vec::new(),
            output: Vec::new(),
            finishes: false,
        }
    }

    /// Sends bytes as soon as there is room.
    pub fn send(&mut self, bytes: &[u8], network: &mut Network) {
        let mut rest = bytes;
        if self.output.is_empty() {
            // The news of a break is read, too, and counts there.
            let count = network.write(self.end, bytes).unwrap_or(bytes.len());
            rest = &bytes[count..];
        }
        if !rest.is_empty() {
            self.output.extend_from_slice(rest);
            network.want_room(self.end, true);
        }
    }

    /// Takes a whole reply off what was read; `None` if it has not all arrived.
    ///
    /// # Panics
    /// If the bytes are no reply: a replica must never send such.
    pub fn take_reply(&mut self) -> Option<Value> {
        let (value, length) = parse(&self.input).expect("a reply")?;
        self.input.drain(..length);
        Some(value)
    }

    /// Sends no more than what it has to send so far.
    pub fn finish(&mut self, network: &mut Network) {
        self.finishes = true;
        self.flush(network);
    }

    /// Sends what there is room for.
    pub fn flush(&mut self, network: &mut Network) {
        let output = std::mem::take(&mut self.output);
        network.want_room(self.end, false);
        self.send(&output, network);
        if self.finishes && self.output.is_empty() {
            network.end(self.end);
        }
    }

    /// Reads all that is there; what ended the connection, if that was met.
    pub fn read(&mut self, network: &mut Network) -> Option<Ended> {
        loop {
            match network.read(self.end, usize::MAX) {
                Ok(Read::Bytes([])) => return None,
                Ok(Read::Bytes(bytes)) => self.input.extend_from_slice(bytes),
                Ok(Read::End) => return Some(Ended::InOrder),
                Err(_) => return Some(Ended::Broken),
            }
        }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The other side sends no more.
    InOrder,
    /// It broke.
    Broken,
}

/// A reply as tests compare it: `+OK`, `-ERR text`, `:1`, the bare text of a bulk string, `nil`, or `[a b]`.
#[must_use]
pub fn show(reply: &Value) -> String {
    match reply {
        Value::Simple(text) => format!("+{text}"),
        Value::Error(text) => format!("-{text}"),
        Value::Integer(number) => format!(":{number}"),
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Null => "nil".to_owned(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(show).collect();
            format!("[{}]", values.join(" "))
        }
        Value::Map(_) | Value::Boolean(_) | Value::Double(_) => format!("{reply:?}"),
    }
}
