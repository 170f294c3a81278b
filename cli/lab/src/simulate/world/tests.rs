//! Runs that once did not come to their end: a replica is held up while a client still has bytes for it, and the
//! weather clears up meanwhile.

use super::*;
use crate::simulate::faults::{Fault, FaultKinds, PlannedFault};
use crate::simulate::plan::Options;
use crate::simulate::workload::{Command, Step};
use holdback::consistency::Consistency;

const PAUSE: Time = 3 * SECOND;

/// One client, with more bytes than a connection takes at once, for a replica that does not run for a while.
fn held_up() -> Plan {
    let options = Options {
        replicas: 1,
        clients: 1,
        faults: FaultKinds::None,
        ..Options::new(Consistency::Sequential)
    };
    let mut plan = Plan::new(1, &options);
    plan.weather.window = 128;
    let long = "-".repeat(300);
    plan.clients = vec![vec![
        Step::Connect(0),
        Step::Send(vec![Command::new(&["SET", "a", &long])]),
        Step::Finish(10 * PAUSE),
    ]];
    plan.faults = vec![PlannedFault {
        at: 60 * MILLISECOND,
        lasts: PAUSE,
        fault: Fault::Pause { replica: 0 },
    }];
    plan
}

/// What seeds 2330 and 2442 of the sequential model showed: the client was never told that there was room for its
/// last bytes, so that the replica seemed not to end a connection that the client had half-closed.
#[test]
fn a_half_closed_connection_ends_although_the_window_grew_while_the_replica_was_held_up() {
    let mut world = World::new(&held_up(), Keep::Last(40));
    let result = world.run();
    assert_eq!(result, Ok(()), "{:#?}", world.trace.into_lines());
    assert_eq!(world.counts.replies, 1);
}

#[test]
fn clear_weather_wakes_the_senders_to_a_replica_that_is_held_up() -> Check {
    let mut world = World::new(&held_up(), Keep::Nothing);
    world.agenda.at(0, Happening::Start { host: 0 });
    let wakes = Happening::Client {
        client: 0,
        ticket: 0,
    };
    world.agenda.at(MILLISECOND, wakes);
    world.machines[0].paused_until = PAUSE;
    while let Some(happening) = world.agenda.next() {
        world.happen(happening)?;
        if world.network.is_stuck() {
            break;
        }
    }
    let sent = |world: &World| world.network.sent(End::dialler(0));
    assert_eq!(sent(&world), 128);
    world.clear_up();
    world.despatch()?;
    assert!(sent(&world) > 300, "the rest went out at once");
    Ok(())
}
