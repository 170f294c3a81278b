//! Holdback: a replicated key-value store whose order you can see.
//!
//! # The way of one SET
//!
//! The [`driver`] reads a connection's bytes, and its [`endpoint`] cuts them into frames ([`wire::frame`]). The
//! [`replica`] hands the frame to its clients, who look the command up in the table ([`command::table`]) and hand it
//! to the engine: to the totally ordered multicast ([`ordered`], where the algorithm and its proof are), which stamps
//! it and puts it into the hold-back queue. At the end of the turn it leaves for the other replicas ([`message`]),
//! whose acks come back. When every replica holds it and nothing smaller can come, it is delivered: it gets its place
//! in the order ([`order`]), is applied to the data ([`store`]), and the reply ([`wire::reply`]) goes into the client's
//! output, which is written at the end of the turn.
//!
//! In the eventual model it is applied and answered at once, and the other replicas hear of it later ([`eventual`]).

pub mod admin;
pub mod bugs;
mod clients;
pub mod command;
pub mod consistency;
pub mod driver;
pub mod endpoint;
mod engine;
pub mod entry;
pub mod eventual;
pub mod ids;
pub mod message;
pub mod order;
pub mod ordered;
mod peers;
pub mod random;
pub mod replica;
pub mod settings;
pub mod store;
pub mod trace;
pub mod turn;
pub mod units;
pub mod wire;
