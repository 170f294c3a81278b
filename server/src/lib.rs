//! Holdback: a replicated key-value store whose order you can see.

pub mod protocol;
