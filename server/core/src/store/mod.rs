//! Data: a table of keys, the ordered models' store, and what the data commands do to it.
//!
//! Applying is deterministic: the store is a function of the order alone.

pub mod admission;
mod arena;
pub mod blind;
mod context;
mod digest;
mod float;
mod glob;
mod growth;
mod hash;
mod ordered;
pub mod read;
mod table;
pub mod write;

pub use admission::{Limits, SetOptions, check_entry_size};
pub use context::{Answer, Context};
pub use glob::matches as glob_matches;
pub use growth::{Growth, work};
pub use hash::HashSecret;
pub use ordered::Store;
pub use read::Keyspace;
pub use table::{Mark, Record, Table, WARM_MAX};
