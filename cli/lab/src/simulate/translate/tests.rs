//! The calls do what the commands do, and answer what they answer: the simulator's model executes the commands, the
//! checkers' reference store the calls.

use super::*;
use crate::check::reference::{Store, apply};
use crate::simulate::model::Model;
use crate::simulate::plan::Options;
use crate::simulate::workload::Command;
use crate::simulate::workload::{Step, plan_client};
use holdback::consistency::Consistency;
use holdback::entry::EntryBody;
use std::collections::BTreeSet;

/// Commands as clients give them, those that change only the connection left out.
fn commands(seed: u64) -> Vec<Command> {
    let options = Options::new(Consistency::Linearizable);
    let steps = plan_client(seed, 0, 300, &options, false);
    let commands = steps.into_iter().flat_map(|step| match step {
        Step::Send(commands) => commands,
        _ => Vec::new(),
    });
    let is_data = |command: &Command| {
        let others: [&[u8]; 9] = [
            b"POSITION",
            b"DIGEST",
            b"AWAIT",
            b"CONSISTENCY",
            b"MULTI",
            b"EXEC",
            b"DISCARD",
            b"WATCH",
            b"NOSUCHCOMMAND",
        ];
        !others.contains(&command.0[0].as_slice())
    };
    commands.filter(is_data).collect()
}

/// Whether an answer on record is the right one, as far as it says anything.
fn agrees(answer: &Answer, right: &Answer) -> bool {
    *answer == Answer::Unknown || answer == right
}

#[test]
fn calls_do_and_answer_what_commands_do_and_answer() {
    let mut translated = BTreeSet::new();
    for seed in 0..20 {
        let (mut model, mut store) = (Model::default(), Store::new());
        for (command, position) in commands(seed).iter().zip(1..) {
            let reply = model.apply(&EntryBody::command(&command.words()));
            let reply = holdback::wire::value::parse(&reply)
                .ok()
                .flatten()
                .map(|(value, _)| value);
            let parts = Parts::of(&command.words(), reply.as_ref());
            assert_eq!(parts.calls.len(), parts.answers.len());
            for (call, answer) in parts.calls.iter().zip(&parts.answers) {
                let right = apply(&mut store, call);
                assert!(
                    agrees(answer, &right),
                    "{command:?}: {call} answers {right}, and {answer} is on record for {reply:?}"
                );
            }
            for key in KEYS.into_iter().chain([COUNTER]).map(str::as_bytes) {
                let held = store.get(key).map(Vec::as_slice);
                assert_eq!(held, model.get(key, position), "{command:?}");
            }
            if !parts.calls.is_empty() && Call::of_command(&command.words()).is_none() {
                translated.insert(command.0[0].clone());
            }
        }
    }
    let names = ["DEL", "FLUSHALL", "GETDEL", "INCRBY", "SET"];
    assert!(translated.iter().eq(names.map(str::as_bytes)));
}

#[test]
fn an_error_is_one_in_all_parts() {
    let error = Value::Error("ERR value is not an integer or out of range".into());
    let parts = Parts::of(&[b"INCRBY", b"a", b"3"], Some(&error));
    assert_eq!(parts.answers, vec![Answer::Error; 3]);
}
