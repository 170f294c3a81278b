//! Which kinds of operations a load is made of, and how often each comes.

use holdback::consistency::Consistency;
use holdback::random::Random;
use std::fmt;
use std::str::FromStr;

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "each is the command, or the operation of a history, of its name"
)]
pub enum Kind {
    Get,
    Set,
    SetNx,
    GetSet,
    Cas,
    Incr,
    Append,
    Del,
    Mget,
    Mset,
    Txn,
}

impl Kind {
    /// All kinds with their names in the history format and in `--mix`, in the order in which tables show them.
    pub const ALL: [(Self, &str); 11] = [
        (Self::Get, "get"),
        (Self::Set, "set"),
        (Self::SetNx, "setnx"),
        (Self::GetSet, "getset"),
        (Self::Cas, "cas"),
        (Self::Incr, "incr"),
        (Self::Append, "append"),
        (Self::Del, "del"),
        (Self::Mget, "mget"),
        (Self::Mset, "mset"),
        (Self::Txn, "txn"),
    ];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Mget)
    }

    /// Whether an eventual cluster takes it.
    #[must_use]
    pub fn is_orderless(self) -> bool {
        use Kind::{Del, Get, Mget, Mset, Set};
        matches!(self, Get | Set | Del | Mget | Mset)
    }

    /// Whether other servers that speak Redis's protocol know it.
    #[must_use]
    pub fn is_plain_redis(self) -> bool {
        self != Self::Cas
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(_, name)| *name == text);
        let missing = || {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            format!("there is no operation '{text}' ({names})")
        };
        Ok(found.ok_or_else(missing)?.0)
    }
}

/// The largest weight.
const WEIGHT_MAX: u32 = 1_000_000;

/// Kinds with their weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    weights: Vec<(Kind, u32)>,
}

impl Mix {
    /// What a load is made of if nobody says: for a model everything that it accepts, for `None` (plain
    /// Redis commands) reads and writes, half and half.
    #[must_use]
    pub fn of(model: Option<Consistency>) -> Self {
        let weights: &[(Kind, u32)] = match model {
            None => &[(Kind::Get, 50), (Kind::Set, 50)],
            Some(Consistency::Eventual) => &[
                (Kind::Get, 50),
                (Kind::Set, 30),
                (Kind::Del, 8),
                (Kind::Mget, 6),
                (Kind::Mset, 6),
            ],
            Some(_) => &[
                (Kind::Get, 36),
                (Kind::Set, 24),
                (Kind::SetNx, 2),
                (Kind::GetSet, 2),
                (Kind::Cas, 10),
                (Kind::Incr, 6),
                (Kind::Append, 6),
                (Kind::Del, 4),
                (Kind::Mget, 4),
                (Kind::Mset, 2),
                (Kind::Txn, 4),
            ],
        };
        Self {
            weights: weights.to_vec(),
        }
    }

    /// The kinds that occur.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.weights.iter().map(|(kind, _)| *kind)
    }

    /// Whether a kind occurs.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.kinds().any(|other| other == kind)
    }

    /// Draws a kind.
    pub(crate) fn draw(&self, random: &mut Random) -> Kind {
        let sum = self.weights.iter().map(|(_, weight)| u64::from(*weight));
        let mut place = random.below(sum.sum());
        for (kind, weight) in &self.weights {
            match place.checked_sub(u64::from(*weight)) {
                None => return *kind,
                Some(rest) => place = rest,
            }
        }
        Kind::Get
    }
}

/// `get=50,set=40,incr`: names with weights; without one the weight is 1.
impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut weights: Vec<(Kind, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let kind: Kind = name.trim().parse()?;
            let wrong = || format!("the weight in '{part}' is no number from 0 to {WEIGHT_MAX}");
            let weight = weight.trim().parse().ok();
            let weight = weight
                .filter(|weight| *weight <= WEIGHT_MAX)
                .ok_or_else(wrong)?;
            if weights.iter().any(|(other, _)| *other == kind) {
                return Err(format!("'{}' stands there twice", kind.name()));
            }
            weights.push((kind, weight));
        }
        weights.retain(|(_, weight)| *weight > 0);
        if weights.is_empty() {
            return Err("no operation has a weight above 0".into());
        }
        Ok(Self { weights })
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |(kind, weight): &(Kind, u32)| format!("{}={weight}", kind.name());
        f.write_str(&self.weights.iter().map(part).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_read_and_printed() {
        let mix: Mix = "get=50,set=40,incr,del=0".parse().unwrap();
        assert_eq!(mix.to_string(), "get=50,set=40,incr=1");
        assert_eq!(mix.to_string().parse(), Ok(mix));
        for (wrong, complaint) in [
            ("", "there is no operation ''"),
            ("get,fly=3", "there is no operation 'fly'"),
            ("get=x", "the weight in 'get=x' is no number"),
            ("get=-1", "the weight in 'get=-1' is no number"),
            ("get=1,get=2", "'get' stands there twice"),
            ("get=0", "no operation has a weight above 0"),
        ] {
            let error = wrong.parse::<Mix>().expect_err(wrong);
            assert!(error.contains(complaint), "{wrong}: {error}");
        }
    }

    #[test]
    fn kinds_are_drawn_by_weight() {
        let mix: Mix = "get=3,set=1".parse().unwrap();
        let mut random = Random::new(1, 1);
        let gets = (0..4000)
            .filter(|_| mix.draw(&mut random) == Kind::Get)
            .count();
        assert!((2900..3100).contains(&gets), "{gets}");
    }

    #[test]
    fn what_a_model_gets_by_default_it_accepts() {
        let eventual = Mix::of(Some(Consistency::Eventual));
        assert!(eventual.kinds().all(Kind::is_orderless));
        assert!(Mix::of(None).kinds().all(Kind::is_plain_redis));
        let ordered = Mix::of(Some(Consistency::Linearizable));
        assert!(Kind::ALL.iter().all(|(kind, _)| ordered.has(*kind)));
    }
}
