//! How the program ends.

/// What came of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A reply.
    Fine,
    /// An error reply.
    Refused,
    /// No reply: the replica is not to be reached, or was lost.
    Unreachable,
    /// Ctrl-C came first.
    Interrupted,
    /// The line is wrong.
    Malformed,
}

impl Verdict {
    /// The exit code of a mode.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Refused => 1,
            Self::Malformed => 64,
            Self::Unreachable => 69,
            Self::Interrupted => 130,
        }
    }

    /// The exit code of commands, where an error reply only counts if `strict` (`-e`).
    pub(crate) fn code_if(self, strict: bool) -> u8 {
        if self == Self::Refused && !strict {
            0
        } else {
            self.code()
        }
    }
}

/// The exit code of a program that a signal ended, as shells give it.
pub(crate) fn signal_code(number: i32) -> i32 {
    128 + number
}
