//! What executing a command depends on beside its words and the data.

use super::Limits;
use crate::turn::Now;
use crate::wire::error::ErrorReply;

/// How commands are executed, reads and writes alike.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The position of the entry that it is part of, if it writes.
    pub position: u64,
    /// What may be stored.
    pub limits: &'a Limits,
    /// Bytes of a reply with many values.
    pub reply_bytes: usize,
    /// The step of a random number.
    pub random: u64,
    /// The time, for commands that tell it.
    pub now: Now,
}

/// The reply was written, or this error is the reply. An error changes nothing.
pub type Answer = Result<(), ErrorReply>;
