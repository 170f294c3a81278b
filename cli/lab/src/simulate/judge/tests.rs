//! The checkers are asked, and with what the clients saw: a reply that is another one afterwards is found.

use super::*;
use crate::simulate::faults::FaultKinds;
use crate::simulate::model::NULL_ARRAY;
use crate::simulate::plan::{Options, Plan};
use crate::simulate::session::Request;
use crate::simulate::trace::Keep;

fn finished(model: Consistency, seed: u64) -> World {
    let options = Options {
        faults: FaultKinds::Cuts,
        ..Options::new(model)
    };
    let mut plan = Plan::new(seed, &options);
    // Nothing is refused, so that there is a reply of each kind.
    let settings = &mut plan.tuning.settings;
    (settings.memory_bytes_max, settings.queue_bytes_max) = (0, usize::MAX);
    let mut world = World::new(&plan, Keep::Nothing);
    assert_eq!(world.run(), Ok(()));
    world
}

/// What is found while the last reply of this kind is another one; none if there is no such reply.
fn found(
    world: &mut World,
    is_it: impl Fn(&Request) -> bool,
    other: &[u8],
) -> Option<&'static str> {
    assert_eq!(world.judge_history(), Ok(()));
    let sessions = world.sessions.iter().enumerate().rev();
    let (at, nth) = sessions
        .filter_map(|(at, session)| Some((at, session.requests.iter().rposition(&is_it)?)))
        .next()?;
    let reply = &mut world.sessions[at].requests[nth].reply;
    let right = std::mem::replace(reply, other.to_vec());
    let violation = world
        .judge_history()
        .expect_err("a reply that nothing explains");
    world.sessions[at].requests[nth].reply = right;
    Some(violation.invariant)
}

/// The positions of transactions that would have written something, had no WATCH stopped them.
fn stopped_writes(world: &World) -> Vec<u64> {
    let placed = world.ledger.record.order.iter().zip(1..);
    let stopped = placed
        .filter(|(placed, _)| placed.reply == NULL_ARRAY && placed.body.describe().contains("SET"));
    stopped.map(|(_, position)| position).collect()
}

#[test]
fn a_wrong_reply_to_any_client_is_found() {
    let kinds: [(&str, &str, &[u8]); 5] = [
        ("GET", "$", b"$5\r\nwrong\r\n"),
        ("GETDEL", "$", b"$5\r\nwrong\r\n"),
        ("INCRBY", ":", b":5\r\n"),
        ("EXEC", "*1\r\n$4", b"*1\r\n$5\r\nwrong\r\n"),
        // It was stopped by a WATCH.
        ("EXEC", "*-1", b"*1\r\n+OK\r\n"),
    ];
    let mut counts = [0; 5];
    for (model, invariant) in [
        (Consistency::Sequential, WITNESS),
        (Consistency::Linearizable, WITNESS),
        (Consistency::Eventual, BLACK_BOX),
    ] {
        for seed in 1..=6 {
            let mut world = finished(model, seed);
            let stopped = stopped_writes(&world);
            for ((name, right, wrong), count) in kinds.iter().zip(&mut counts) {
                let is_it = |request: &Request| {
                    request.command.0[0] == name.as_bytes()
                        && request.reply.starts_with(right.as_bytes())
                        && (*right != "*-1" || stopped.contains(&request.position))
                };
                let Some(found) = found(&mut world, is_it, wrong) else {
                    continue;
                };
                assert_eq!(found, invariant, "{model}, seed {seed}, {name}");
                *count += 1;
            }
        }
    }
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}
