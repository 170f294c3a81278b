//! The three consistency models.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a client may rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// One order of all writes, agreed by all replicas; reads are local.
    #[default]
    Sequential,
    /// As if there were one copy: reads go through the multicast too.
    Linearizable,
    /// Replicas that received the same updates hold the same data; always available.
    Eventual,
}

impl Consistency {
    /// The three of them.
    pub const ALL: [Self; 3] = [Self::Sequential, Self::Linearizable, Self::Eventual];

    /// The model's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Linearizable => "linearizable",
            Self::Eventual => "eventual",
        }
    }

    /// Whether writes are totally ordered.
    #[must_use]
    pub fn is_ordered(self) -> bool {
        self != Self::Eventual
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Consistency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|model| model.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("unknown model '{text}' (sequential, linearizable or eventual)"))
    }
}
