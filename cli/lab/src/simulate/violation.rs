//! A broken invariant.

use std::fmt;

/// What was broken, and how that showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant in words, always the same ones.
    pub invariant: &'static str,
    /// What was seen.
    pub detail: String,
}

impl Violation {
    pub(super) fn new(invariant: &'static str, detail: impl Into<String>) -> Self {
        Self {
            invariant,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}

/// Checks that either hold or say what was broken.
pub(super) type Check = Result<(), Violation>;

/// Ends a check with a violation unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $invariant:expr, $($detail:tt)+) => {
        if !$condition {
            return Err($crate::simulate::violation::Violation::new($invariant, format!($($detail)+)));
        }
    };
}
pub(super) use ensure;
