//! Verdicts against brute force, on thousands of random small histories.

use super::brute::{Store, apply, fits, has_order};
use super::random::{Made, Random, make, shape};
use crate::check::describe;
use crate::check::limits::Deadline;
use crate::check::linearizable::{Finding, find};
use crate::check::{Limits, OrderOfReplica, Verdict, witness};
use crate::history::{Call, History, Outcome};
use crate::order::Entry;
use holdback::consistency::Consistency;

/// Replays an order that a checker found.
fn replays(history: &History, order: &[usize]) -> bool {
    let mut store = Store::new();
    order.iter().all(|at| {
        let operation = &history.operations[*at];
        let right = apply(&mut store, &operation.call);
        match &operation.outcome {
            Outcome::Ok(recorded) => fits(recorded, &right),
            Outcome::Info => true,
            Outcome::Fail => false,
        }
    })
}

/// A history in lines, short enough to read.
fn shown(history: &History) -> String {
    let line = |at: usize| {
        let operation = &history.operations[at];
        format!(
            "{at}: {} [{}, {:?}] @{:?}\n",
            describe::operation(history, at),
            operation.invoked,
            operation.completed,
            operation.position
        )
    };
    (0..history.operations.len()).map(line).collect()
}

fn compare(seed: u64, operations: u64) -> bool {
    let shape = shape(seed, operations);
    let history = make(seed, shape).history;
    let expected = has_order(&history, true);
    let deadline = Deadline::after(None);
    let verdict = find(&history, &deadline);
    let fine = match &verdict {
        Finding::Yes(order) => expected && replays(&history, order),
        _ => !expected,
    };
    assert!(
        fine,
        "seed {seed}: {shape:?} {verdict:?}\n{}",
        shown(&history)
    );
    expected
}

#[test]
fn linearizable_is_what_brute_force_says() {
    let verdicts = (0..6000).map(|seed| compare(seed, 2 + seed % 7));
    let yes = verdicts.filter(|yes| *yes).count();
    assert!(
        (1000..5500).contains(&yes),
        "{yes} of 6000 are linearizable"
    );
}

/// `cargo test --release -- --ignored at_length`
#[test]
#[ignore = "takes minutes; for whoever changes the search"]
fn linearizable_is_what_brute_force_says_at_length() {
    for seed in 10_000..400_000 {
        compare(seed, 4 + seed % 10);
    }
}

/// An order as a replica would list it.
fn listed(replica: u64, order: &[Call]) -> OrderOfReplica {
    let entries = order.iter().zip(1..).map(|(call, position)| Entry {
        position,
        stamp: format!("{position}.1"),
        commands: call.commands(),
    });
    OrderOfReplica {
        replica,
        entries: entries.collect(),
    }
}

fn judge(history: &History, order: &[Call], model: Consistency) -> Verdict {
    let orders = [listed(1, order), listed(2, order)];
    witness(history, &orders, model, &Limits::default())
}

/// Changes an order as a replica that lies might.
fn tamper(order: &mut Vec<Call>, random: &mut Random) {
    if order.is_empty() {
        return;
    }
    let at = random.below(order.len() as u64) as usize;
    match random.below(3) {
        0 => {
            order.remove(at);
        }
        1 => {
            let other = random.below(order.len() as u64) as usize;
            order.swap(at, other);
        }
        _ => order.insert(at, Call::Set(b"x".to_vec(), b"12".to_vec())),
    }
}

fn witness_of_seed(seed: u64, operations: u64) -> [usize; 3] {
    let shape = shape(seed, operations);
    let Made { history, order } = make(seed, shape);
    let honest = shape.lies == 0 && shape.forgets == 0;
    let mut random = Random(seed);
    let mut tampered = order.clone();
    tamper(&mut tampered, &mut random);
    let mut bare = history.clone();
    bare.operations
        .iter_mut()
        .for_each(|operation| operation.position = None);
    let mut counts = [0; 3];
    for (model, keep_real_time) in [
        (Consistency::Sequential, false),
        (Consistency::Linearizable, true),
    ] {
        let possible = has_order(&history, keep_real_time);
        let show = |what: &str| {
            format!(
                "{what} seed {seed}: {shape:?} {model:?} {order:?}\n{}",
                shown(&history)
            )
        };
        let verdict = judge(&history, &order, model);
        if honest && (!keep_real_time || shape.ordered_reads || !shape.stale) {
            assert_eq!(verdict, Verdict::Yes, "{}", show(""));
            counts[0] += 1;
        }
        let others = [
            verdict,
            judge(&history, &tampered, model),
            judge(&bare, &order, model),
            judge(&bare, &tampered, model),
        ];
        for verdict in others {
            assert!(possible || !verdict.is_yes(), "{}", show("yes"));
            counts[1 + usize::from(verdict.is_yes())] += 1;
        }
        let bare = judge(&bare, &order, model);
        if honest && model == Consistency::Sequential {
            assert!(!bare.is_no(), "{bare:?} {}", show("bare"));
        }
    }
    counts
}

#[test]
fn a_witness_never_says_yes_where_brute_force_says_no() {
    let mut counts = [0; 3];
    for seed in 0..4000 {
        let more = witness_of_seed(seed, 2 + seed % 7);
        counts
            .iter_mut()
            .zip(more)
            .for_each(|(all, more)| *all += more);
    }
    assert!(counts.iter().all(|count| *count > 1000), "{counts:?}");
}
