//! `holdback-cli` as a person and as a script use it.
//!
//! Most tests talk to a [`fake`] replica, which can be told to be slow, silent or gone; others to a
//! [`cluster`] of `holdback-server` itself.

mod cluster;
mod fake;
mod modes;
mod real;
mod repl;
mod scripts;
mod terminal;
mod top;
mod typing;

use std::process::Command;

/// `holdback-cli`, with nothing of this machine's surroundings.
fn holdback_cli(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdback-cli"));
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env("HOLDBACK_HISTORY", "")
        .env("HOLDBACKRC", "");
    command
}
