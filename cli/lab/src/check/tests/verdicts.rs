//! Verdicts against brute force, on thousands of random small histories.

use super::brute::{fits, has_order};
use super::random::{Made, make, shape};
use crate::check::black_box::{Finding, find, verdict};
use crate::check::counter_example::part;
use crate::check::describe;
use crate::check::limits::Deadline;
use crate::check::reference::{Store, apply};
use crate::check::{Kind, Limits, Order, OrderOfReplica, Verdict, witness_of};
use crate::history::{Answer, Call, History, Outcome};
use crate::order::Entry;
use holdback::consistency::Consistency;
use holdback::random::Random;

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
pub(super) fn shown(history: &History) -> String {
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

const MODELS: [(Consistency, bool); 2] = [
    (Consistency::Linearizable, true),
    (Consistency::Sequential, false),
];

fn compare(seed: u64, operations: u64) -> [bool; 2] {
    let shape = shape(seed, operations);
    let history = make(seed, shape).history;
    MODELS.map(|(model, real_time)| {
        let expected = has_order(&history, real_time);
        let verdict = find(&history, model, &Deadline::after(None));
        let fine = match &verdict {
            Finding::Yes(order) => expected && replays(&history, order),
            Finding::No(..) => !expected,
            Finding::Unknown(_) => false,
        };
        let shown = shown(&history);
        assert!(
            fine,
            "seed {seed}: {shape:?} {model:?} {verdict:?}\n{shown}"
        );
        expected
    })
}

#[test]
fn verdicts_are_those_of_brute_force() {
    let found: Vec<[bool; 2]> = (0..6000).map(|seed| compare(seed, 2 + seed % 7)).collect();
    let is_fine = |yes: &[bool; 2]| yes[1] || !yes[0];
    assert!(
        found.iter().all(is_fine),
        "what is linearizable is sequential"
    );
    let counts = [0, 1].map(|model| found.iter().filter(|yes| yes[model]).count());
    assert!(
        counts.iter().all(|yes| (1000..5500).contains(yes)),
        "{counts:?} of 6000"
    );
    assert!(counts[0] + 40 < counts[1], "{counts:?} of 6000");
}

/// `cargo test --release -- --ignored at_length`
#[test]
#[ignore = "takes minutes; for whoever changes the search"]
fn verdicts_are_those_of_brute_force_at_length() {
    for seed in 10_000..300_000 {
        compare(seed, 4 + seed % 10);
    }
}

/// Whether a smaller history, without some operations, satisfies a model, or fails in another way.
fn is_fine_without(
    history: &History,
    gone: &[usize],
    (model, real_time): (Consistency, bool),
) -> bool {
    let all = 0..history.operations.len();
    let kept: Vec<usize> = all.filter(|at| !gone.contains(at)).collect();
    let rest = part(history, &kept);
    let other_kind = matches!(
        find(&rest, model, &Deadline::after(None)),
        Finding::No(Kind::NeverWritten, ..)
    );
    has_order(&rest, real_time) || other_kind
}

/// The operations that read what a write of the example wrote.
fn reads_of(history: &History, write: usize) -> Vec<usize> {
    let (Call::Set(_, wrote)
    | Call::SetNx(_, wrote)
    | Call::GetSet(_, wrote)
    | Call::Cas(_, _, wrote)) = &history.operations[write].call
    else {
        return Vec::new();
    };
    let found = Outcome::Ok(Answer::Value(Some(wrote.clone())));
    let all = 0..history.operations.len();
    all.filter(|at| history.operations[*at].outcome == found)
        .collect()
}

#[test]
fn counter_examples_are_wrong_and_minimal() {
    let (mut circles, mut count) = (0, 0);
    for seed in 0..1500 {
        let history = make(seed, shape(seed, 2 + seed % 9)).history;
        for (model, real_time) in MODELS {
            let limits = Limits::default();
            let Verdict::No(example) = verdict(&history, &limits, model) else {
                continue;
            };
            let small = part(&history, &example.operations);
            let show = format!(
                "seed {seed} {model:?}: {}\n{}",
                example.words,
                shown(&small)
            );
            assert!(!example.words.is_empty() && example.is_minimal, "{show}");
            count += 1;
            if example.kind == Kind::NeverWritten {
                assert_eq!(example.operations.len(), 1, "{show}");
                continue;
            }
            assert!(!has_order(&small, real_time), "{show}");
            circles += usize::from(example.words.contains("circle"));
            for at in 0..small.operations.len() {
                let mut gone = vec![at];
                if !small.operations[at].call.is_read() {
                    gone.extend(reads_of(&small, at));
                }
                let is_fine = is_fine_without(&small, &gone, (model, real_time));
                assert!(is_fine, "{at} {show}");
            }
        }
    }
    assert!(
        count > 500 && circles > 90,
        "{circles} of {count} are circles"
    );
}

/// An order as a replica would list it.
fn listed(replica: u64, order: &[Call]) -> OrderOfReplica {
    let entries = order.iter().zip(1..).map(|(call, position)| Entry {
        position,
        stamp: format!("{position}.1"),
        watched: Vec::new(),
        commands: call.commands(),
    });
    OrderOfReplica {
        replica,
        entries: entries.collect(),
    }
}

fn judge(history: &History, order: &[Call], model: Consistency) -> Verdict {
    let orders = [listed(1, order), listed(2, order)];
    witness_of(history, &Order::of(&orders), model)
}

/// Changes an order as a replica that lies might.
fn tamper(order: &mut Vec<Call>, random: &mut Random) {
    if order.is_empty() {
        return;
    }
    let at = random.index(order.len());
    match random.below(3) {
        0 => {
            order.remove(at);
        }
        1 => {
            let other = random.index(order.len());
            order.swap(at, other);
        }
        _ => order.insert(at, Call::Set(b"x".to_vec(), b"12".to_vec())),
    }
}

fn witness_of_seed(seed: u64, operations: u64) -> [usize; 3] {
    let shape = shape(seed, operations);
    let Made { history, order } = make(seed, shape);
    let honest = shape.lies == 0 && shape.forgets == 0;
    let mut random = Random::new(seed, 0);
    let mut tampered = order.clone();
    tamper(&mut tampered, &mut random);
    let mut bare = history.clone();
    bare.operations
        .iter_mut()
        .for_each(|operation| operation.position = None);
    let mut counts = [0; 3];
    for (model, keep_real_time) in MODELS {
        let possible = has_order(&history, keep_real_time);
        let shown = format!(
            "seed {seed}: {shape:?} {model:?} {order:?}\n{}",
            shown(&history)
        );
        let verdict = judge(&history, &order, model);
        if honest && (!keep_real_time || shape.ordered_reads || !shape.stale) {
            assert_eq!(verdict, Verdict::Yes, "{shown}");
            counts[0] += 1;
        }
        let others = [
            verdict,
            judge(&history, &tampered, model),
            judge(&bare, &order, model),
            judge(&bare, &tampered, model),
        ];
        for verdict in others {
            assert!(possible || !verdict.is_yes(), "yes {shown}");
            counts[1 + usize::from(verdict.is_yes())] += 1;
        }
        let bare = judge(&bare, &order, model);
        if honest && model == Consistency::Sequential {
            assert!(!bare.is_no(), "{bare:?} {shown}");
        }
    }
    counts
}

#[test]
fn a_witness_never_says_yes_where_brute_force_says_no() {
    let mut counts = [0; 3];
    for seed in 0..4000 {
        let more = witness_of_seed(seed, 2 + seed % 7);
        counts = [0, 1, 2].map(|kind| counts[kind] + more[kind]);
    }
    assert!(counts.iter().all(|count| *count > 1000), "{counts:?}");
}
