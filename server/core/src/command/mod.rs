//! Commands: what a client's frame means, from the one [`table`] that also feeds the documentation, `HELP` and the
//! REPL's completion.

pub mod introspect;
pub mod redis;
mod spec;
pub mod syntax;
pub mod table;

pub use spec::{CommandSpec, Eventual, Group, Keys, Kind, lookup};
pub use table::Name;
