//! What goes wrong, and when.

use super::agenda::{MILLISECOND, SECOND, Time};
use super::plan::Options;
use super::stories::plan_story;
use holdback::random::Random;
use std::fmt;

/// Which kinds of things go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FaultKinds {
    /// Nothing: a calm network and the server's own limits.
    None,
    /// Delays, bursts, pauses, small limits; no connection breaks.
    Delays,
    /// Also cuts and connections that break.
    Cuts,
    /// Also restarts and steps of the wall clock.
    All,
}

/// One thing that goes wrong. Replicas and clients are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing gets from these replicas to those, nor back if it is cut both ways.
    Cut {
        from: Vec<usize>,
        to: Vec<usize>,
        both: bool,
    },
    /// The connections between two replicas break.
    Break { a: usize, b: usize },
    /// Everything between two replicas takes longer.
    Slow { a: usize, b: usize, extra: Time },
    /// A process stands still.
    Pause { replica: usize },
    /// A process ends, and starts again empty; without a word, or its connections are closed.
    Restart { replica: usize, silently: bool },
    /// A wall clock jumps by so many microseconds.
    WallStep { replica: usize, by: i64 },
    /// A client's connection breaks.
    BreakClient { client: usize },
    /// A FAULT command is given to a replica, and taken back with FAULT HEAL.
    Command { replica: usize, line: String },
}

/// A fault with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlannedFault {
    pub(super) at: Time,
    /// How long it lasts.
    pub(super) lasts: Time,
    pub(super) fault: Fault,
}

impl fmt::Display for PlannedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        if self.lasts > 0 {
            write!(f, " for {} ms", self.lasts / MILLISECOND)?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |replicas: &[usize]| {
            let names = replicas.iter().map(|replica| (replica + 1).to_string());
            names.collect::<Vec<_>>().join(",")
        };
        match self {
            Self::Cut { from, to, both } => {
                let ways = if *both { "both ways" } else { "one way" };
                write!(f, "cut from {} to {}, {ways},", names(from), names(to))
            }
            Self::Break { a, b } => {
                write!(f, "the connections of {} and {} break", a + 1, b + 1)
            }
            Self::Slow { a, b, extra } => {
                let (a, b, extra) = (a + 1, b + 1, extra / MILLISECOND);
                write!(f, "{a} and {b} are {extra} ms farther apart")
            }
            Self::Pause { replica } => write!(f, "replica {} stands still", replica + 1),
            Self::Restart { replica, silently } => {
                let how = if *silently { "vanishes" } else { "ends" };
                write!(f, "replica {} {how}, to start again empty", replica + 1)
            }
            Self::WallStep { replica, by } => {
                let (replica, by) = (replica + 1, by / 1000);
                write!(f, "the wall clock of replica {replica} jumps by {by} ms")
            }
            Self::BreakClient { client } => {
                write!(f, "the connection of client {} breaks", client + 1)
            }
            Self::Command { replica, line } => write!(f, "replica {} is told {line}", replica + 1),
        }
    }
}

impl Fault {
    /// Whether it has no end.
    pub(super) fn is_instant(&self) -> bool {
        matches!(
            self,
            Self::Break { .. } | Self::BreakClient { .. } | Self::WallStep { .. }
        )
    }

    /// The ordered pairs of replicas that a cut separates.
    pub(super) fn separated(&self) -> Vec<(usize, usize)> {
        let Self::Cut { from, to, both } = self else {
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for &from in from {
            for &to in to.iter().filter(|to| **to != from) {
                pairs.push((from, to));
                if *both {
                    pairs.push((to, from));
                }
            }
        }
        pairs
    }
}

/// Faults begin within this time from the start.
pub(super) const FAULTS_UNTIL: Time = 4 * SECOND;

/// The faults of a run, in the order of their times.
pub(super) fn plan_faults(seed: u64, options: &Options, heartbeat: Time) -> Vec<PlannedFault> {
    let mut random = Random::new(seed, 3);
    if options.faults == FaultKinds::None {
        return Vec::new();
    }
    let story = plan_story(seed, options, heartbeat);
    // What else goes wrong would mostly spoil a story.
    let count = random.between(0, if story.is_empty() { 8 } else { 2 });
    let mut faults: Vec<PlannedFault> = (0..count).map(|_| draw(&mut random, options)).collect();
    faults.extend(story);
    faults.sort_by_key(|fault| fault.at);
    faults
}

fn draw(random: &mut Random, options: &Options) -> PlannedFault {
    let at = random.below(FAULTS_UNTIL);
    let lasts = random.pick(&[5, 50, 300, 1000, 4000]) * MILLISECOND / 2;
    let lasts = lasts + random.below(lasts);
    let fault = draw_fault(random, options);
    let lasts = if fault.is_instant() { 0 } else { lasts };
    PlannedFault { at, lasts, fault }
}

fn draw_fault(random: &mut Random, options: &Options) -> Fault {
    let replicas = options.replicas;
    let replica = random.index(replicas);
    let other = (replica + 1 + random.index(replicas.max(2) - 1)) % replicas;
    let cuts = matches!(options.faults, FaultKinds::Cuts | FaultKinds::All);
    let all = options.faults == FaultKinds::All;
    let slow = |random: &mut Random| Fault::Slow {
        a: replica,
        b: other,
        extra: random.below(400) * MILLISECOND,
    };
    match random.below(12) {
        0 | 1 => slow(random),
        2 | 3 => Fault::Pause { replica },
        4 if cuts => Fault::BreakClient {
            client: random.index(options.clients),
        },
        5 => draw_command(random, replica, other, cuts),
        6 | 7 if cuts => Fault::Break {
            a: replica,
            b: other,
        },
        8 | 9 if cuts => draw_cut(random, replica, other, replicas),
        10 if all && !options.consistency.is_ordered() => Fault::WallStep {
            replica,
            by: random.pick(&[-60_000_000, -500_000, -1000, 1000, 500_000, 3_600_000_000]),
        },
        10 | 11 if all && may_restart(random, options) => Fault::Restart {
            replica,
            silently: random.permille(300),
        },
        _ => slow(random),
    }
}

/// In the ordered models a replica that took part is not let back in, so most runs do without.
fn may_restart(random: &mut Random, options: &Options) -> bool {
    !options.consistency.is_ordered() || random.permille(100)
}

fn draw_command(random: &mut Random, replica: usize, other: usize, cuts: bool) -> Fault {
    let peer = if random.permille(300) || replica == other {
        "*".to_owned()
    } else {
        (other + 1).to_string()
    };
    let line = if cuts && random.permille(400) {
        format!("FAULT CUT {peer}")
    } else {
        let min = random.below(100);
        format!("FAULT DELAY {peer} {min} {}", min + random.below(300))
    };
    Fault::Command { replica, line }
}

/// One pair of replicas, one replica and all others, or two groups; in one direction or both.
fn draw_cut(random: &mut Random, replica: usize, other: usize, replicas: usize) -> Fault {
    let both = random.permille(600);
    let (from, to) = match random.below(3) {
        0 => (vec![replica], vec![other]),
        1 => (0..replicas).partition(|at| *at == replica),
        _ => (0..replicas).partition(|_| random.permille(500)),
    };
    Fault::Cut { from, to, both }
}
