//! Bytes to words and back: the grammar that clients and replicas share.
//!
//! [`frame`] cuts a stream of bytes into frames (lists of words), whether they were typed as a line ([`inline`]) or sent
//! as a RESP array; [`arguments`] are the words of one. [`reply`] writes answers and [`value`] reads them back;
//! [`error`] has the codes of errors. [`foreign`] and [`secrets`] say how much of what others sent may be shown.

pub mod ahead;
pub mod arguments;
pub mod error;
pub mod foreign;
pub mod frame;
pub mod inline;
pub mod reply;
pub mod secrets;
pub mod value;
