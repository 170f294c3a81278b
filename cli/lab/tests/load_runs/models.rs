//! Short loads of each model, and what they record.

use crate::cluster::Cluster;
use holdback_lab::history::{Call, History, Outcome, Word};
use std::collections::{BTreeMap, HashSet};

/// Each value that was written, once for each time.
fn written(history: &History) -> Vec<&Word> {
    fn of(call: &Call) -> Vec<&Word> {
        match call {
            Call::Set(_, value)
            | Call::SetNx(_, value)
            | Call::GetSet(_, value)
            | Call::Append(_, value)
            | Call::Cas(_, _, value) => vec![value],
            Call::Mset(pairs) => pairs.iter().map(|(_, value)| value).collect(),
            Call::Txn(calls) => calls.iter().flat_map(of).collect(),
            _ => Vec::new(),
        }
    }
    let operations = history.operations.iter();
    operations
        .flat_map(|operation| of(&operation.call))
        .collect()
}

/// What holds of every history of a load that nothing disturbed.
fn check(history: &History, operations: usize, clients: u64) {
    assert_eq!(history.operations.len(), operations);
    assert!(history.timed);
    for operation in &history.operations {
        assert!(operation.is_ok(), "{operation:?}");
        assert!(operation.completed.unwrap() > operation.invoked);
        assert!((1..=clients).contains(&operation.process));
        assert_eq!(operation.replica, Some((operation.process - 1) % 3 + 1));
    }
    let values = written(history);
    let different: HashSet<_> = values.iter().collect();
    assert!(values.len() > operations / 4);
    assert_eq!(different.len(), values.len(), "a value was written twice");
    assert_eq!(history.finals.len(), 3);
    let stores: Vec<_> = history.finals.iter().map(|last| &last.store).collect();
    assert!(!stores[0].is_empty());
    assert!(stores.iter().all(|store| *store == stores[0]));
}

#[test]
fn ordered_clusters_are_recorded_with_positions_and_orders() {
    for model in ["sequential", "linearizable"] {
        let cluster = Cluster::up(model);
        let arguments = "--ops 600 --clients 5 --pipeline 3 --witness";
        let answer = cluster.load(arguments).exits(0);
        assert!(answer.out.contains("600 answered in"), "{answer:?}");
        assert!(answer.out.contains("no errors"), "{answer:?}");
        let history = cluster.history();
        check(&history, 600, 5);
        assert_eq!(history.consistency().unwrap().name(), model);
        assert_eq!(history.meta.as_ref().unwrap()["seed"], 7);

        let order = cluster.order(1);
        assert_eq!(cluster.order(2), order);
        assert_eq!(cluster.order(3), order);
        let positions = order.iter().map(|entry| entry.position);
        assert!(positions.eq(1..=order.len() as u64));
        let mut claimed = HashSet::new();
        for operation in &history.operations {
            let position = operation.position.expect("each operation has its position");
            let is_ordered = model == "linearizable" || !operation.call.is_read();
            if is_ordered {
                let entry = &order[usize::try_from(position).unwrap() - 1];
                assert_eq!(
                    Call::of_commands(&entry.commands),
                    Some(operation.call.clone())
                );
                assert!(claimed.insert(position), "claimed twice: {position}");
            }
        }
        assert_eq!(claimed.len(), order.len(), "nobody asked for the rest");
    }
}

#[test]
fn an_eventual_cluster_is_recorded_with_what_it_holds_in_the_end() {
    let cluster = Cluster::up("eventual");
    let arguments = "--ops 600 --clients 5 --witness --keys 4";
    cluster.load(arguments).exits(0);
    let history = cluster.history();
    check(&history, 600, 5);
    assert!(history.operations.iter().all(|o| o.position.is_none()));
    let store = std::fs::read_to_string(cluster.run.join("replica-2.store.json")).unwrap();
    let store: BTreeMap<String, String> = serde_json::from_str(&store).unwrap();
    assert_eq!(store.len(), history.finals[1].store.len());
    assert!(store.keys().all(|key| key.starts_with('k')));
}

