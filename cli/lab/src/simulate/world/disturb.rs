//! What goes wrong in a run: faults begin and end, and after the last one the weather clears up.

use super::{INSPECT_EVERY, World};
use crate::simulate::agenda::Happening;
use crate::simulate::faults::{Fault, PlannedFault};
use holdback_testkit::{ClientEnd, End};

impl World {
    /// A fault begins.
    pub(super) fn begin_fault(&mut self, index: usize) {
        let PlannedFault { lasts, fault, .. } = self.plan.faults[index].clone();
        let text = self.plan.faults[index].to_string();
        self.note(index, text.as_bytes(), || format!("FAULT {text}"));
        for (from, to) in fault.separated() {
            self.network.hold(from, to);
        }
        match fault {
            Fault::Cut { .. } => {}
            Fault::Break { a, b } => self.break_connections(a, b),
            Fault::BreakClient { client } => {
                let party = self.machines.len() + client;
                for replica in 0..self.machines.len() {
                    self.break_connections(party, replica);
                }
            }
            Fault::Slow { a, b, extra } => {
                self.sky.slow(a, b, extra);
                self.sky.slow(b, a, extra);
            }
            Fault::Pause { replica } => {
                self.machines[replica].paused_until = self.agenda.now() + lasts;
            }
            Fault::Restart { replica, silently } => self.stop(replica, silently),
            Fault::WallStep { replica, by } => self.machines[replica].wall_offset += by,
            Fault::Command { replica, line } => self.operate(replica, &line),
        }
        self.agenda.after(lasts, Happening::Heal { index });
    }

    /// A fault ends.
    pub(super) fn end_fault(&mut self, index: usize) {
        let fault = self.plan.faults[index].fault.clone();
        self.open_faults -= 1;
        if self.open_faults == 0 {
            self.clear_up();
        }
        for (from, to) in fault.separated() {
            self.release(from, to);
        }
        match fault {
            Fault::Slow { a, b, .. } => {
                self.sky.slow(a, b, 0);
                self.sky.slow(b, a, 0);
            }
            Fault::Restart { replica, .. } if !self.machines[replica].runs() => {
                self.agenda.after(1, Happening::Start { host: replica });
            }
            Fault::Command { .. } => self.heal_all(),
            _ => {}
        }
        if !fault.is_instant() {
            self.note(index, &[], || format!("ends: {fault}"));
        }
    }

    /// FAULT HEAL may have overtaken the command that it takes back, on another connection.
    pub(super) fn heal_again(&mut self) {
        let mut faults = self.plan.faults.iter();
        let commanded = faults.any(|fault| matches!(fault.fault, Fault::Command { .. }));
        let now = self.agenda.now();
        if commanded && self.open_faults == 0 && now % (10 * INSPECT_EVERY) < INSPECT_EVERY {
            self.heal_all();
        }
    }

    fn heal_all(&mut self) {
        for replica in 0..self.machines.len() {
            self.operate(replica, "FAULT HEAL *");
        }
    }

    /// The last fault has ended: the weather is fine from now on, so that everything can settle.
    pub(super) fn clear_up(&mut self) {
        // There is more room now, and whoever was waiting for some hears of it.
        self.sky.clear_up(&mut self.network);
        self.plan.tuning.hurry();
        for machine in &mut self.machines {
            machine.host.read_bytes = self.plan.tuning.read_bytes;
        }
    }

    /// Ends a cut of one direction. What waited goes on.
    fn release(&mut self, from: usize, to: usize) {
        if !self.network.release(from, to) {
            return;
        }
        for wire in self.network.between(from, to).collect::<Vec<_>>() {
            let end = End::dialler(wire);
            let end = match self.network.party(end) == from {
                true => end,
                false => end.other(),
            };
            if self.network.is_under_way(end) {
                self.sky.resume(end, &mut self.network, &mut self.agenda);
            }
        }
    }

    fn break_connections(&mut self, a: usize, b: usize) {
        for wire in self.network.between(a, b).collect::<Vec<_>>() {
            self.network.break_both(wire);
        }
    }

    /// Ends a replica's process.
    fn stop(&mut self, index: usize, silently: bool) {
        let machine = &mut self.machines[index];
        if !machine.runs() {
            return;
        }
        for end in machine.host.stop(&self.network) {
            if silently {
                self.network.vanish(end);
            } else {
                self.network.close(end, machine.random.permille(500));
            }
        }
        machine.wake_at = None;
        self.versions.ended(index);
    }

    /// Gives a replica a command as an operator would.
    fn operate(&mut self, replica: usize, line: &str) {
        let operator = self.machines.len() + self.clients.len();
        let wire = self.open(operator, replica);
        let mut client = ClientEnd::new(wire);
        client.send(format!("{line}\r\n").as_bytes(), &mut self.network);
        client.finish(&mut self.network);
    }
}
