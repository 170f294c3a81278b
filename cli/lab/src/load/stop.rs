//! Ctrl-C during a load: stop, say what was measured, and leave nothing disturbed.

use super::driver::Shared;
use crate::kit::failure::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The exit code of a program that was interrupted.
pub(super) const EXIT_INTERRUPTED: u8 = 130;

/// From now on the first signal that asks to stop ends the load early, and the second one ends the program
/// at once, after `undo`.
///
/// # Errors
/// [`Failure::Other`] if the system does not let signals be caught.
pub(super) fn when_interrupted(
    shared: &Arc<Shared>,
    undo: impl Fn() + Send + 'static,
) -> Result<(), Failure> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::doing("cannot catch signals"))?;
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if shared.stop.swap(true, Ordering::Relaxed) {
                undo();
                std::process::exit(128 + signal);
            }
        }
    });
    Ok(())
}
