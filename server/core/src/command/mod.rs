//! Commands: what a client's frame means, from the one [`table`] that also feeds the documentation, `HELP` and the
//! REPL's completion. A command is a row there, and the function that the row names.

mod help;
pub mod introspect;
mod plain;
pub mod redis;
mod spec;
pub(crate) mod subcommands;
pub mod syntax;
pub mod table;
#[cfg(test)]
mod tests;

pub(crate) use plain::check_user;
pub use spec::{
    AdmitFn, CommandSpec, ConnectionCommand, Eventual, Group, Inspection, Keys, Kind, PlainFn,
    ReadFn, Run, TransactionCommand, WriteFn, lookup,
};
pub use table::Name;
