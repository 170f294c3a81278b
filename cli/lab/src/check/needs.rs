//! Who needs which value at which key, and who can still supply it.
//!
//! A read that returned 5 *needs* the key to hold 5. Operations that may leave 5 there *supply* it. While a
//! search knows, for each value that anybody needs, how many still need it and how many may still supply it,
//! it sees at once that a value must not be overwritten yet, or can never come again.
//!
//! Supply is never underestimated. A supplier is counted in a *counter*: one for each needed value, for
//! operations that name the value they write; one for all appends to a key of the same suffix (and length,
//! where the answer says it), shared by every needed value that ends so; and two of each key for what could
//! make any number, or anything.

use super::hash::QuickMap;
use super::lists::Lists;
use super::model::{Act, Key, Part, Reply};
use super::problem::{Op, Problem};
use super::values::{ABSENT, Value, Values};
use std::collections::{HashMap, HashSet};

/// A value that some operation needs at a key: its number.
pub(super) type Slot = u32;
/// A set of suppliers: its number.
pub(super) type Counter = u32;

/// Of one key no more different lengths of suffixes than this are told apart.
const SUFFIX_LENGTHS_MAX: usize = 32;

/// Needs and suppliers of some operations of a problem. Nothing here changes during a search.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    slots: QuickMap<(u32, u32), Slot>,
    /// Of each slot its key and value.
    pub(super) wanted: Vec<(Key, Value)>,
    slot_counters: Lists<Counter>,
    /// Of each counter the slots that it counts for, and the operations that are counted in it.
    counter_slots: Lists<Slot>,
    suppliers: Lists<Op>,
    required: Lists<Slot>,
    /// Of each operation the slots of keys at which it found something, whatever that was.
    found_something: Lists<Slot>,
    supplied: Lists<Counter>,
    /// Of each key, whether anything depends on its value in another way than by needing one exactly.
    pub(super) depended_on: Vec<bool>,
}

/// Of a counter no more slots than this are looked at when one of its suppliers is taken.
const COUNTER_SLOTS_MAX: usize = 8;

/// In a slot: any value but an absent one.
pub(super) const SOMETHING: Value = Value(u32::MAX);

/// What an operation may leave at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Exactly(Key, Value),
    /// Some value that ends so; its length, if the answer says it.
    EndsWith(Key, Value, Option<i64>),
    SomeNumber(Key),
    Anything(Key),
    /// Something that is not absence.
    Something(Key),
}

impl Source {
    fn of(part: &Part, values: &mut Values) -> Option<Self> {
        let exactly = |value| Some(Self::Exactly(part.key, value));
        match (part.act, part.reply) {
            _ if part.changes_nothing() => None,
            (Act::Set(new) | Act::GetSet(new) | Act::SetNx(new) | Act::Cas(_, new), _) => {
                exactly(new)
            }
            (Act::Del, _) => exactly(ABSENT),
            (Act::Incr, Reply::Number(number)) => exactly(values.of_number(number)),
            (Act::Incr, _) => Some(Self::SomeNumber(part.key)),
            (Act::Append(suffix), Reply::Number(length)) => {
                Some(Self::EndsWith(part.key, suffix, Some(length)))
            }
            (Act::Append(suffix), _) => Some(Self::EndsWith(part.key, suffix, None)),
            (Act::Get, _) => None,
        }
    }

    /// The same as a source of something, if it is one.
    fn something(self) -> Option<Self> {
        match self {
            Self::Exactly(_, ABSENT) | Self::Something(_) => None,
            Self::Exactly(key, _)
            | Self::EndsWith(key, ..)
            | Self::SomeNumber(key)
            | Self::Anything(key) => Some(Self::Something(key)),
        }
    }
}

/// Whether an answer says that the key was there, and not what it held.
fn finds_something(part: &Part, values: &Values) -> bool {
    match (part.act, part.reply) {
        (Act::Del, Reply::Flag(yes)) => yes,
        (Act::SetNx(_), Reply::Flag(yes)) => !yes,
        (Act::Append(suffix), Reply::Number(length)) => length > values.length(suffix) as i64,
        _ => false,
    }
}

impl Needs {
    /// Of all operations of a problem.
    pub(super) fn new(problem: &mut Problem) -> Self {
        let mut needs = Self {
            depended_on: vec![false; problem.key_names.len()],
            ..Self::default()
        };
        let mut values = std::mem::take(&mut problem.values);
        needs.find_slots(problem, &mut values);
        needs.find_suppliers(problem, &mut values);
        problem.values = values;
        needs
    }

    fn find_slots(&mut self, problem: &Problem, values: &mut Values) {
        for op in problem.ops() {
            let mut required = Vec::new();
            let mut something = Vec::new();
            let is_ok = problem[op].is_ok;
            let mut seen: Vec<Key> = Vec::new();
            for part in problem.parts(op) {
                // Behind a part of its own that writes the key, an operation needs nothing of others.
                if seen.contains(&part.key) {
                    continue;
                }
                if part.act != Act::Get {
                    seen.push(part.key);
                }
                let needed = part.requires(values);
                if needed.is_none() && part.depends_on_old() {
                    self.depended_on[part.key.0 as usize] = true;
                }
                if let Some(value) = needed.filter(|_| is_ok) {
                    let slot = self.number_slot(part.key, value);
                    if !required.contains(&slot) {
                        required.push(slot);
                    }
                } else if is_ok && finds_something(part, values) {
                    something.push(self.number_slot(part.key, SOMETHING));
                }
            }
            self.required.push(required);
            self.found_something.push(something);
        }
    }

