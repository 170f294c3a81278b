//! Several faults that belong together: schedules that chance alone would hardly ever hit.

use super::agenda::{MILLISECOND, Time};
use super::faults::{Fault, FaultKinds, PlannedFault};
use super::plan::Options;
use holdback::random::Random;

/// The faults of at most one story; a few runs in ten have one.
pub(super) fn plan_story(seed: u64, options: &Options, heartbeat: Time) -> Vec<PlannedFault> {
    let mut random = Random::new(seed, 5);
    let cuts = matches!(options.faults, FaultKinds::Cuts | FaultKinds::All);
    if !cuts || options.replicas < 2 || !random.permille(350) {
        return Vec::new();
    }
    let mut replicas: Vec<usize> = (0..options.replicas).collect();
    random.shuffle(&mut replicas);
    let at = random.between(150, 900) * MILLISECOND;
    let (a, b) = (replicas[0], replicas[1]);
    let may_restart = options.faults == FaultKinds::All && !options.consistency.is_ordered();
    match (
        random.below(if may_restart { 5 } else { 2 }),
        replicas.get(2),
    ) {
        (0, _) => flapping(&mut random, at, a, b),
        (1, _) | (_, None) => cut_that_breaks(&mut random, at, a, b),
        (_, Some(&third)) => unnoticed_restart(&mut random, at, heartbeat, [a, b, third]),
    }
}

/// The connections of two replicas break again and again, each time soon after they were made.
fn flapping(random: &mut Random, at: Time, a: usize, b: usize) -> Vec<PlannedFault> {
    let pause = random.pick(&[2, 20, 60, 150]) * MILLISECOND;
    let count = random.between(3, 12);
    let breaks = (0..count).map(|nth| planned(at + nth * pause, 0, Fault::Break { a, b }));
    breaks.collect()
}

/// One direction is cut, and while bytes wait in it, the connection breaks: what was sent before and what was sent
/// since is lost on one side only.
fn cut_that_breaks(random: &mut Random, at: Time, a: usize, b: usize) -> Vec<PlannedFault> {
    let cut = Fault::Cut {
        from: vec![a],
        to: vec![b],
        both: false,
    };
    let lasts = random.between(5, 400) * MILLISECOND;
    let breaks = at + random.below(lasts);
    vec![
        planned(at, lasts, cut),
        planned(breaks, 0, Fault::Break { a, b }),
    ]
}

/// A third replica misses what the first writes. Meanwhile the second, cut off from the first, restarts empty
/// without a word, and is brought up to date by the third; then the third hears from the first again, which still
/// takes the second for the one that it was.
fn unnoticed_restart(
    random: &mut Random,
    at: Time,
    heartbeat: Time,
    [first, second, third]: [usize; 3],
) -> Vec<PlannedFault> {
    let cut = |with| Fault::Cut {
        from: vec![first],
        to: vec![with],
        both: true,
    };
    // Long enough for the second to report what it holds, and short enough for no link to be given up.
    let restarts = at + heartbeat + random.below(heartbeat / 2);
    let down = random.between(1, 10) * MILLISECOND;
    let heals = restarts + down + heartbeat / 5 + random.below(heartbeat / 2);
    let restart = Fault::Restart {
        replica: second,
        silently: true,
    };
    vec![
        planned(at, heals - at, cut(third)),
        planned(restarts - 1, 3000 * MILLISECOND, cut(second)),
        planned(restarts, down, restart),
    ]
}

fn planned(at: Time, lasts: Time, fault: Fault) -> PlannedFault {
    PlannedFault { at, lasts, fault }
}
