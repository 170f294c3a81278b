//! The REPL.
fn main() {}
