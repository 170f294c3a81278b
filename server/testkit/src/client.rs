//! A client's end of a connection.

use crate::network::{End, Network};
use holdback::driver::Read;

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
