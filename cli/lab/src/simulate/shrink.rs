//! Making a run that broke an invariant smaller, as long as it still breaks the same one.

use super::plan::Plan;
use super::run::run_plan;
use super::trace::Keep;
use super::workload::Step;

/// How many smaller runs are tried.
const ATTEMPTS_MAX: usize = 600;

/// Looks for fewer faults, clients and commands, and for calmer settings.
struct Shrinker {
    best: Plan,
    invariant: &'static str,
    attempts: usize,
}

/// A plan with fewer clients, commands and faults that breaks the same invariant; the one given if none is found.
pub(super) fn shrink(plan: &Plan, invariant: &'static str) -> Plan {
    let mut shrinker = Shrinker {
        best: plan.clone(),
        invariant,
        attempts: 0,
    };
    loop {
        let before = shrinker.best.size();
        shrinker.calm_down();
        shrinker.drop_faults();
        shrinker.drop_clients();
        shrinker.drop_steps();
        shrinker.drop_commands();
        if shrinker.best.size() == before || shrinker.attempts >= ATTEMPTS_MAX {
            return shrinker.best;
        }
    }
}

impl Shrinker {
    /// Tries a smaller plan; whether it is as bad as the best, and so becomes the best.
    fn try_plan(&mut self, plan: Plan) -> bool {
        if self.attempts >= ATTEMPTS_MAX {
            return false;
        }
        self.attempts += 1;
        let outcome = run_plan(&plan, Keep::Nothing);
        let found = outcome.violation;
        let is_same = found.is_some_and(|violation| violation.invariant == self.invariant);
        if is_same {
            self.best = plan;
        }
        is_same
    }

    /// Tries the best plan without a part of it.
    fn try_without(&mut self, leave_out: impl FnOnce(&mut Plan)) -> bool {
        let mut plan = self.best.clone();
        leave_out(&mut plan);
        self.try_plan(plan)
    }

    fn calm_down(&mut self) {
        for plan in self.best.calmer() {
            self.try_plan(plan);
        }
    }

    fn drop_faults(&mut self) {
        for at in (0..self.best.faults.len()).rev() {
            self.try_without(|plan| drop(plan.faults.remove(at)));
        }
    }

    fn drop_clients(&mut self) {
        for client in 0..self.best.clients.len() {
            if !self.best.clients[client].is_empty() {
                self.try_without(|plan| plan.clients[client].clear());
            }
        }
    }

    /// Leaves out stretches of each client's program, long ones first.
    fn drop_steps(&mut self) {
        for client in 0..self.best.clients.len() {
            let mut stretch = self.best.clients[client].len() / 2;
            while stretch > 0 {
                let mut at = 0;
                while at + stretch <= self.best.clients[client].len() {
                    let steps = at..at + stretch;
                    if !self.try_without(|plan| drop(plan.clients[client].drain(steps))) {
                        at += stretch;
                    }
                }
                stretch /= 2;
            }
        }
    }

    /// Leaves out single commands of a burst.
    fn drop_commands(&mut self) {
        for client in 0..self.best.clients.len() {
            for step in 0..self.best.clients[client].len() {
                let Step::Send(commands) = &self.best.clients[client][step] else {
                    continue;
                };
                for at in (0..commands.len()).rev() {
                    let mut plan = self.best.clone();
                    if let Step::Send(commands) = &mut plan.clients[client][step]
                        && commands.len() > 1
                    {
                        commands.remove(at);
                        self.try_plan(plan);
                    }
                }
            }
        }
    }
}
