//! Why a program of the laboratory stops, and the exit code that tells it.

use std::fmt;
use std::path::Path;

/// A reason to stop. Each kind has one exit code, the same in all programs and scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The command line or a file is wrong.
    Usage(String),
    /// A replica cannot be reached, or does not become ready.
    Unreachable(String),
    /// Something else went wrong: a file cannot be written, a replica answers nonsense.
    Other(String),
}

/// Everything is fine, or the verdict is yes.
pub const EXIT_YES: u8 = 0;
/// The verdict is no, or a check failed.
pub const EXIT_NO: u8 = 1;
/// A checker cannot tell.
pub const EXIT_UNKNOWN: u8 = 2;
/// The command line or a file is wrong.
pub const EXIT_USAGE: u8 = 64;
/// A replica cannot be reached.
pub const EXIT_UNREACHABLE: u8 = 69;

impl Failure {
    /// The exit code of a program that stops for this reason.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => EXIT_USAGE,
            Self::Unreachable(_) => EXIT_UNREACHABLE,
            Self::Other(_) => EXIT_NO,
        }
    }

    /// Wraps what is wrong with a file that was asked for in its name.
    pub fn in_file<E: fmt::Display>(file: &Path) -> impl Fn(E) -> Self {
        move |error| Self::Usage(format!("{}: {error}", file.display()))
    }

    /// Wraps an error of the system in what was being done.
    pub fn doing(what: impl fmt::Display) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Other(format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Unreachable(text) | Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}
