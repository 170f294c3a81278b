//! Which request, in a replica's trace, is which operation of the history.
//!
//! A history knows processes and times from the start of the run; a trace knows clients and wall times. A
//! process is one connection, so it is one client: the one that asked for the same things at the right times.

use super::asked::Command;
use super::requests::Request;
use crate::history::{History, Operation};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How far the clocks of a client and a replica on one machine may seem to be apart, in nanoseconds.
const SLACK: u64 = 5_000_000;

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pairing {
    /// The wall time of the history's time zero, in nanoseconds, if it is known.
    pub(super) zero: Option<u64>,
    /// Of each operation, its request: a place in the list.
    pub(super) request: Vec<Option<usize>>,
}

/// Pairs the operations of a history with the requests of all traces.
pub(super) fn pair(history: &History, requests: &[Request]) -> Pairing {
    let operations = &history.operations;
    let commands: Vec<u64> = operations
        .iter()
        .map(|operation| Command::of_call(&operation.call).fingerprint)
        .collect();
    let recorded = history
        .meta
        .as_ref()
        .and_then(|meta| meta.get("started_wall_ns")?.as_u64());
    let zero = recorded.or_else(|| infer_zero(operations, &commands, requests));
    let mut pairing = Pairing {
        zero,
        request: vec![None; operations.len()],
    };
    let (Some(zero), true) = (zero, history.timed) else {
        return pairing;
    };
    let searched = Searched {
        operations,
        commands: &commands,
        requests,
        zero,
    };
    let of_client = requests_by_client(requests);
    let mut by_process: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (place, operation) in operations.iter().enumerate() {
        by_process.entry(operation.process).or_default().push(place);
    }
    let votes = searched.votes();
    let mut taken = HashSet::new();
    for (process, places) in &by_process {
        if let Some(client) = votes.get(process)
            && let Some(theirs) = of_client.get(client)
        {
            searched.follow(places, theirs, &mut taken, &mut pairing.request);
        }
    }
    pairing
}

type Client = (u16, u32);

fn requests_by_client(requests: &[Request]) -> HashMap<Client, Vec<usize>> {
    let mut by_client: HashMap<Client, Vec<usize>> = HashMap::new();
    for (place, request) in requests.iter().enumerate() {
        let client = (request.replica, request.client);
        by_client.entry(client).or_default().push(place);
    }
    by_client
}

/// The time zero of a history that does not name it: commands that occur once on either side tell it. A
/// request comes in after its invocation, so the smallest difference is the best.
fn infer_zero(operations: &[Operation], commands: &[u64], requests: &[Request]) -> Option<u64> {
    let asked = requests.iter();
    let asked = times(asked.map(|request| (request.command.fingerprint, request.came)));
    let called = operations.iter().map(|operation| operation.invoked);
    let called = times(commands.iter().copied().zip(called));
    let differences = called.iter().filter_map(|(command, invoked)| {
        let came = (*asked.get(command)?)?;
        came.checked_sub((*invoked)?)
    });
    differences.min()
}

/// The time of each command; none for one that occurs more than once.
fn times(commands: impl Iterator<Item = (u64, u64)>) -> HashMap<u64, Option<u64>> {
    let mut times = HashMap::new();
    for (command, time) in commands {
        let known = times.entry(command).and_modify(|time| *time = None);
        known.or_insert(Some(time));
    }
    times
}

struct Searched<'a> {
    operations: &'a [Operation],
    commands: &'a [u64],
    requests: &'a [Request],
    zero: u64,
}

