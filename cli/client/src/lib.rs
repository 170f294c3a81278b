//! What the command line programs share: a [`Connection`] to a replica, replies as [`json`], and the [`clock`].

pub mod clock;
mod connection;
pub mod json;

pub use connection::Connection;