#[test]
fn a_second_load_knows_nothing_of_the_first() {
    let cluster = Cluster::up("sequential");
    let arguments = "--ops 100 --mix set=3,get=1 --witness";
    cluster.load(arguments).exits(0);
    let first = cluster.order(1).len() as u64;
    cluster.load(arguments).exits(0);
    let history = cluster.history();
    let prefix = format!("r{first}:");
    for operation in &history.operations {
        let mut keys = operation.call.keys();
        assert!(keys.all(|key| key.starts_with(prefix.as_bytes())));
    }
    let finals = history.finals.iter().flat_map(|last| last.store.keys());
    assert!(finals.clone().count() > 0);
    assert!(
        finals
            .into_iter()
            .all(|key| key.starts_with(prefix.as_bytes()))
    );
    let order = cluster.order(3);
    assert_eq!(order[0].position, first + 1);
    let initial = history.initial.expect("where it began");
    assert_eq!((initial.position, initial.store.len()), (first, 0));
}

/// A verdict of `check`, and its exit code.
fn checked(cluster: &Cluster, expected: i32) -> String {
    let run = cluster.run.to_str().unwrap();
    let answer = cluster.place.lab(&format!("check {run}")).exits(expected);
    answer.out.split('\n').next().unwrap_or_default().to_owned()
}

/// The page of the run.
fn reported(cluster: &Cluster) -> String {
    let run = cluster.run.to_str().unwrap();
    cluster.place.lab(&format!("report {run}")).exits(0);
    std::fs::read_to_string(cluster.run.join("report.html")).unwrap()
}

#[test]
fn a_second_load_is_judged_with_its_witness() {
    let cluster = Cluster::up("sequential");
    let arguments = "--ops 100 --mix set=3,get=3 --keys 2 --witness";
    cluster.load(arguments).exits(0);
    cluster.load(arguments).exits(0);
    let verdict = checked(&cluster, 0);
    assert!(verdict.starts_with("sequential: yes"), "{verdict}");
    assert!(verdict.contains("order as witness"), "{verdict}");
    assert!(reported(&cluster).contains(r#"["sequential","yes","#));

    // It can fail, too: nobody wrote the entry that is put in place of another one here.
    for id in 1..=3 {
        let path = cluster.run.join(format!("replica-{id}.order.jsonl"));
        let order = std::fs::read_to_string(&path).unwrap();
        let last = order.lines().next_back().unwrap();
        let other = last.replace("[[\"SET\",", "[[\"GETSET\",");
        assert_ne!(other, last);
        std::fs::write(&path, order.replace(last, &other)).unwrap();
    }
    let verdict = checked(&cluster, 1);
    assert!(verdict.starts_with("sequential: no"), "{verdict}");
    assert!(reported(&cluster).contains(r#"["sequential","no","#));
}

#[test]
fn operations_come_at_the_rate_that_was_asked_for() {
    let cluster = Cluster::up("sequential");
    let arguments = "--ops 50 --rate 100 --no-history --json";
    let answer = cluster.load(arguments).exits(0);
    let figures: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(figures["all"]["answered"], 50);
    assert_eq!(figures["errors"], serde_json::json!([]));
    // The last is due 49 intervals after the first. However slow the machine is, it is never sooner.
    assert!(figures["seconds"].as_f64().unwrap() >= 0.49, "{figures}");
    assert!(!cluster.run.join("history.jsonl").exists());
}

#[test]
fn a_thousand_clients_on_two_threads_each_get_their_answers() {
    let cluster = Cluster::up("linearizable");
    let arguments = "--clients 1000 --threads 2 --ops 3000 --mix get,set";
    cluster.load(arguments).exits(0);
    let history = cluster.history();
    let processes: HashSet<u64> = history.operations.iter().map(|o| o.process).collect();
    assert_eq!(processes.len(), 1000);
    assert_eq!(history.operations.len(), 3000);
    assert!(
        history
            .operations
            .iter()
            .all(|o| matches!(o.outcome, Outcome::Ok(_)))
    );
}
