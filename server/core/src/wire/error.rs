//! Error replies: stable codes, each definite or indefinite.
//!
//! *Definite*: the operation certainly did not happen. *Indefinite*: it may or may not have happened,
//! or may still happen. A client (and a consistency checker) may rely on it.

use std::borrow::Cow;
use std::fmt;

/// The code an error reply begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The command or its arguments are wrong, or the value does not allow it.
    Err,
    /// EXEC was refused because a command between it and MULTI was.
    ExecAbort,
    /// A command above the limit of undelivered bytes.
    Overloaded,
    /// A command that could make the data grow, above the limit of them.
    Oom,
    /// A read, or a command not yet stamped, that waited longer than `--request-timeout`.
    Timeout,
    /// A stamped write that was not delivered within `--request-timeout` or before the end.
    Uncertain,
    /// The replica serves no data, or not yet.
    NotReady,
    /// An eventual cluster refuses what needs a total order.
    NeedsOrder,
    /// A position that was dropped or is not reached yet.
    OutOfRange,
    /// A command of the peer protocol from a connection that is not a peer, or the other way round.
    NotAPeer,
    /// A command that protected mode or the configuration forbids.
    NoPerm,
    /// HELLO asked for a version of RESP that there is not.
    NoProto,
    /// A user that there is not.
    WrongPass,
}

impl ErrorCode {
    /// Every code, in the order of the table in `protocol.md`.
    pub const ALL: [Self; 13] = [
        Self::Err,
        Self::ExecAbort,
        Self::Overloaded,
        Self::Oom,
        Self::Timeout,
        Self::Uncertain,
        Self::NotReady,
        Self::NeedsOrder,
        Self::OutOfRange,
        Self::NotAPeer,
        Self::NoPerm,
        Self::NoProto,
        Self::WrongPass,
    ];

    /// The code as it stands on the wire.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Err => "ERR",
            Self::ExecAbort => "EXECABORT",
            Self::Overloaded => "OVERLOADED",
            Self::Oom => "OOM",
            Self::Timeout => "TIMEOUT",
            Self::Uncertain => "UNCERTAIN",
            Self::NotReady => "NOTREADY",
            Self::NeedsOrder => "NEEDSORDER",
            Self::OutOfRange => "OUTOFRANGE",
            Self::NotAPeer => "NOTAPEER",
            Self::NoPerm => "NOPERM",
            Self::NoProto => "NOPROTO",
            Self::WrongPass => "WRONGPASS",
        }
    }

    /// Whether the operation certainly did not happen.
    #[must_use]
    pub fn is_definite(self) -> bool {
        !matches!(self, Self::Uncertain)
    }

    /// When a client sees it.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Err => "the command, its arguments or the value at the key do not allow it",
            Self::ExecAbort => {
                "a command between MULTI and EXEC was refused, so nothing was executed"
            }
            Self::Overloaded => {
                "too many undelivered bytes (`--max-pending`), a replica that holds back too many (`--max-queue`), a read \
                 behind too many bytes of replies that are not read yet (`--max-output`), or clients that take too much \
                 memory (`--max-clients-memory`); try again later"
            }
            Self::Oom => "the command could make the data grow above `--max-memory`",
            Self::Timeout => {
                "a read, or a command that had not been stamped, waited longer than `--request-timeout`"
            }
            Self::Uncertain => {
                "a write was stamped and not delivered within `--request-timeout` or before the replica \
                 stopped; it may still happen"
            }
            Self::NotReady => {
                "this replica serves no data: no peer has accepted it yet, one refused it, or others hold something else"
            }
            Self::NeedsOrder => "an eventual cluster refuses what needs a total order",
            Self::OutOfRange => "the position was dropped, or is not reached yet",
            Self::NotAPeer => "a frame of the peer protocol on a connection that is not a link",
            Self::NoPerm => "not allowed by the configuration of this replica",
            Self::NoProto => "HELLO asked for a version of RESP other than 2 and 3",
            Self::WrongPass => "there is no such user; the only one is `default`",
        }
    }

    /// The code that an error reply's text begins with, if it is one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.split(' ').next().unwrap_or(text);
        Self::ALL.into_iter().find(|code| code.text() == word)
    }
}

/// An error reply: its code and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    /// The stable code.
    pub code: ErrorCode,
    /// What went wrong, for a person. Without line ends.
    pub text: Cow<'static, str>,
}

impl ErrorReply {
    /// An error with a code and a text.
    pub fn new(code: ErrorCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// A plain `ERR`.
    pub fn err(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Err, text)
    }

    /// Redis's `ERR syntax error`.
    #[must_use]
    pub fn syntax() -> Self {
        Self::err("syntax error")
    }

    /// Redis's answer to a number that is none.
    #[must_use]
    pub fn not_an_integer() -> Self {
        Self::err("value is not an integer or out of range")
    }

    /// Redis's answer to a wrong number of arguments.
    #[must_use]
    pub fn wrong_arity(name: &str) -> Self {
        Self::err(format!(
            "wrong number of arguments for '{}' command",
            name.to_lowercase()
        ))
    }
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.text(), self.text)
    }
}

impl std::error::Error for ErrorReply {}
