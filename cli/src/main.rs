//! `holdback-cli`: the REPL of Holdback, and a client for scripts.

mod repl;

fn main() -> std::process::ExitCode {
    repl::run()
}
