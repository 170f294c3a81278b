//! What `holdback-cli` and `holdback-lab` share: the replies of a server and a connection to one.

pub mod client;
pub mod clock;
pub mod resp;
