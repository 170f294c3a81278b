//! What was found whose writer is known, and who certainly overwrites what.

use crate::check::model::Key;
use crate::check::needs::Needs;
use crate::check::problem::{Op, Problem};
use crate::check::values::ABSENT;

/// A read that found what exactly one operation can have written, or what was there in the beginning.
#[derive(Clone, Copy, Debug)]
pub(in crate::check) struct ReadFrom {
    pub(in crate::check) key: Key,
    pub(in crate::check) writer: Option<Op>,
    pub(in crate::check) reader: Op,
}

/// The reads whose writer is known.
pub(in crate::check) fn reads_from(needs: &Needs, operations: &[Op]) -> Vec<ReadFrom> {
    let mut found = Vec::new();
    for &reader in operations {
        for &slot in needs.required(reader) {
            let (key, value) = needs.wanted[slot as usize];
            let mut writers = needs.suppliers_of(slot).filter(|writer| *writer != reader);
            let writer = writers.next();
            let is_only = writers.all(|other| Some(other) == writer);
            if is_only && writer.is_none() == (value == ABSENT) {
                found.push(ReadFrom {
                    key,
                    writer,
                    reader,
                });
            }
        }
    }
    found
}

/// Whether an operation certainly writes a key.
pub(in crate::check) fn overwrites(problem: &Problem, op: Op, key: Key) -> bool {
    let mut parts = problem.parts(op).iter();
    parts.any(|part| part.key == key && part.act.writes(part.reply))
}
