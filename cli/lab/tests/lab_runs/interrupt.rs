//! Ctrl-C and signals at every stage: nothing that was started is left behind.

use crate::place::{Place, case_file, in_terminal, root, write_program};
use holdback_testkit::processes::{programs, signal, until};
use rexpect::session::PtySession;
use std::path::Path;
use std::process::{Command, Stdio};

/// A terminal in which a script runs.
fn terminal(place: &Place, script: &str, arguments: &[&str], bin: Option<&Path>) -> PtySession {
    let mut command = place.command(root().join("scripts").join(script));
    command.args(arguments);
    match bin {
        Some(folder) => command.env("HOLDBACK_BIN", folder),
        None => command.env_remove("HOLDBACK_BIN"),
    };
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", place.runs.path().display()));
    in_terminal(command)
}

#[track_caller]
fn interrupt(place: &Place, mut terminal: PtySession) {
    // There is something to interrupt.
    assert!(!place.processes().is_empty());
    terminal.send_control('c').unwrap();
    terminal.exp_eof().unwrap();
    assert_interrupted(&terminal);
    place.assert_no_processes();
}

/// Waits until the program that runs the clients is there.
fn wait_for_the_clients(place: &Place) {
    let running = |line: &String| line.contains("holdback-lab run");
    until("the clients", || place.processes().iter().any(running));
}

/// Asserts how the program in a terminal ended.
#[track_caller]
fn assert_interrupted(terminal: &PtySession) {
    // The type of the status is not public.
    let status = format!("{:?}", terminal.process().wait().unwrap());
    assert!(
        status.starts_with("Exited") && status.ends_with(", 130)"),
        "{status}"
    );
}

#[test]
fn while_the_programs_are_built() {
    let place = Place::new();
    // A build that has children and never ends.
    let cargo = "sh -c \"echo compiling; read line <$0.pipe\" \"$0\" &\nwait\n";
    write_program(&place.runs.path().join("cargo"), cargo);
    let pipe = place.runs.path().join("cargo.pipe");
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    for (script, arguments) in [
        ("run_case.sh", &["--free-ports", "m1_first"][..]),
        ("cluster.sh", &["up", "--detach"]),
        ("run_all_cases.sh", &[]),
    ] {
        let mut terminal = terminal(&place, script, arguments, None);
        terminal.exp_string("compiling").unwrap();
        interrupt(&place, terminal);
    }
}

#[test]
fn while_the_replicas_start() {
    let place = Place::new();
    // A server that never gets ready; it tells the terminal that it has been started.
    let server = "echo started >/dev/tty\nexec tail -f \"$0\"\n";
    let folder = place.programs_with_server(server);
    let port = place.first_port.to_string();
    for (script, arguments) in [
        ("run_case.sh", &["--free-ports", "m1_first"][..]),
        ("cluster.sh", &["up", "-n", "1", "-p", &port, "--detach"]),
    ] {
        let mut terminal = terminal(&place, script, arguments, Some(&folder));
        terminal.exp_string("started").unwrap();
        interrupt(&place, terminal);
    }
}

#[test]
fn while_the_clients_run() {
    let place = Place::new();
    for (script, arguments) in [
        ("run_case.sh", &["--free-ports", "cut_and_heal"][..]),
        ("run_case.sh", &["--free-ports", "--keep", "cut_and_heal"]),
    ] {
        let mut terminal = terminal(&place, script, arguments, Some(programs()));
        terminal.exp_string("requests answered").unwrap();
        interrupt(&place, terminal);
    }
    let all = ["cut_and_heal"];
    let mut terminal = terminal(&place, "run_all_cases.sh", &all, Some(programs()));
    terminal.exp_string("cut_and_heal").unwrap();
    wait_for_the_clients(&place);
    interrupt(&place, terminal);
}

#[test]
fn a_signal_to_the_script_alone_ends_everything_too() {
    let place = Place::new();
    for (name, code) in [("-TERM", 143), ("-HUP", 129)] {
        let mut command = place.command(root().join("scripts/run_case.sh"));
        command
            .args(["--free-ports", "cut_and_heal"])
            .stdout(Stdio::null());
        let mut script = command.spawn().unwrap();
        wait_for_the_clients(&place);
        signal(script.id(), name);
        assert_eq!(script.wait().unwrap().code(), Some(code));
        place.assert_no_processes();
    }
}

#[test]
fn an_interrupted_run_leaves_no_faults_behind() {
    let place = Place::new();
    place.up("--allow-faults").exits(0);
    let mut command = place.command(programs().join("holdback-lab"));
    let (case, cluster) = (case_file("sequential/hold_back"), place.cluster(3));
    command.args(["run", &case, "--cluster", &cluster]);
    let mut terminal = in_terminal(command);
    terminal.exp_string("requests answered").unwrap();
    terminal.send_control('c').unwrap();
    terminal.exp_eof().unwrap();
    assert_interrupted(&terminal);
    place.assert_healed(3);
}