impl Searched<'_> {
    /// The client that each process most likely is. An operation that fits several requests counts less for
    /// each of them.
    fn votes(&self) -> HashMap<u64, Client> {
        let mut by_command: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, request) in self.requests.iter().enumerate() {
            let places = by_command.entry(request.command.fingerprint);
            places.or_default().push(place);
        }
        for places in by_command.values_mut() {
            places.sort_by_key(|place| self.requests[*place].came);
        }
        let mut votes: BTreeMap<u64, BTreeMap<Client, f64>> = BTreeMap::new();
        for (operation, command) in self.operations.iter().zip(self.commands) {
            let Some(places) = by_command.get(command) else {
                continue;
            };
            let earliest = self.wall(operation.invoked).saturating_sub(SLACK);
            let first = places.partition_point(|place| self.requests[*place].came < earliest);
            // More than a handful of candidates tell nothing.
            let fitting: Vec<&Request> = places[first..]
                .iter()
                .map(|place| &self.requests[*place])
                .take_while(|request| self.is_in_time(operation, request))
                .filter(|request| {
                    operation
                        .replica
                        .is_none_or(|id| id == u64::from(request.replica))
                })
                .take(8)
                .collect();
            let weight = 1.0 / (fitting.len().max(1) as f64).powi(2);
            let votes = votes.entry(operation.process).or_default();
            for request in &fitting {
                *votes.entry((request.replica, request.client)).or_default() += weight;
            }
        }
        let winner = |votes: BTreeMap<Client, f64>| {
            let best = votes.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
            best.map(|(client, _)| client)
        };
        votes
            .into_iter()
            .filter_map(|(process, votes)| Some((process, winner(votes)?)))
            .collect()
    }

    /// The wall time of a time of the history. Whatever a file says, there is none behind the last.
    fn wall(&self, time: u64) -> u64 {
        self.zero.saturating_add(time)
    }

    fn is_in_time(&self, operation: &Operation, request: &Request) -> bool {
        let invoked = self.wall(operation.invoked);
        let ended = operation.completed.map(|time| self.wall(time));
        let came = request.came.saturating_add(SLACK);
        came >= invoked && ended.is_none_or(|ended| request.came <= ended.saturating_add(SLACK))
    }

    /// Pairs a process's operations with its client's requests; both are in program order.
    fn follow(
        &self,
        operations: &[usize],
        requests: &[usize],
        taken: &mut HashSet<usize>,
        paired: &mut [Option<usize>],
    ) {
        let mut next = 0;
        for place in operations {
            let operation = &self.operations[*place];
            let fits = |request: &&usize| {
                let known = &self.requests[**request];
                !taken.contains(*request)
                    && known.command.fingerprint == self.commands[*place]
                    && self.is_in_time(operation, known)
            };
            let latest = operation
                .completed
                .map(|time| self.wall(time).saturating_add(SLACK));
            let in_time = |request: &&usize| {
                latest.is_none_or(|latest| self.requests[**request].came <= latest)
            };
            let found = requests.iter().enumerate().skip(next);
            let mut found = found.take_while(|(_, request)| in_time(request));
            let found = found.find(|(_, request)| fits(request));
            if let Some((at, request)) = found {
                next = at + 1;
                taken.insert(*request);
                paired[*place] = Some(*request);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Answer, Call, Outcome};

    fn call(text: &str) -> Call {
        let words: Vec<&str> = text.split(' ').collect();
        Call::of_command(&words).unwrap()
    }

    fn operation(process: u64, text: &str, invoked: u64, completed: Option<u64>) -> Operation {
        Operation {
            process,
            call: call(text),
            invoked,
            completed,
            outcome: completed.map_or(Outcome::Info, |_| Outcome::Ok(Answer::Unknown)),
            replica: Some(1),
            position: None,
            line: 0,
        }
    }

    fn request(client: u32, text: &str, came: u64) -> Request {
        Request {
            replica: 1,
            client,
            came,
            command: Command::of_call(&call(text)),
            reply: None,
            stamp: None,
            made: Vec::new(),
        }
    }

    const MS: u64 = 1_000_000;

    #[test]
    fn a_process_is_the_client_that_asked_for_the_same() {
        let history = History {
            operations: vec![
                operation(1, "SET x 1", 0, Some(10 * MS)),
                operation(2, "SET x 2", MS, Some(9 * MS)),
                operation(1, "GET x", 10 * MS, Some(11 * MS)),
                operation(2, "GET x", 10 * MS, Some(11 * MS)),
                operation(2, "SET x 3", 20 * MS, None),
            ],
            timed: true,
            ..History::default()
        };
        let zero = 1_000 * MS;
        let requests = [
            request(7, "GET x", zero),
            request(5, "SET x 1", zero + MS / 2),
            request(6, "SET x 2", zero + MS + 1),
            request(6, "GET x", zero + 10 * MS),
            request(5, "GET x", zero + 10 * MS),
        ];
        let found = pair(&history, &requests);
        assert_eq!(
            found.zero,
            Some(zero + 1),
            "the quickest request tells best"
        );
        assert_eq!(found.request, [Some(1), Some(2), Some(4), Some(3), None]);
    }

    #[test]
    fn one_connection_may_be_two_processes_one_after_the_other() {
        let mut history = History {
            operations: vec![
                operation(1, "INCR x", 0, Some(MS)),
                operation(2, "INCR x", 2 * MS, Some(3 * MS)),
                operation(2, "INCR x", 4 * MS, Some(5 * MS)),
            ],
            timed: true,
            ..History::default()
        };
        let requests: Vec<Request> = [1, 2, 4]
            .map(|at| request(3, "INCR x", 100 * MS + at * MS))
            .into();
        assert_eq!(
            pair(&history, &requests).zero,
            None,
            "nothing occurs only once"
        );
        let meta = serde_json::json!({"started_wall_ns": 100 * MS});
        history.meta = meta.as_object().cloned();
        let found = pair(&history, &requests);
        assert_eq!(found.request, [Some(0), Some(1), Some(2)]);
    }
}
