//! The text protocol: bytes to frames to commands and messages, and replies back to bytes.
//!
//! Clients and peers speak one grammar on one port. [`frame`] cuts the byte stream into frames (lists
//! of arguments), whether they were typed as a line or sent as a RESP array. [`command`] says what a
//! client's frame means, from the one [`table`] that also feeds the documentation, `HELP` and the
//! REPL's completion. [`message`] says what a peer's frame means. [`reply`] encodes answers.

pub mod ahead;
pub mod arguments;
pub mod command;
pub mod error;
pub mod frame;
pub mod inline;
pub mod introspect;
pub mod message;
pub mod redis;
pub mod reply;
pub mod syntax;
pub mod table;
pub mod value;
