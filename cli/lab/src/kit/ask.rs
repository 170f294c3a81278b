//! One question to a replica, and what is said when there is no answer.

use super::failure::Failure;
use holdback::protocol::value::Value;
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

/// Sends one command on a connection of its own; anything but an error will do as a reply.
///
/// # Errors
/// [`Failure::Usage`] if the replica refuses it, [`Failure::Unreachable`] if it does not answer.
pub fn order(address: &str, arguments: &[&str]) -> Result<(), Failure> {
    let line = arguments.join(" ");
    let gone =
        |error: &std::io::Error| Failure::Unreachable(format!("{address}: {}", words(error)));
    let mut connection = Connection::open(address, PATIENCE).map_err(|error| gone(&error))?;
    match connection.call(arguments, Some(PATIENCE)) {
        Ok(Value::Error(error)) => {
            Err(Failure::Usage(format!("{address} refuses {line}: {error}")))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(gone(&error)),
    }
}
