//! The end of a run: everything that was cut is healed, and everything has to come to rest.

use super::violation::{Check, ensure};
use super::world::World;
use holdback::replica::Replica;
use holdback::store::Keyspace;

const SETTLES: &str = "after healing, everything settles";
const ACCOUNTED: &str =
    "an entry is in the order only if a client asked for it, once, and was not told that it failed";
const MEMORY: &str = "a link's memory stays under the pending limit plus a constant";

/// What a link may hold beside the entries that the pending limit lets in: a few long ones, acks and
/// heartbeats.
const LINK_BYTES: usize = 24 << 10;

impl World {
    pub(super) fn replicas(&self) -> impl Iterator<Item = (usize, &Replica)> {
        let machines = self.machines.iter().enumerate();
        machines.filter_map(|(index, machine)| Some((index, machine.host.replica()?)))
    }

    /// Whether a replica that took part restarted empty: the ordered models go on without it only as far
    /// as they need none of its acks.
    pub(super) fn is_stuck(&self) -> bool {
        self.replicas().any(|(_, replica)| replica.is_refused())
    }

    /// Whether all replicas agree and nothing is under way.
    pub(super) fn check_settled(&self) -> Check {
        if self.plan.consistency.is_ordered() {
            if self.is_stuck() {
                return Ok(());
            }
            return self.check_ordered_settled();
        }
        self.check_eventual_settled()
    }

    fn check_ordered_settled(&self) -> Check {
        let last = self.ledger.record.order.len() as u64;
        for (index, replica) in self.replicas() {
            let position = replica.order().position();
            let held = replica
                .ordered_state()
                .map_or(0, |multicast| multicast.queue().len());
            ensure!(
                position == last && held == 0,
                SETTLES,
                "replica {} is at position {position} of {last}, with {held} entries held back",
                index + 1
            );
        }
        Ok(())
    }

    fn check_eventual_settled(&self) -> Check {
        let mut first = None;
        for (index, replica) in self.replicas() {
            let Some(gossip) = replica.gossip() else {
                continue;
            };
            let versions = gossip.versions();
            let state = (gossip.vector(), versions.digest(), versions.len());
            let (other, expected) = *first.get_or_insert((index, state));
            ensure!(
                state == expected,
                SETTLES,
                "replica {} has {state:?}, replica {} {expected:?}",
                index + 1,
                other + 1
            );
            // What an incarnation wrote just before it ended may be held everywhere and vouched for by nobody.
            if !gossip.vouches_for_all() {
                continue;
            }
            let tombstones = versions.tombstones();
            ensure!(
                tombstones == 0,
                SETTLES,
                "replica {} keeps {tombstones} tombstones",
                index + 1
            );
        }
        Ok(())
    }

    /// The checks that need the whole run.
    pub(super) fn finish(&mut self) -> Check {
        self.check_settled()?;
        self.counts.positions = self.ledger.record.order.len() as u64;
        self.counts.time = self.agenda.now();
        if !self.plan.consistency.is_ordered() {
            self.versions.converged()?;
            return self.judge_history();
        }
        let ledger = &mut self.ledger;
        for (placed, position) in ledger.record.order.iter().zip(1..) {
            let origin = placed.stamp.replica.index();
            let text = placed.body.describe();
            ensure!(
                placed.claimed || ledger.unclaimed.take(origin, text),
                ACCOUNTED,
                "position {position} is {} [{}]",
                placed.stamp,
                placed.body.describe()
            );
        }
        self.judge_history()
    }

    /// What a replica keeps for its links is bounded.
    pub(super) fn inspect_memory(&self, index: usize) -> Check {
        let pending = self.plan.tuning.settings.pending_bytes_max;
        let limit = pending.saturating_mul(3).saturating_add(LINK_BYTES);
        let driver = self.machines[index].host.driver().into_iter();
        let kept = driver.flat_map(|driver| {
            let delayed = driver.replica().delayed_bytes();
            driver.links_unsent().chain(delayed)
        });
        for bytes in kept {
            ensure!(
                bytes <= limit,
                MEMORY,
                "replica {} holds {bytes} bytes for a link",
                index + 1
            );
        }
        Ok(())
    }
}
