//! The whole run in a few numbers, for the strip above the picture. Nothing is left out of them.

use crate::report::picture::{End, Moment, Picture};
use serde_json::{Value as Json, json};

/// Into so many stretches of equal length the run is divided.
const BUCKETS: usize = 400;

/// Per stretch: operations completed, those of them that did not end well, each replica's deliveries, and
/// the most entries that each held back.
pub(super) fn overview(picture: &Picture) -> Json {
    let span = picture.span();
    let mut operations = [0_u32; BUCKETS];
    let mut troubled = [0_u32; BUCKETS];
    for bar in &picture.bars {
        let place = bucket(span, bar.completed.unwrap_or(bar.invoked));
        operations[place] += 1;
        troubled[place] += u32::from(bar.end != End::Ok);
    }
    let delivered = picture.replicas.iter().map(|replica| {
        let mut counts = [0_u32; BUCKETS];
        let own = picture.deliveries.iter();
        let own = own.filter(|delivery| delivery.replica == *replica);
        own.for_each(|delivery| counts[bucket(span, picture.moment(delivery.wall))] += 1);
        counts.to_vec()
    });
    let held = picture.replicas.iter();
    let held = held.map(|replica| depth(picture, span, *replica));
    json!({
        "operations": operations.to_vec(),
        "troubled": troubled.to_vec(),
        "delivered": delivered.collect::<Vec<_>>(),
        "held": held.collect::<Vec<_>>(),
    })
}

fn bucket((first, last): (Moment, Moment), moment: Moment) -> usize {
    let share = moment.saturating_sub(first) as f64 / (last - first).max(1) as f64;
    // A share below zero becomes zero.
    ((share * BUCKETS as f64) as usize).min(BUCKETS - 1)
}

/// The most entries that were in a replica's queue in each stretch.
fn depth(picture: &Picture, span: (Moment, Moment), replica: u16) -> Vec<u32> {
    let mut steps: Vec<(Moment, i32)> = Vec::new();
    for stay in picture.stays.iter().filter(|stay| stay.replica == replica) {
        steps.push((picture.moment(stay.came), 1));
        steps.extend(stay.left.map(|wall| (picture.moment(wall), -1)));
    }
    // What leaves at a moment makes room before others come.
    steps.sort_unstable();
    steps.push((Moment::MAX, 0));
    let mut most = vec![0; BUCKETS];
    let (mut now, mut last) = (0_u32, 0);
    for (moment, change) in steps {
        let place = bucket(span, moment);
        // Nothing changed in the stretches between.
        for level in &mut most[last..=place] {
            *level = now.max(*level);
        }
        now = now.saturating_add_signed(change);
        last = place;
    }
    most
}
