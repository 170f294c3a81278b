//! What was found whose writer is known, and who certainly overwrites what.

use crate::check::model::{Act, Key, Reply};
use crate::check::needs::Needs;
use crate::check::problem::{Op, Problem};
use crate::check::values::ABSENT;
use std::collections::HashMap;

/// A read that found what exactly one operation can have written, or what was there in the beginning.
#[derive(Clone, Copy, Debug)]
pub(in crate::check) struct ReadFrom {
    pub(in crate::check) key: Key,
    pub(in crate::check) writer: Option<Op>,
    pub(in crate::check) reader: Op,
}

/// The reads whose writer is known.
pub(in crate::check) fn reads_from(needs: &Needs, operations: &[Op]) -> Vec<ReadFrom> {
    let mut suppliers: HashMap<u32, Vec<Op>> = HashMap::new();
    for &op in operations {
        for &counter in needs.supplied(op) {
            let of_counter = suppliers.entry(counter).or_default();
            if of_counter.len() < 3 {
                of_counter.push(op);
            }
        }
    }
    let mut found = Vec::new();
    for &reader in operations {
        for &slot in needs.required(reader) {
            let (key, value) = needs.wanted[slot as usize];
            let counters = needs.counters_of(slot).iter();
            let mut writers: Vec<Op> = counters
                .filter_map(|counter| suppliers.get(counter))
                .flatten()
                .copied()
                .filter(|writer| *writer != reader)
                .collect();
            writers.sort_unstable();
            writers.dedup();
            match (writers.as_slice(), value == ABSENT) {
                ([], true) => found.push(ReadFrom {
                    key,
                    writer: None,
                    reader,
                }),
                (&[writer], false) => found.push(ReadFrom {
                    key,
                    writer: Some(writer),
                    reader,
                }),
                _ => {}
            }
        }
    }
    found
}

/// Whether an operation certainly writes a key.
pub(in crate::check) fn overwrites(problem: &Problem, op: Op, key: Key) -> bool {
    problem.parts(op).iter().any(|part| {
        part.key == key
            && match (part.act, part.reply) {
                (Act::Set(_) | Act::GetSet(_) | Act::Append(_), _) => true,
                (Act::Incr, Reply::Number(_)) => true,
                (Act::SetNx(_) | Act::Cas(..) | Act::Del, Reply::Flag(yes)) => yes,
                _ => false,
            }
    })
}
