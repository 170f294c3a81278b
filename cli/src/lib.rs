//! What `holdback-cli` and `holdback-lab` share: the replies of a server and a connection to one. And the
//! laboratory, as a library.

pub mod check;
pub mod client;
pub mod clock;
pub mod history;
pub mod json;
pub mod load;
pub mod order;
pub mod report;
pub mod resp;
pub mod simulate;

// The program's own file is `lab.rs`, so the library's modules are named by hand.
#[path = "lab/mod.rs"]
pub mod lab;
