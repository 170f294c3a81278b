//! Data: a table of keys, the ordered models' store, and what the data commands do to it.
//!
//! Applying is deterministic: the store is a function of the order alone.

mod admission;
mod arena;
mod float;
mod glob;
mod ordered;
mod read;
mod table;
mod write;

pub use admission::{Limits, SetOptions, admit, check_entry_size};
pub use glob::matches as glob_matches;
pub use ordered::Store;
pub use read::{Keyspace, read};
pub(crate) use read::{subcommand_help, wrong_subcommand};
pub use table::{Mark, Record, Table, WARM_MAX};
pub use write::write;
