//! Signals that ask to stop: first what would outlive the program is undone, then it ends.

use super::failure::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exit code of a program that was interrupted.
pub const EXIT_INTERRUPTED: u8 = 130;

/// What a program does once a signal is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It ends, once the older handlers have run too.
    End,
    /// It goes on; the older handlers do not hear of the signal.
    GoOn,
}

/// Told the signal's number.
type Handler = Box<dyn Fn(i32) -> Then + Send>;

/// Those in force, the oldest first, each with its number.
static HANDLERS: Mutex<Vec<(u64, Handler)>> = Mutex::new(Vec::new());

/// A handler is in force until this is dropped.
#[derive(Debug)]
pub struct Handling(u64);

/// From now on a signal that asks to stop runs the handlers, the newest first, and ends the program with 128
/// and the signal's number (130 for Ctrl-C).
///
/// # Errors
/// [`Failure::Other`] if the system does not let signals be caught.
pub fn catch_signals() -> Result<(), Failure> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::doing("cannot catch signals"))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let handlers = handlers();
            if (handlers.iter().rev()).all(|(_, handler)| handler(signal) == Then::End) {
                std::process::exit(128 + signal);
            }
        }
    });
    Ok(())
}

/// Lets a handler run when a signal asks to stop.
#[must_use]
pub fn handle(handler: impl Fn(i32) -> Then + Send + 'static) -> Handling {
    let mut handlers = handlers();
    let number = handlers.last().map_or(0, |(last, _)| last + 1);
    handlers.push((number, Box::new(handler)));
    Handling(number)
}

impl Drop for Handling {
    fn drop(&mut self) {
        handlers().retain(|(number, _)| *number != self.0);
    }
}

fn handlers() -> MutexGuard<'static, Vec<(u64, Handler)>> {
    // A handler that panicked has left the list as it was.
    HANDLERS.lock().unwrap_or_else(PoisonError::into_inner)
}
