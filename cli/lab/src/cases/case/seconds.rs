//! A number of seconds, or a range to draw from.

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Seconds: `0.5`, or `[0, 2]` for any time in between.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seconds {
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Seconds {
    /// The longest time that a case may name.
    pub const LONGEST: f64 = 600.0;

    /// What is wrong with the range, if anything is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let Self { min, max } = self;
        if *min > *max {
            return Some(format!(
                "the range begins at {min} and ends before it, at {max}"
            ));
        }
        [*min, *max].into_iter().find_map(seconds_problem)
    }
}

/// What is wrong with a number of seconds, if anything is.
#[must_use]
pub(super) fn seconds_problem(seconds: f64) -> Option<String> {
    let longest = Seconds::LONGEST;
    match seconds {
        ..0.0 => Some(format!("{seconds} seconds is a negative time")),
        _ if seconds > longest => Some(format!(
            "{seconds} seconds is more than the {longest} allowed"
        )),
        _ => None,
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{} s", self.min)
        } else {
            write!(f, "{} to {} s", self.min, self.max)
        }
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.min == self.max {
            return serializer.serialize_f64(self.min);
        }
        [self.min, self.max].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl<'de> Visitor<'de> for SecondsVisitor {
    type Value = Seconds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds or [min, max]")
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Seconds, E> {
        Ok(Seconds {
            min: seconds,
            max: seconds,
        })
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Seconds, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Seconds, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Seconds, A::Error> {
        let missing = |length| Error::invalid_length(length, &self);
        let min = list.next_element()?.ok_or_else(|| missing(0))?;
        let max = list.next_element()?.ok_or_else(|| missing(1))?;
        if list.next_element::<serde::de::IgnoredAny>()?.is_some() {
            let more = Unexpected::Other("a list of more than two");
            return Err(Error::invalid_value(more, &self));
        }
        Ok(Seconds { min, max })
    }
}
