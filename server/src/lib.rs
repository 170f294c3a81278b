//! Holdback: a replicated key-value store whose order you can see.

pub mod multicast;
pub mod order;
pub mod protocol;
pub mod store;
