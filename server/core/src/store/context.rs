//! What executing a command depends on beside the data.

use super::Limits;
use crate::turn::Now;
use crate::wire::error::ErrorReply;

/// One command, about to be executed.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The command and its arguments; as many as its row in the table says.
    pub words: &'a [&'a [u8]],
    /// The position of the entry that it is part of, if it writes.
    pub position: u64,
    /// What may be stored.
    pub limits: &'a Limits,
    /// A random number.
    pub random: u64,
    /// The time, for commands that tell it.
    pub now: Now,
}

/// The reply was written, or this error is the reply. An error changes nothing.
pub type Answer = Result<(), ErrorReply>;
