//! Listening in on the connections between replicas: bytes back to frames, as they are sent.

use super::record::LinkEnd;
use super::violation::{Check, Violation};
use holdback::message::Message;
use holdback::wire::frame::{Decoder, FrameLimits};
use std::collections::VecDeque;

/// One direction of a connection between replicas.
#[derive(Debug)]
pub(super) struct Tap {
    decoder: Decoder,
    bytes: Vec<u8>,
    /// Frames sent and not handed in yet.
    pub(super) frames: VecDeque<Message>,
    /// The sender's end.
    pub(super) end: LinkEnd,
    /// The sender's incarnation.
    pub(super) incarnation: u64,
}

impl Tap {
    pub(super) fn new() -> Self {
        Self {
            decoder: Decoder::new(FrameLimits::default()),
            bytes: Vec::new(),
            frames: VecDeque::new(),
            end: LinkEnd::default(),
            incarnation: 0,
        }
    }

    /// Takes bytes that are being sent; `each` is told of every frame that they complete,
    /// and how many bytes it has.
    pub(super) fn listen(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&mut LinkEnd, &Message, usize) -> Check,
    ) -> Check {
        self.bytes.extend_from_slice(bytes);
        let mut taken = 0;
        loop {
            let rest = &self.bytes[taken..];
            let broken = |why: String| Violation::new("replicas send well-formed frames", why);
            let length = match self.decoder.decode(rest) {
                Ok(Some(length)) => length,
                Ok(None) => break,
                Err(error) => return Err(broken(error.to_string())),
            };
            let message = Message::parse(self.decoder.frame(rest)).map_err(broken)?;
            taken += length;
            each(&mut self.end, &message, length)?;
            self.frames.push_back(message);
        }
        self.bytes.drain(..taken);
        Ok(())
    }
}