    fn number_slot(&mut self, key: Key, value: Value) -> Slot {
        let next = self.wanted.len() as Slot;
        let slot = *self.slots.entry((key.0, value.0)).or_insert(next);
        if slot == next {
            self.wanted.push((key, value));
        }
        slot
    }

    fn find_suppliers(&mut self, problem: &Problem, values: &mut Values) {
        let mut lengths: HashMap<Key, HashSet<usize>> = HashMap::new();
        let mut sources: Lists<Source> = Lists::default();
        for op in problem.ops() {
            let parts = problem.parts(op).iter();
            sources.push(parts.filter_map(|part| {
                let source = Source::of(part, values)?;
                if let Source::EndsWith(key, suffix, _) = source {
                    let of_key = lengths.entry(key).or_default();
                    of_key.insert(values.length(suffix));
                }
                Some(source)
            }));
        }
        lengths.retain(|_, of_key| of_key.len() <= SUFFIX_LENGTHS_MAX);
        let mut counters: HashMap<Source, Counter> = HashMap::new();
        let mut slot_counters = Lists::default();
        for &(key, value) in &self.wanted {
            let mut of_slot = vec![Source::Exactly(key, value), Source::Anything(key)];
            if value == SOMETHING {
                of_slot = vec![Source::Something(key)];
            } else if value != ABSENT && values.number(value).is_some() {
                of_slot.push(Source::SomeNumber(key));
            }
            if let Some(lengths) = lengths.get(&key).filter(|_| value != SOMETHING) {
                of_slot.extend(endings(key, value, lengths, values));
            }
            slot_counters.push(of_slot.into_iter().map(|source| {
                let next = counters.len() as Counter;
                *counters.entry(source).or_insert(next)
            }));
        }
        let mut pairs = Vec::new();
        for op in problem.ops() {
            let mut supplied = Vec::new();
            for &source in &sources[op] {
                let source = match source {
                    Source::EndsWith(key, ..) if !lengths.contains_key(&key) => {
                        Source::Anything(key)
                    }
                    source => source,
                };
                for source in [Some(source), source.something()].into_iter().flatten() {
                    if let Some(&counter) = counters.get(&source)
                        && !supplied.contains(&counter)
                    {
                        supplied.push(counter);
                        pairs.push((counter, op));
                    }
                }
            }
            self.supplied.push(supplied);
        }
        self.suppliers = Lists::of(counters.len(), pairs);
        let slots = 0..self.wanted.len() as Slot;
        let pairs = slots.flat_map(|slot| slot_counters[slot].iter().map(move |&of| (of, slot)));
        self.counter_slots = Lists::of(counters.len(), pairs.collect());
        self.slot_counters = slot_counters;
    }

    /// The slots that a counter counts for; none if they are many.
    pub(super) fn slots_of(&self, counter: Counter) -> &[Slot] {
        let slots = &self.counter_slots[counter];
        if slots.len() > COUNTER_SLOTS_MAX {
            return &[];
        }
        slots
    }

    /// The slot of a value at a key, if anybody needs it.
    pub(super) fn slot(&self, key: Key, value: Value) -> Option<Slot> {
        self.slots.get(&(key.0, value.0)).copied()
    }

    /// The counters that hold every possible supplier of a slot.
    pub(super) fn counters_of(&self, slot: Slot) -> &[Counter] {
        &self.slot_counters[slot]
    }

    /// The operations that are counted in a counter.
    pub(super) fn suppliers(&self, counter: Counter) -> &[Op] {
        &self.suppliers[counter]
    }

    /// The operations that may leave at a key what a slot stands for.
    pub(super) fn suppliers_of(&self, slot: Slot) -> impl Iterator<Item = Op> + '_ {
        let counters = self.counters_of(slot).iter();
        counters.flat_map(|counter| self.suppliers(*counter).iter().copied())
    }

    /// What an operation needs; nothing if it need not happen.
    pub(super) fn required(&self, op: Op) -> &[Slot] {
        &self.required[op]
    }

    /// What an operation found, be it only that something was there.
    pub(super) fn found(&self, op: Op) -> impl Iterator<Item = Slot> + '_ {
        let something = self.found_something[op].iter();
        self.required(op).iter().chain(something).copied()
    }

    /// The counters that an operation is counted in.
    pub(super) fn supplied(&self, op: Op) -> &[Counter] {
        &self.supplied[op]
    }

    pub(super) fn slot_count(&self) -> usize {
        self.wanted.len()
    }

    pub(super) fn counter_count(&self) -> usize {
        self.suppliers.count()
    }

    /// Whether an operation that need not happen can make a difference to one that did.
    pub(super) fn can_matter(&self, problem: &Problem, op: Op) -> bool {
        let can_change = !problem[op].changes_nothing;
        let mut keys = problem.keys(op).iter();
        can_change
            && (!self.supplied(op).is_empty() || keys.any(|key| self.depended_on[key.0 as usize]))
    }
}

/// The sources of appends that can have made a value.
fn endings(key: Key, value: Value, lengths: &HashSet<usize>, values: &Values) -> Vec<Source> {
    let bytes = values.bytes(value);
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let starts = lengths
        .iter()
        .filter_map(|&long| bytes.len().checked_sub(long));
    let suffixes = starts.filter_map(|start| values.find(&bytes[start..]));
    suffixes
        .flat_map(|suffix| [Some(length), None].map(|length| Source::EndsWith(key, suffix, length)))
        .collect()
}
