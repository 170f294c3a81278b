//! Clients whose connections break in the midst of an operation.

use crate::cluster::Cluster;
use holdback_lab::history::{Call, Outcome};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

/// Stands in front of a replica. Each connection is closed in both directions once this many bytes have come
/// from the client; what came last is passed on to the replica, or is not, turn by turn.
const BYTES: usize = 2500;

fn stand_before(address: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (client, number) in listener.incoming().flatten().zip(0..) {
            let Ok(replica) = TcpStream::connect(&address) else {
                continue;
            };
            let (from, to) = (replica.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || pass(from, to, usize::MAX, true));
            std::thread::spawn(move || pass(client, replica, BYTES, number % 2 == 0));
        }
    });
    own
}

fn pass(mut from: TcpStream, mut to: TcpStream, most: usize, whole: bool) {
    let (mut passed, mut piece) = (0, [0; 4096]);
    while passed < most {
        let count = from.read(&mut piece).unwrap_or(0);
        passed += count;
        let ends = count == 0 || passed >= most;
        if ends && count > 0 && !whole {
            break;
        }
        if to.write_all(&piece[..count]).is_err() || count == 0 {
            break;
        }
    }
    // Whatever the other direction still has to say is not heard any more.
    let _gone = from.shutdown(Shutdown::Both);
    let _gone = to.shutdown(Shutdown::Both);
}

#[test]
fn what_was_sent_and_not_answered_may_have_happened_and_ends_its_process() {
    let cluster = Cluster::up("sequential");
    let addresses = (0..3).map(|at| format!("127.0.0.1:{}", cluster.place.first_port + at));
    let before: Vec<String> = addresses.map(stand_before).collect();
    let answer = cluster.place.lab(&format!(
        "load --cluster {} --ops 800 --clients 6 --witness --seed 5 --pipeline 2",
        before.join(",")
    ));
    let answer = answer.exits(0);
    assert!(
        answer.out.contains("the connection was closed"),
        "{answer:?}"
    );
    assert!(
        answer.out.contains("lost, or could not be made"),
        "{answer:?}"
    );
    let run = cluster.place.latest_path().into();
    let cluster = Cluster { run, ..cluster };
    let history = cluster.history();
    assert_eq!(history.operations.len(), 800);
    let unknown: Vec<_> = history
        .operations
        .iter()
        .filter(|operation| operation.outcome == Outcome::Info)
        .collect();
    assert!(unknown.len() >= 6, "{}", unknown.len());
    for operation in &unknown {
        let later = history
            .operations
            .iter()
            .filter(|other| other.process == operation.process)
            .filter(|other| other.invoked > operation.completed.unwrap());
        assert_eq!(later.count(), 0, "{operation:?} is not its process's last");
    }
    // No client is lost with its connection.
    let mut invoked: HashMap<u64, usize> = HashMap::new();
    for operation in &history.operations {
        *invoked.entry(operation.process).or_default() += 1;
    }
    assert!(invoked.len() > 6, "{invoked:?}");

    // Each effect was asked for: by an operation that was answered, or by one that may have happened.
    let order = cluster.order(1);
    assert_eq!(cluster.order(2), order);
    for entry in &order {
        let call = Call::of_commands(&entry.commands);
        let claimed = history.operations.iter().any(|operation| {
            operation.is_ok()
                && operation.position == Some(entry.position)
                && Some(&operation.call) == call.as_ref()
        });
        let unknown = unknown
            .iter()
            .any(|operation| Some(&operation.call) == call.as_ref());
        assert!(claimed || unknown, "{entry:?}");
    }
}
