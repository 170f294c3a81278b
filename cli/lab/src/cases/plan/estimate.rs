//! How long a run is going to take, estimated from its delays and faults.

use super::Plan;
use crate::cases::case::{Case, FaultKind, LinkDelay, joins};
use holdback::command::{Kind, lookup};
use holdback::consistency::Consistency;
use std::time::Duration;

/// A write that a cut holds up is answered with an error after this long, by default.
const REQUEST_TIMEOUT: f64 = 10.0;

/// A link that was healed is dialled again within about this time.
const REDIAL: f64 = 0.5;

/// How long the run takes until everything is settled: an estimate for a listing.
#[must_use]
pub fn estimate(case: &Case, plan: &Plan) -> Duration {
    let mut world = World::new(case);
    // Each client's next request, and when it is sent.
    let mut next: Vec<(usize, f64)> = plan
        .delays
        .iter()
        .map(|delays| (0, delays.first().map_or(0.0, Duration::as_secs_f64)))
        .collect();
    let mut end = case.faults.iter().map(|fault| fault.at).fold(0.0, f64::max);
    while let Some(client) = earliest(case, &next) {
        let (request, sent) = next[client];
        let answered = world.answered(client, request, sent);
        end = end.max(answered);
        let delay = plan.delays[client]
            .get(request + 1)
            .copied()
            .unwrap_or_default();
        next[client] = (request + 1, answered + delay.as_secs_f64());
    }
    end = world.delivered.iter().copied().fold(end, f64::max);
    Duration::from_secs_f64(end)
}

/// The client whose next request comes first.
fn earliest(case: &Case, next: &[(usize, f64)]) -> Option<usize> {
    (0..next.len())
        .filter(|&client| next[client].0 < case.clients[client].requests.len())
        .min_by(|&a, &b| next[a].1.total_cmp(&next[b].1))
}

struct World<'a> {
    case: &'a Case,
    /// When each replica has delivered everything stamped so far.
    delivered: Vec<f64>,
}

impl<'a> World<'a> {
    fn new(case: &'a Case) -> Self {
        let delivered = vec![0.0; case.num_processes + 1];
        Self { case, delivered }
    }

    /// When a request sent at the time `sent` is answered.
    fn answered(&mut self, client: usize, request: usize, sent: f64) -> f64 {
        let case = self.case;
        let client = &case.clients[client];
        let kind = lookup(client.requests[request].op.as_bytes()).map(|spec| spec.kind);
        let travels = match kind {
            Some(Kind::Write) => true,
            Some(Kind::Read) => case.consistency == Consistency::Linearizable,
            _ => false,
        };
        if !travels {
            return sent;
        }
        self.deliver(client.process, sent);
        match case.consistency.is_ordered() {
            true => self.delivered[client.process].clamp(sent, sent + REQUEST_TIMEOUT),
            false => sent,
        }
    }

    /// Multicasts an entry, or sends an update.
    fn deliver(&mut self, origin: usize, sent: f64) {
        let replicas = || 1..=self.case.num_processes;
        let received = |to| self.arrives(origin, to, sent);
        // In an ordered model a replica waits for the acks of all others.
        let acked = |from, to| self.arrives(from, to, received(from));
        let known = |to| match self.case.consistency.is_ordered() {
            true => replicas().map(|from| acked(from, to)).fold(0.0, f64::max),
            false => received(to),
        };
        let known: Vec<f64> = replicas().map(known).collect();
        for (delivered, known) in self.delivered[1..].iter_mut().zip(known) {
            *delivered = delivered.max(known);
        }
    }

    /// When a frame sent at a time arrives.
    fn arrives(&self, from: usize, to: usize, sent: f64) -> f64 {
        if from == to {
            return sent;
        }
        let (mut leaves, mut delay) = (sent, 0.0);
        let starts = |delay: &LinkDelay| (0.0, FaultKind::Delay(*delay));
        let starts = self.case.delays.iter().map(starts);
        let mut cut = false;
        for (at, kind) in starts.chain(self.case.faults_in_time()) {
            match kind {
                FaultKind::Cut(pair) if joins(pair, from, to) => cut |= at <= sent,
                FaultKind::Heal(pair) if joins(pair, from, to) && cut => {
                    if at > sent {
                        leaves = leaves.max(at + REDIAL);
                    }
                    cut = false;
                }
                FaultKind::Delay(d) if (d.from, d.to) == (from, to) && at <= sent => {
                    delay = d.seconds.max;
                }
                _ => {}
            }
        }
        if cut {
            leaves += REQUEST_TIMEOUT;
        }
        leaves + delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(consistency: &str, rest: &str) -> f64 {
        let case = Case::parse(&format!(
            r#"{{"name":"c","consistency":"{consistency}","num_processes":3,{rest}}}"#
        ))
        .expect("a good case");
        estimate(&case, &Plan::new(&case, 1)).as_secs_f64()
    }

    #[test]
    fn delays_add_up_as_they_do_in_a_run() {
        let hold_back = r#""delays":[{"from":1,"to":2,"seconds":1}],"clients":[
            {"process":1,"requests":[{"op":"SET","args":["x","m1"]}]},
            {"process":3,"requests":[{"delay":0.1,"op":"SET","args":["x","m2"]}]}]"#;
        // The acknowledgement that 1 sends to 2 for m2 takes the same slow way.
        assert!((seconds("sequential", hold_back) - 1.1).abs() < 0.01);
        let read = r#""delays":[{"from":2,"to":3,"seconds":1},{"from":3,"to":2,"seconds":1}],
            "clients":[{"process":2,"requests":[{"delay":0.3,"op":"GET","args":["x"]}]}]"#;
        assert!((seconds("sequential", read) - 0.3).abs() < 0.01);
        assert!((seconds("linearizable", read) - 2.3).abs() < 0.01);
    }

    #[test]
    fn a_cut_holds_a_write_until_it_heals() {
        let cut = r#""faults":[{"at":0.5,"cut":[1,3]},{"at":3,"heal":[1,3]}],"clients":[
            {"process":1,"requests":[{"delay":1,"op":"SET","args":["x","1"]}]}]"#;
        assert!((seconds("sequential", cut) - (3.0 + REDIAL)).abs() < 0.01);
    }
}
