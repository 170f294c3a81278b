//! One turn of a replica's process.

use super::agenda::micros;
use super::violation::{Check, ensure};
use super::world::World;

impl World {
    /// Lets a replica's process do what there is to do.
    pub(super) fn turn(&mut self, index: usize) -> Check {
        let now = self.agenda.now();
        let machine = &mut self.machines[index];
        if machine.wake_at != Some(now) || !machine.runs() {
            return Ok(());
        }
        machine.wake_at = None;
        if machine.paused_until > now {
            machine.wake(now, &mut self.agenda);
            return Ok(());
        }
        let time = machine.now(now);
        machine.random.shuffle(machine.host.ready());
        machine.host.turn(&mut self.network, time);
        self.hear(index)?;
        self.dial(index);
        self.despatch()?;
        self.inspect_replica(index)?;
        self.schedule(index);
        Ok(())
    }

    /// Begins the connections that the replica asked for.
    fn dial(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        let now = machine.now(self.agenda.now());
        for end in machine.host.dial(index, &mut self.network, now) {
            self.opened(end);
        }
    }

    /// What has set out gets on its way, and whoever waited for room is told of it.
    pub(super) fn despatch(&mut self) -> Check {
        loop {
            while let Some(end) = self.network.next_posted() {
                self.listen(end)?;
                self.sky.plan(end, &mut self.network, &mut self.agenda);
            }
            let Some(end) = self.network.next_woken() else {
                return Ok(());
            };
            let party = self.network.party(end);
            match self.machines.get_mut(party) {
                Some(machine) => {
                    machine.host.writable(end, &self.network);
                    machine.wake(self.agenda.now() + 1, &mut self.agenda);
                }
                None => self.client_writable(party - self.machines.len(), end),
            }
        }
    }

    /// What must hold of a replica at the end of each turn.
    fn inspect_replica(&mut self, index: usize) -> Check {
        let Some(replica) = self.machines[index].host.replica() else {
            return Ok(());
        };
        if let Some(gossip) = replica.gossip() {
            return self.versions.inspect(index, gossip);
        }
        let divergence = replica.divergence();
        ensure!(
            divergence.is_none(),
            "no replica says that others differ",
            "replica {}: {divergence:?}",
            index + 1
        );
        let (Some(multicast), Some(store)) = (replica.ordered_state(), replica.ordered_store())
        else {
            return Ok(());
        };
        let heap = multicast.queue().check();
        ensure!(
            heap.is_ok(),
            "the holdback queue is a heap",
            "replica {}: {heap:?}",
            index + 1
        );
        let record = &mut self.ledger.record;
        record.inspect(index, store, multicast)?;
        record.digested(index, replica.order().digest())?;
        self.inspect_memory(index)
    }

    /// Lets the process run again when it has to.
    fn schedule(&mut self, index: usize) {
        let now = self.agenda.now();
        let machine = &mut self.machines[index];
        let soon = now + 1 + machine.random.below(self.plan.tuning.turn_delay);
        let deadline = machine.host.driver().and_then(|driver| driver.deadline());
        let next = match machine.host.has_work() {
            true => Some(soon),
            false => deadline.map(|deadline| micros(deadline).max(soon)),
        };
        if let Some(next) = next {
            machine.wake(next, &mut self.agenda);
        }
    }
}
