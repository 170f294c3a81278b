//! What is known of commands without asking a replica.

pub(crate) mod effects;
pub(crate) mod help;
pub(crate) mod local;
pub(crate) mod suggest;
pub(crate) mod syntax;
pub(crate) mod words;
