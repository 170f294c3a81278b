//! Waiting for a reply, in short steps, so that Ctrl-C is seen.

use crate::interrupt::{Interrupt, STEP};
use holdback::wire::value::Value;
use holdback_client::Connection;
use holdback_client::clock::now;
use std::io;
use std::time::{Duration, Instant};

/// Why there is no reply.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Ctrl-C.
    Interrupted,
    /// The time was up.
    TimedOut,
    /// The connection is gone, or makes no sense.
    Lost(io::Error),
}

/// Reads one reply, for at most `limit`. `each_step` is told, now and then, how long it has been.
pub(crate) fn for_reply(
    connection: &mut Connection,
    limit: Option<Duration>,
    interrupt: &Interrupt,
    each_step: &mut dyn FnMut(Duration),
) -> Result<Value, Ended> {
    let start = now();
    loop {
        match connection.read(Some(STEP)) {
            Ok(value) => return Ok(value),
            Err(error) if is_time_out(&error) => {}
            Err(error) => return Err(Ended::Lost(error)),
        }
        if interrupt.take() {
            return Err(Ended::Interrupted);
        }
        let waited = start.elapsed();
        if limit.is_some_and(|limit| waited >= limit) {
            return Err(Ended::TimedOut);
        }
        each_step(waited);
    }
}

/// Reads one reply, for at most `limit` since `start`.
///
/// # Errors
/// As [`Connection::read`]: `TimedOut`, among others.
pub(crate) fn until(
    connection: &mut Connection,
    start: Instant,
    limit: Duration,
) -> io::Result<Value> {
    loop {
        let left = limit.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match connection.read(Some(left)) {
            Err(error) if is_time_out(&error) => {}
            other => return other,
        }
    }
}

/// Whether a read ended only because its time was up.
pub(crate) fn is_time_out(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// The system's words for an error, without its number.
pub(crate) fn words(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::TimedOut if error.get_ref().is_none() => "no answer in time".to_owned(),
        _ => error.to_string(),
    };
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
