//! One line on the terminal that says how far a run is.

use super::clock::Clock;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How often the line is written anew.
const INTERVAL: Duration = Duration::from_millis(100);

/// Does `work` and meanwhile shows, on standard error if it is a terminal, how many of `all` are done.
pub fn show<T>(done: &AtomicUsize, all: usize, clock: Clock, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let (finished, waiting) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || redraw(done, all, clock, &waiting));
        let result = work();
        drop(finished);
        result
    })
}

fn redraw(done: &AtomicUsize, all: usize, clock: Clock, finished: &Receiver<()>) {
    let mut terminal = std::io::stderr();
    while finished.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
        let (answered, seconds) = (done.load(Ordering::Relaxed), clock.now().as_secs_f64());
        // A terminal that cannot be written to misses a line that is erased anyway.
        let _unseen = write!(
            terminal,
            "\r{answered} of {all} requests answered, {seconds:.1} s "
        );
        let _unseen = terminal.flush();
    }
    let _unseen = write!(terminal, "\r\x1b[K");
}
