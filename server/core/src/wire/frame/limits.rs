//! What a frame may contain, and what is said against one that is none.

use std::fmt;

/// What a frame may contain at the most. A frame that goes beyond is a [`DecodeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Arguments of one frame.
    pub arguments: usize,
    /// Bytes of one frame, headers included.
    pub frame_bytes: usize,
    /// Bytes of one inline line.
    pub inline_bytes: usize,
}

impl FrameLimits {
    /// The largest number of arguments a client may send in one frame.
    pub const CLIENT_ARGUMENTS: usize = 1_048_576;
    /// The longest inline line in bytes.
    pub const INLINE_BYTES: usize = 64 * 1024;
}

impl FrameLimits {
    /// What a client may send if an entry may have so many bytes.
    #[must_use]
    pub fn client(entry_bytes: usize) -> Self {
        Self {
            frame_bytes: entry_bytes + FRAME_EXTRA,
            ..Self::default()
        }
    }

    /// What a peer may send: a frame with the largest entry behind a batch of smaller ones. Words are limited
    /// by the bytes alone, since a transaction has more of them than any one command.
    #[must_use]
    pub fn peer(entry_bytes: usize) -> Self {
        Self {
            frame_bytes: entry_bytes + 2 * FRAME_EXTRA,
            arguments: usize::MAX,
            ..Self::default()
        }
    }
}

impl FrameLimits {
    /// These limits, or lower ones, so that places in a frame fit into 32 bits.
    pub(super) fn below_4_gib(self) -> Self {
        const PLACE_MAX: usize = u32::MAX as usize - 2;
        Self {
            frame_bytes: self.frame_bytes.min(PLACE_MAX),
            ..self
        }
    }

    /// For what is in memory already.
    pub(crate) fn none() -> Self {
        Self {
            arguments: usize::MAX,
            frame_bytes: usize::MAX,
            inline_bytes: usize::MAX,
        }
    }
}

/// What a frame may have beside an entry.
const FRAME_EXTRA: usize = 1 << 20;

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            arguments: Self::CLIENT_ARGUMENTS,
            frame_bytes: 64 << 20,
            inline_bytes: Self::INLINE_BYTES,
        }
    }
}

/// Why the bytes of a connection are not a frame. The connection cannot be read any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A line without an end, longer than the limit.
    InlineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A line whose quotes do not match.
    UnbalancedQuotes,
    /// `*` was not followed by a decimal number and CRLF, or the number is above the limit.
    InvalidMultibulkLength,
    /// `$` was not followed by a decimal number and CRLF, or the number is above the limit.
    InvalidBulkLength,
    /// An element of an array is not a bulk string; holds the byte found in place of `$`.
    ExpectedDollar(u8),
    /// A bulk string is not followed by CRLF.
    MissingTerminator,
    /// The whole frame is larger than the limit.
    FrameTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InlineTooLong { limit } => {
                write!(
                    f,
                    "Protocol error: too big inline request (limit {limit} bytes)"
                )
            }
            Self::UnbalancedQuotes => write!(f, "Protocol error: unbalanced quotes in request"),
            Self::InvalidMultibulkLength => write!(f, "Protocol error: invalid multibulk length"),
            Self::InvalidBulkLength => write!(f, "Protocol error: invalid bulk length"),
            Self::ExpectedDollar(found) => {
                write!(
                    f,
                    "Protocol error: expected '$', got '{}'",
                    found.escape_ascii()
                )
            }
            Self::MissingTerminator => write!(f, "Protocol error: bulk string without CRLF"),
            Self::FrameTooLarge { limit } => {
                write!(f, "Protocol error: request larger than {limit} bytes")
            }
        }
    }
}

impl std::error::Error for DecodeError {}
