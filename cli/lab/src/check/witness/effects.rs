//! What the order has, and what the replicas hold: nothing that nobody asked for, and no other data.

use super::{Claim, Free, Witness};
use crate::check::describe;
use crate::check::values::ABSENT;
use crate::check::verdict::{Kind, Verdict};
use crate::history::{Call, Outcome};
use std::collections::{HashMap, HashSet};

impl Witness<'_> {
    /// What is still free must be of operations that failed, and change nothing.
    pub(super) fn effects_were_asked_for(
        &mut self,
        calls: &[Option<Call>],
        free: &Free,
    ) -> Result<(), Verdict> {
        // Reads without a position were put where they fit, which need not be where they stand.
        let placed: HashSet<usize> = self.claims.iter().filter_map(Claim::by).collect();
        let mut asked: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, operation) in self.history.operations.iter().enumerate() {
            let is_roaming = operation.is_ok()
                && operation.position.is_none()
                && operation.call.is_read()
                && !placed.contains(&at);
            if (operation.outcome == Outcome::Fail || is_roaming)
                && let Some(number) = free.number(&operation.call)
            {
                asked.entry(number).or_default().push(at);
            }
        }
        let mut left: Vec<u64> = free.entries.iter().flatten().copied().collect();
        left.sort_unstable();
        for position in left {
            let index = position as usize - 1;
            let (Some(call), Claim::Free) = (&calls[index], &self.claims[index]) else {
                continue;
            };
            let like_it = free.number(call).and_then(|number| asked.get_mut(&number));
            let by = like_it
                .as_ref()
                .and_then(|operations| operations.last().copied());
            let line = describe::entry(&self.order.entries[index]);
            let words = match by {
                Some(_) if call.is_read() || self.errors[index] => {
                    like_it.and_then(Vec::pop);
                    continue;
                }
                Some(at) => format!(
                    "{} certainly did not happen, and position {position} is `{line}`",
                    describe::operation(self.history, at)
                ),
                None => format!("position {position} is `{line}`, an effect that nobody asked for"),
            };
            let operations = by.into_iter().collect();
            return Err(self.no(Kind::NotTheOrder, operations, vec![position], words));
        }
        Ok(())
    }

    /// What each replica held in the end must be what its order leaves.
    pub(super) fn final_data(&mut self) -> Result<(), Verdict> {
        for last in &self.history.finals {
            let mut reached = self.order.reached.iter();
            let Some(&(replica, position)) = reached.find(|(id, _)| *id == last.replica) else {
                continue;
            };
            let names = self.compiler.problem.key_names[..self.keys].to_vec();
            for name in names {
                let key = self.compiler.key(&name);
                let (held, _) = self.replay.at(key, position.saturating_sub(self.base));
                let values = &self.compiler.problem.values;
                let recorded = last.store.get(&name);
                let same = match recorded {
                    None => held == ABSENT,
                    Some(bytes) => held != ABSENT && values.bytes(held) == *bytes,
                };
                if !same {
                    let recorded = recorded.map_or("nil".to_owned(), |bytes| {
                        describe::shorten(&describe::word(bytes))
                    });
                    let words = format!(
                        "in the end `{}` is {recorded} at replica {replica}, and its order \
                         up to position {position} leaves {}",
                        String::from_utf8_lossy(&name),
                        describe::value(values, held)
                    );
                    return Err(self.no(Kind::NotConverged, vec![], vec![], words));
                }
            }
        }
        Ok(())
    }
}
