//! What goes wrong in a run: faults begin and end, and after the last one the weather clears up.

use super::{INSPECT_EVERY, World};
use crate::simulate::agenda::Happening;
use crate::simulate::faults::{Fault, PlannedFault};
use crate::simulate::violation::Check;

impl World {
    /// A fault begins.
    pub(super) fn begin_fault(&mut self, index: usize) -> Check {
        let PlannedFault { lasts, fault, .. } = self.plan.faults[index].clone();
        let text = self.plan.faults[index].to_string();
        self.note(index, text.as_bytes(), || format!("FAULT {text}"));
        for (from, to) in fault.separated() {
            self.network.hold(from, to, true, &mut self.agenda);
        }
        match fault {
            Fault::Cut { .. } => {}
            Fault::Break { a, b } => self.break_connections(a, b),
            Fault::BreakClient { client } => {
                let party = self.hosts.len() + client;
                for replica in 0..self.hosts.len() {
                    self.break_connections(party, replica);
                }
            }
            Fault::Slow { a, b, extra } => {
                self.network.slow(a, b, extra);
                self.network.slow(b, a, extra);
            }
            Fault::Pause { replica } => {
                self.hosts[replica].paused_until = self.agenda.now() + lasts;
            }
            Fault::Restart { replica, silently } => self.stop(replica, silently),
            Fault::WallStep { replica, by } => self.hosts[replica].wall_offset += by,
            Fault::Command { replica, line } => self.operate(replica, &line),
        }
        self.agenda.after(lasts, Happening::Heal { index });
        Ok(())
    }

    /// A fault ends.
    pub(super) fn end_fault(&mut self, index: usize) {
        let fault = self.plan.faults[index].fault.clone();
        self.open_faults -= 1;
        if self.open_faults == 0 {
            self.clear_up();
        }
        for (from, to) in fault.separated() {
            self.network.hold(from, to, false, &mut self.agenda);
        }
        match fault {
            Fault::Slow { a, b, .. } => {
                self.network.slow(a, b, 0);
                self.network.slow(b, a, 0);
            }
            Fault::Restart { replica, .. } if self.hosts[replica].replica.is_none() => {
                self.agenda.after(1, Happening::Start { host: replica });
            }
            Fault::Command { .. } => {
                for replica in 0..self.hosts.len() {
                    self.operate(replica, "FAULT HEAL *");
                }
            }
            _ => {}
        }
        if !fault.is_instant() {
            self.note(index, &[], || format!("ends: {fault}"));
        }
    }

    /// FAULT HEAL may have overtaken the command that it takes back, on another connection.
    pub(super) fn heal_again(&mut self) {
        let commanded = self
            .plan
            .faults
            .iter()
            .any(|fault| matches!(fault.fault, Fault::Command { .. }));
        let now = self.agenda.now();
        if commanded && self.open_faults == 0 && now % (10 * INSPECT_EVERY) < INSPECT_EVERY {
            for replica in 0..self.hosts.len() {
                self.operate(replica, "FAULT HEAL *");
            }
        }
    }

    /// The last fault has ended: the weather is fine from now on, so that everything can settle.
    pub(super) fn clear_up(&mut self) {
        self.network.weather.clear_up();
        self.plan.tuning.hurry();
        // There is more room now, and whoever was waiting for some has to hear of it.
        for (wire, side) in self.network.stuck() {
            self.writable(wire, side);
        }
    }

    fn break_connections(&mut self, a: usize, b: usize) {
        for wire in 0..self.network.wires.len() {
            let parties = self.network.wires[wire].parties;
            if parties == [a, b] || parties == [b, a] {
                self.network.break_both(wire, &mut self.agenda);
            }
        }
    }

    /// Ends a replica's process.
    fn stop(&mut self, index: usize, silently: bool) {
        let host = &mut self.hosts[index];
        if host.replica.take().is_none() {
            return;
        }
        let mut out = std::mem::take(&mut host.out);
        host.out.journal = out.journal.take();
        let sockets = out
            .slots
            .into_iter()
            .flatten()
            .map(|socket| (socket.wire, socket.side));
        let waiting = host.backlog.drain(..).map(|wire| (wire, 1));
        for (wire, side) in sockets.chain(waiting).collect::<Vec<_>>() {
            if silently {
                self.network.vanish(wire, side);
            } else {
                let abruptly = self.hosts[index].random.permille(500);
                self.network.close(wire, side, abruptly, &mut self.agenda);
            }
        }
        let host = &mut self.hosts[index];
        host.connected.clear();
        host.unreachable.clear();
        host.wake_at = None;
        self.versions.ended(index);
    }

    /// Gives a replica a command as an operator would.
    fn operate(&mut self, replica: usize, line: &str) {
        let operator = self.hosts.len() + self.clients.len();
        let wire = self.open(operator, replica);
        self.network
            .send(wire, 0, format!("{line}\r\n").as_bytes(), &mut self.agenda);
        self.network.end(wire, 0, &mut self.agenda);
    }
}
