//! One question to a replica, and what is said when there is no answer.

use super::failure::Failure;
use holdback::wire::value::Value;
use holdback_client::Connection;
use std::time::Duration;

/// How long a replica may take to connect and to answer.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// What is said of a replica whose address nobody listens at: its process is gone, or has not begun.
pub const REFUSED: &str = "connection refused";

/// An error of a connection, as short as it can be understood.
#[must_use]
pub fn words(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{
        ConnectionRefused, ConnectionReset, TimedOut, UnexpectedEof, WouldBlock,
    };
    match error.kind() {
        ConnectionRefused => REFUSED.into(),
        ConnectionReset | UnexpectedEof => "the connection was closed".into(),
        TimedOut | WouldBlock => "no answer in time".into(),
        _ => error.to_string(),
    }
}

/// The reply to one command on a connection of its own.
///
/// # Errors
/// Why there is none, in words.
pub fn call(address: &str, arguments: &[&str], patience: Duration) -> Result<Value, String> {
    let connection = Connection::open(address, patience);
    let reply = connection.and_then(|mut open| open.call(arguments, Some(patience)));
    reply.map_err(|error| words(&error))
}

/// Sends one command on a connection of its own; anything but an error will do as a reply.
///
/// # Errors
/// [`Failure::Usage`] if the replica refuses it, [`Failure::Unreachable`] if it does not answer.
pub fn order(address: &str, arguments: &[&str]) -> Result<(), Failure> {
    let line = arguments.join(" ");
    match call(address, arguments, PATIENCE) {
        Ok(Value::Error(error)) => {
            Err(Failure::Usage(format!("{address} refuses {line}: {error}")))
        }
        Ok(_) => Ok(()),
        Err(why) => Err(Failure::Unreachable(format!("{address}: {why}"))),
    }
}
