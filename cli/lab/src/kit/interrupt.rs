//! Ctrl-C: undo what would outlive the program, then leave.

use super::failure::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From now on a signal that asks to stop runs `undo` and ends the program with 128 and the signal's
/// number (130 for Ctrl-C).
///
/// # Errors
/// [`Failure::Other`] if the system does not let signals be caught.
pub fn undo_when_interrupted(undo: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::doing("cannot catch signals"))?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            undo();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}
