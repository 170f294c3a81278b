//! Asking replicas: a [`session`] with one, or a [`fanout`] to all.

pub(crate) mod fanout;
pub(crate) mod head;
pub(crate) mod session;
pub(crate) mod status;
pub(crate) mod target;
pub(crate) mod wait;
