//! The replica's program.
fn main() {}
