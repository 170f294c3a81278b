//! Eventual: reads return what was written, and in the end all replicas hold the same, which nothing replaced.
//!
//! What is asked of a read is little: each value must be one that some operation may have written, invoked
//! before the read was completed. Absence is always possible.
//!
//! With the replicas' final data: they are equal, and each key holds a value that is not *replaced*. One
//! writer's value is replaced if a later write or delete of the key was made at the same replica, for there
//! stamps rise. Later means: invoked after the writer was completed, or behind it in the same process. Between
//! replicas times prove nothing, because their clocks may differ. Absence counts as written by each delete
//! that found something, and by the beginning.

use super::describe;
use super::limits::{Deadline, Limits};
use super::model::{Act, Key, Reply};
use super::needs::{Needs, SOMETHING, Slot};
use super::problem::{Compiled, Compiler, Op, Problem};
use super::values::{ABSENT, Value};
use super::verdict::{CounterExample, Kind, Verdict};
use crate::history::{Answer, Call, History, Moment, Outcome, Word};
use holdback::consistency::Consistency;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whether a history is one of an eventually consistent store.
#[must_use]
pub fn eventual(history: &History, limits: &Limits) -> Verdict {
    let deadline = Deadline::after(limits.timeout);
    if let Err(verdict) = reads(history, &deadline) {
        return verdict;
    }
    if history.finals.is_empty() {
        let why =
            "every read is fine; whether replicas converged is unknown without their final data";
        return Verdict::Unknown(why.into());
    }
    match Finals::new(history).check() {
        Ok(()) => Verdict::Yes,
        Err(verdict) => verdict,
    }
}

fn no(kind: Kind, operations: Vec<usize>, words: String) -> Verdict {
    let example = CounterExample::new(Consistency::Eventual, kind, operations, words);
    Verdict::No(Box::new(example))
}

/// Every value that was read must have been written, by something invoked before the read was completed.
fn reads(history: &History, deadline: &Deadline) -> Result<(), Verdict> {
    let mut problem = Problem::new(history);
    let needs = Needs::new(&mut problem);
    for op in problem.ops() {
        if op.is_multiple_of(4096) && deadline.has_passed() {
            return Err(Verdict::Unknown(deadline.words()));
        }
        let Compiled {
            source, deadline, ..
        } = problem[op];
        if let Some(words) = never_written(history, &problem, &needs, op, deadline) {
            return Err(no(Kind::NeverWritten, vec![source], words));
        }
    }
    Ok(())
}

/// Says, if an operation found what nothing invoked up to a moment can have written, what that is.
pub(super) fn never_written(
    history: &History,
    problem: &Problem,
    needs: &Needs,
    reader: Op,
    until: Moment,
) -> Option<String> {
    let first_writer = |slot: Slot| {
        // Suppliers stand in the order of their invocations.
        let suppliers = needs
            .counters_of(slot)
            .iter()
            .map(|counter| needs.suppliers(*counter));
        let first = suppliers.filter_map(|all| all.iter().find(|other| **other != reader));
        first.map(|op| problem[*op].invoked).min()
    };
    needs.found(reader).find_map(|slot| {
        let (key, value) = needs.wanted[slot as usize];
        let first = first_writer(slot);
        if value == ABSENT || first.is_some_and(|first| first <= until) {
            return None;
        }
        let shown = match value {
            SOMETHING => "something".into(),
            value => describe::value(&problem.values, value),
        };
        let found = format!(
            "{} found {shown} at `{}`, and nothing",
            describe::operation(history, problem[reader].source),
            describe::key(problem, key)
        );
        Some(match first.map(|first| describe::moment(history, first)) {
            None => format!("{found} ever wrote that"),
            Some(first) => format!(
                "{found} that can have written that was invoked before {first}, when the read was completed \
                 already"
            ),
        })
    })
}

/// A write of a key, or a delete.
#[derive(Clone, Copy, Debug)]
struct Write {
    at: usize,
    /// What it left; none if that depends on what was there.
    value: Option<Value>,
    /// Whether it wrote something for certain, if it happened.
    certain: bool,
}

/// The final data, against what was written.
struct Finals<'a> {
    history: &'a History,
    compiler: Compiler,
    writes: HashMap<Key, Vec<Write>>,
}

impl<'a> Finals<'a> {
    fn new(history: &'a History) -> Self {
        let compiler = Compiler::of(history);
        let problem = &compiler.problem;
        let mut writes: HashMap<Key, Vec<Write>> = HashMap::new();
        for op in problem.ops() {
            let at = problem[op].source;
            for part in problem
                .parts(op)
                .iter()
                .filter(|part| !part.changes_nothing())
            {
                let value = match (part.act, part.reply) {
                    (Act::Set(value) | Act::GetSet(value), _) => Some(value),
                    (Act::SetNx(value) | Act::Cas(_, value), Reply::Flag(true)) => Some(value),
                    (Act::Del, _) => Some(ABSENT),
                    _ => None,
                };
                let of_key = writes.entry(part.key).or_default();
                // Of one operation's writes of a key the last counts.
                of_key.retain(|write| write.at != at);
                of_key.push(Write {
                    at,
                    value,
                    certain: part.act != Act::Del || part.reply == Reply::Flag(true),
                });
            }
        }
        Self {
            history,
            compiler,
            writes,
        }
    }

