//! A bar on the terminal that says how far a load is.

use super::driver::Shared;
use super::pace::Goal;
use crate::kit::clock::Clock;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often it is looked whether the load is over.
const LOOK: Duration = Duration::from_millis(10);
/// Looks between two changes of the bar.
const LOOKS: u32 = 10;

/// Shows, on standard error if it is a terminal, how far a load is, until `is_over`.
pub(super) fn show(goal: Goal, shared: &Shared, clock: Clock, is_over: impl Fn() -> bool) {
    let (length, template) = match goal {
        Goal::Operations(count) => (count, "{bar:40} {pos} of {len} operations, {msg}"),
        Goal::Duration(duration) => (milliseconds(duration), "{bar:40} {elapsed} of {msg}"),
    };
    // It hides itself where there is no terminal.
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    let began = clock.now();
    let (mut last, mut last_at) = (0, began);
    for look in 0.. {
        if is_over() {
            break;
        }
        if look % LOOKS == 0 {
            let (over, now) = (shared.over.load(Ordering::Relaxed), clock.now());
            let seconds = now.saturating_sub(last_at).as_secs_f64().max(1e-3);
            let rate = format!("{:.0} a second", (over - last) as f64 / seconds);
            (last, last_at) = (over, now);
            match goal {
                Goal::Operations(_) => {
                    bar.set_position(over);
                    bar.set_message(rate);
                }
                Goal::Duration(duration) => {
                    bar.set_position(milliseconds(now.saturating_sub(began)).min(length));
                    bar.set_message(format!("{duration:?}, {rate}"));
                }
            }
        }
        std::thread::sleep(LOOK);
    }
    bar.finish_and_clear();
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
