//! What a checker says.

use holdback::consistency::Consistency;

/// Whether a history satisfies a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Yes,
    /// It does not, and these few operations show it.
    No(Box<CounterExample>),
    /// It could not be decided; why, in words.
    Unknown(String),
}

impl Verdict {
    /// Whether it is [`Verdict::Yes`].
    #[must_use]
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes)
    }

    /// Whether it is [`Verdict::No`].
    #[must_use]
    pub fn is_no(&self) -> bool {
        matches!(self, Self::No(_))
    }

    /// `yes`, `no` or `unknown`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No(_) => "no",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// What a "no" says is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The history alone: whatever the store did inside, no client should have seen this.
    History,
    /// The history together with the replicas' orders: another order might explain what clients saw.
    HistoryAndOrder,
}

/// Kinds of violations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something was read that nobody had written by then.
    NeverWritten,
    /// No order of the operations gives their answers.
    NoOrder,
    /// The order of the replicas does not give the answers, or is not what clients asked for.
    NotTheOrder,
    /// The orders of two replicas differ.
    OrdersDiffer,
    /// The replicas' final data differ, or are not what the last writes left.
    NotConverged,
}

/// The few operations that show why a history does not satisfy a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterExample {
    /// The model.
    pub model: Consistency,
    /// What is wrong with them.
    pub kind: Kind,
    /// Their places in [`crate::history::History::operations`], in the order of invocations.
    pub operations: Vec<usize>,
    /// Why they cannot be, in a sentence or a few.
    pub words: String,
    /// Entries of the order that belong to the story: their positions.
    pub positions: Vec<u64>,
    /// Whether without any one of its reads, or any write with all reads of its value, the rest is fine.
    pub is_minimal: bool,
    /// What is to blame.
    pub blame: Blame,
}

impl CounterExample {
    /// Operations that are wrong by themselves, as few as can be, whatever the replicas' order is.
    pub(super) fn new(
        model: Consistency,
        kind: Kind,
        mut operations: Vec<usize>,
        words: String,
    ) -> Self {
        operations.sort_unstable();
        operations.dedup();
        Self {
            model,
            kind,
            operations,
            words,
            positions: Vec::new(),
            is_minimal: true,
            blame: Blame::History,
        }
    }
}