    fn check(mut self) -> Result<(), Verdict> {
        self.all_equal()?;
        let history = self.history;
        let Some(last) = history.finals.first() else {
            return Ok(());
        };
        let mut names: BTreeSet<Word> = self.compiler.problem.key_names.iter().cloned().collect();
        names.extend(last.store.keys().cloned());
        for name in names {
            self.key(&name, last.store.get(&name))?;
        }
        Ok(())
    }

    fn all_equal(&self) -> Result<(), Verdict> {
        for pair in self.history.finals.windows(2) {
            let [one, other] = pair else { continue };
            let names: BTreeSet<_> = one.store.keys().chain(other.store.keys()).collect();
            let differs = names
                .into_iter()
                .find(|name| one.store.get(*name) != other.store.get(*name));
            if let Some(name) = differs {
                let held = |last: &crate::history::Final| {
                    let value = last.store.get(name);
                    value.map_or("nil".to_owned(), |value| shown(value))
                };
                let words = format!(
                    "in the end `{}` is {} at replica {} and {} at replica {}",
                    shown(name),
                    held(one),
                    one.replica,
                    held(other),
                    other.replica
                );
                return Err(no(Kind::NotConverged, self.last_writes(name), words));
            }
        }
        Ok(())
    }

    /// The last few writes of a key, to show.
    fn last_writes(&self, name: &[u8]) -> Vec<usize> {
        let names = &self.compiler.problem.key_names;
        let key = names.iter().position(|known| known == name);
        let writes = key.and_then(|key| self.writes.get(&Key(key as u32)));
        let writes = writes.into_iter().flatten().rev().take(4);
        writes.map(|write| write.at).collect()
    }

    /// Judges what a key holds in the end.
    fn key(&mut self, name: &Word, held: Option<&Word>) -> Result<(), Verdict> {
        let key = self.compiler.key(name);
        let value = held.map_or(ABSENT, |bytes| self.compiler.value(bytes));
        let none = Vec::new();
        let writes = self.writes.get(&key).unwrap_or(&none);
        let is_ok = |write: &Write| self.history.operations[write.at].is_ok();
        let certain = writes
            .iter()
            .any(|write| is_ok(write) && write.value != Some(ABSENT));
        if value == ABSENT && !certain {
            return Ok(());
        }
        let mut replaced = None;
        let possible = writes
            .iter()
            .filter(|write| write.value.is_none_or(|left| left == value));
        for write in possible {
            match self.replacement(write, writes) {
                None => return Ok(()),
                Some(by) => replaced = Some((write.at, by)),
            }
        }
        let shown_value = held.map_or("absent".to_owned(), |bytes| {
            format!("{} in the end", shown(bytes))
        });
        let key = shown(name);
        Err(match replaced {
            Some((at, by)) => {
                let words = format!(
                    "`{key}` is {shown_value}, as {} left it, and {} replaced that later at the same replica",
                    describe::operation(self.history, at),
                    describe::operation(self.history, by)
                );
                no(Kind::NotConverged, vec![at, by], words)
            }
            None if value == ABSENT => {
                let words = format!("`{key}` is absent in the end, and nothing deleted it");
                no(Kind::NotConverged, self.last_writes(name), words)
            }
            None => {
                let words = format!("`{key}` is {shown_value}, and nothing ever wrote that");
                no(Kind::NeverWritten, self.last_writes(name), words)
            }
        })
    }

    /// A write that came later at the same replica, so that its stamp is larger.
    fn replacement(&self, write: &Write, writes: &[Write]) -> Option<usize> {
        let first = &self.history.operations[write.at];
        let replica = first.replica?;
        let later = writes.iter().find(|other| {
            let second = &self.history.operations[other.at];
            let behind = first.process == second.process && write.at < other.at;
            let after = first
                .completed
                .is_some_and(|completed| completed < second.invoked);
            let differs = other.certain && other.value.is_some() && other.value != write.value;
            second.is_ok()
                && first.is_ok()
                && second.replica == Some(replica)
                && (behind || after)
                && differs
        });
        later.map(|other| other.at)
    }
}

fn shown(bytes: &[u8]) -> String {
    describe::shorten(&describe::word(bytes))
}

/// How long after the last write some read still returned something else than what the replicas hold in the
/// end, in the unit of the history's moments. None without final data or without writes.
pub(super) fn convergence(history: &History) -> Option<Moment> {
    let last = history.finals.first()?;
    let writes = history.operations.iter();
    let writes = writes.filter(|operation| operation.is_ok() && !operation.call.is_read());
    let settled = writes.filter_map(|operation| operation.completed).max()?;
    let stale = history.operations.iter().filter(|operation| {
        let answer = match &operation.outcome {
            Outcome::Ok(answer) => answer,
            Outcome::Fail | Outcome::Info => return false,
        };
        operation.call.is_read() && !gives(&last.store, &operation.call, answer)
    });
    let until = stale.filter_map(|operation| operation.completed).max();
    Some(until.map_or(0, |until| until.saturating_sub(settled)))
}

/// Whether a store answers a read so.
fn gives(store: &BTreeMap<Word, Word>, call: &Call, answer: &Answer) -> bool {
    match (call, answer) {
        (Call::Get(key), Answer::Value(value)) => store.get(key) == value.as_ref(),
        (Call::Mget(keys), Answer::List(answers)) => keys.iter().zip(answers).all(
            |(key, answer)| matches!(answer, Answer::Value(value) if store.get(key) == value.as_ref()),
        ),
        (Call::Txn(calls), Answer::List(answers)) => calls
            .iter()
            .zip(answers)
            .all(|(call, answer)| gives(store, call, answer)),
        _ => true,
    }
}
