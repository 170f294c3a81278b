//! Lines for clients: which processes share one.

use super::picture::Client;
use super::requests::Request;
use crate::history::{History, Outcome};
use std::collections::{BTreeMap, HashMap};

/// The lines of a history's processes, and of each operation its line.
///
/// A process whose operation may or may not have happened is replaced by a new one, which goes on in its
/// line: a person thinks of both as one client.
pub(super) fn of_history(history: &History) -> (Vec<Client>, Vec<usize>) {
    struct Process {
        first: u64,
        last: u64,
        ended_open: bool,
        replica: Option<u64>,
    }
    let mut processes: BTreeMap<u64, Process> = BTreeMap::new();
    for operation in &history.operations {
        let ended = operation.completed.unwrap_or(operation.invoked);
        let process = processes.entry(operation.process).or_insert(Process {
            first: operation.invoked,
            last: ended,
            ended_open: false,
            replica: operation.replica,
        });
        process.last = process.last.max(ended);
        process.ended_open = operation.outcome == Outcome::Info;
    }
    let mut in_time: Vec<(&u64, &Process)> = processes.iter().collect();
    in_time.sort_by_key(|(id, process)| (process.first, **id));

    // Of each line: its replica, its first process, and when it may be gone on with.
    let mut lines: Vec<(Option<u64>, u64, Option<u64>)> = Vec::new();
    let mut line_of: HashMap<u64, usize> = HashMap::new();
    for (id, process) in in_time {
        let fits = |(_, (replica, _, free)): &(usize, &(Option<u64>, u64, Option<u64>))| {
            *replica == process.replica && free.is_some_and(|free| free <= process.first)
        };
        let latest = lines.iter().enumerate().filter(fits);
        let free = process.ended_open.then_some(process.last);
        let line = match latest.max_by_key(|(_, line)| line.2).map(|(at, _)| at) {
            Some(line) => {
                lines[line].2 = free;
                line
            }
            None => {
                lines.push((process.replica, *id, free));
                lines.len() - 1
            }
        };
        line_of.insert(*id, line);
    }

    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|line| (lines[*line].0, lines[*line].1));
    let mut place_of = vec![0; lines.len()];
    for (place, line) in order.iter().enumerate() {
        place_of[*line] = place;
    }
    let client = |line: &usize| Client {
        name: format!("client {}", lines[*line].1),
        replica: lines[*line].0.and_then(|id| u16::try_from(id).ok()),
    };
    let operations = history.operations.iter();
    let operations = operations.map(|operation| place_of[line_of[&operation.process]]);
    (order.iter().map(client).collect(), operations.collect())
}

/// The lines of the clients that replicas traced, and of each request its line.
pub(super) fn of_requests(requests: &[Request]) -> (Vec<Client>, Vec<usize>) {
    let mut places: BTreeMap<(u16, u32), usize> = BTreeMap::new();
    for request in requests {
        places.insert((request.replica, request.client), 0);
    }
    let mut clients = Vec::new();
    for ((replica, client), place) in &mut places {
        *place = clients.len();
        clients.push(Client {
            name: format!("client {}", client + 1),
            replica: Some(*replica),
        });
    }
    let lines = requests.iter();
    let lines = lines.map(|request| places[&(request.replica, request.client)]);
    (clients, lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::read;

    #[test]
    fn a_process_goes_on_in_the_line_of_the_one_that_it_replaces() {
        let line = |process: u64, kind: &str, time: u64, replica: u64| {
            format!(
                r#"{{"process":{process},"type":"{kind}","f":"get","key":"x","replica":{replica},"time":{time}}}"#
            )
        };
        let text = [
            line(1, "invoke", 0, 2),
            line(2, "invoke", 1, 1),
            line(3, "invoke", 1, 2),
            line(1, "info", 5, 2),
            line(2, "fail", 5, 1),
            line(3, "fail", 6, 2),
            line(4, "invoke", 7, 2),
            line(4, "info", 8, 2),
            line(5, "invoke", 9, 2),
        ];
        let history = read(text.join("\n").as_bytes()).unwrap();
        let (clients, lines) = of_history(&history);
        let names: Vec<_> = clients
            .iter()
            .map(|c| (c.name.as_str(), c.replica))
            .collect();
        assert_eq!(
            names,
            [
                ("client 2", Some(1)),
                ("client 1", Some(2)),
                ("client 3", Some(2))
            ]
        );
        assert_eq!(lines, [1, 0, 2, 1, 1]);
    }
}
