//! Verdicts against the testers of stateright, which somebody else wrote for the same two models.
//!
//! They know threads with one operation open at a time, the last of which may stay open. So they judge fewer
//! histories than brute force does: [`Linear`] and [`Sequential`] say no more about a history than that it can be
//! put to them, and then what they find.

use super::brute::fits;
use super::random::{make, shape};
use super::verdicts::shown;
use crate::check::black_box::{Finding, find};
use crate::check::limits::Deadline;
use crate::check::reference::{Store, apply};
use crate::history::{Answer, Call, History, Moment, Operation, Outcome};
use ::stateright::semantics::{
    ConsistencyTester, LinearizabilityTester, SequentialConsistencyTester, SequentialSpec,
};
use holdback::consistency::Consistency;

/// The reference store as stateright wants to be told of it.
#[derive(Clone, Debug, Default)]
struct Reference(Store);

impl SequentialSpec for Reference {
    type Op = Call;
    type Ret = Answer;

    fn invoke(&mut self, call: &Call) -> Answer {
        apply(&mut self.0, call)
    }

    fn is_valid_step(&mut self, call: &Call, recorded: &Answer) -> bool {
        fits(recorded, &self.invoke(call))
    }
}

/// Something that happens to a thread.
enum Event<'a> {
    Invoked(&'a Call),
    Returned(&'a Answer),
}

/// The events of what may have happened, with their moments, in the order of the operations.
fn events(history: &History) -> Vec<(Moment, u64, Event<'_>)> {
    let mut events = Vec::new();
    let happened = |operation: &&Operation| operation.outcome != Outcome::Fail;
    for operation in history.operations.iter().filter(happened) {
        let process = operation.process;
        events.push((operation.invoked, process, Event::Invoked(&operation.call)));
        if let Outcome::Ok(answer) = &operation.outcome {
            events.push((operation.deadline(), process, Event::Returned(answer)));
        }
    }
    events
}

/// Tells a tester of all events; what it finds, or `None` if a thread would have two operations open.
fn ask<T>(mut tester: T, events: &[(Moment, u64, Event<'_>)]) -> Option<bool>
where
    T: ConsistencyTester<u64, Reference>,
{
    for (_, process, event) in events {
        match event {
            Event::Invoked(call) => tester.on_invoke(*process, (*call).clone()),
            Event::Returned(answer) => tester.on_return(*process, (*answer).clone()),
        }
        .ok()?;
    }
    Some(tester.is_consistent())
}

/// What stateright says of a history, if it can be put to it.
fn verdict(history: &History, model: Consistency) -> Option<bool> {
    let mut events = events(history);
    if model != Consistency::Linearizable {
        // Times mean nothing, so that each completion may as well come right behind its invocation.
        return ask(
            SequentialConsistencyTester::new(Reference::default()),
            &events,
        );
    }
    // What happens in one moment is concurrent. The sort is stable.
    events.sort_by_key(|(moment, _, event)| (*moment, matches!(event, Event::Returned(_))));
    ask(LinearizabilityTester::new(Reference::default()), &events)
}

/// How many histories stateright could judge, and for how many of them it found an order.
fn compare(model: Consistency) -> [usize; 2] {
    let mut counts = [0; 2];
    for seed in 0..6000 {
        let history = make(seed, shape(seed, 2 + seed % 7)).history;
        let Some(expected) = verdict(&history, model) else {
            continue;
        };
        let found = match find(&history, model, &Deadline::after(None)) {
            Finding::Yes(_) => true,
            Finding::No(..) => false,
            Finding::Unknown(why) => panic!("seed {seed} {model:?}: {why:?}"),
        };
        assert_eq!(
            found,
            expected,
            "seed {seed} {model:?}\n{}",
            shown(&history)
        );
        counts[0] += 1;
        counts[1] += usize::from(found);
    }
    counts
}

#[test]
fn linearizable_is_what_stateright_finds_linearizable() {
    let [judged, yes] = compare(Consistency::Linearizable);
    assert!(
        judged > 1000 && (200..judged - 200).contains(&yes),
        "{yes} of {judged}"
    );
}

#[test]
fn sequential_is_what_stateright_finds_sequential() {
    let [judged, yes] = compare(Consistency::Sequential);
    assert!(
        judged > 1000 && (200..judged - 200).contains(&yes),
        "{yes} of {judged}"
    );
}
