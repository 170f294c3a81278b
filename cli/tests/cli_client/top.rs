//! `--top`: the whole cluster on one screen.

use crate::cluster::Cluster;
use crate::fake::free_port;
use crate::holdback_cli;
use crate::terminal::Terminal;
use assert_cmd::assert::OutputAssertExt;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const LEFT: &str = "\x1b[D";

/// The live view of a cluster, in a window of this size.
fn watch(cluster: &Cluster, columns: u16, rows: u16) -> Terminal {
    let mut cli = cluster.cli(1);
    cli.args(["--top", "-i", "0.1"]);
    Terminal::start(&cli, columns, rows)
}

/// Sends a command that is not answered for a while.
fn begin(cluster: &Cluster, replica: usize, command: &str) -> Child {
    let mut cli = cluster.cli(replica);
    cli.args(command.split(' '));
    cli.stdout(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn leave(terminal: &mut Terminal, key: &str) {
    terminal.keys(key);
    assert_eq!(terminal.end(), 0);
    assert!(!terminal.is_taken());
    assert!(terminal.raw().contains("\x1b[?25h"), "the cursor is back");
}

#[test]
fn one_look_shows_why_a_write_hangs_and_a_key_heals_it() {
    let cluster = Cluster::start(3);
    let mut terminal = watch(&cluster, 100, 24);
    terminal.see("All is well");
    cluster.run(3, "FAULT CUT 1");
    terminal.see("Link 1-3 is cut by replica 3. Writes may have to wait for that.");
    let write = begin(&cluster, 1, "SET b 2");
    terminal.see("Writes hang: at replica ");
    terminal.see(" 1.1 SET b 2 has waited ");
    terminal.see("for replica 3: link 1-3 is cut by replica 3.");
    terminal.see("waits for 3");
    terminal.see("waited for");
    terminal.see("at 1  1.1 SET b 2  waits ");
    terminal.keys("\t");
    terminal.see("[cut]");
    terminal.keys("h");
    terminal.see("healed: 3 to 1 and back");
    terminal.see("All is well");
    terminal.see("digests of 3 of 3 agree at 1");
    let written = write.wait_with_output().unwrap();
    assert_eq!(written.stdout, b"OK\n");
    leave(&mut terminal, "q");
}

#[test]
fn keys_cut_and_delay_what_is_chosen() {
    let cluster = Cluster::start(3);
    let mut terminal = watch(&cluster, 80, 24);
    terminal.see("All is well");
    terminal.keys("c");
    terminal.see("[cut]");
    terminal.see("cut: 1 to 2");
    assert_eq!(cluster.run(1, "FAULT LIST"), "CUT 2\n");
    // The first column stands for all links of a row.
    terminal.keys(LEFT);
    terminal.see("[all]");
    terminal.keys("dx100 20\x7f00\r");
    terminal.see("delayed by 100 to 200 ms: 1 to all");
    terminal.see("+100-200ms");
    assert_eq!(
        cluster.run(1, "FAULT LIST"),
        "CUT 2\nDELAY 2 100 200\nDELAY 3 100 200\n"
    );
    terminal.keys("d9 1\r");
    terminal.see("replica 1: ERR delays are milliseconds");
    terminal.keys("d5");
    terminal.see("delay 1 to all: milliseconds");
    terminal.keys("\x1b");
    terminal.see_gone("milliseconds");
    terminal.keys("H");
    terminal.see("every link is healed");
    terminal.see("All is well");
    assert_eq!(cluster.run(1, "FAULT LIST"), "\n");
    leave(&mut terminal, "\x03");
}

#[test]
fn replicas_that_are_paused_or_gone_hold_up_nothing() {
    let mut cluster = Cluster::start(3);
    let mut terminal = watch(&cluster, 80, 24);
    terminal.see("All is well");
    cluster.signal(2, "-STOP");
    terminal.see("silent ");
    let write = begin(&cluster, 1, "SET b 2");
    terminal.see("Writes hang: at replica 1");
    terminal.see("it is paused, or");
    // Keys work meanwhile.
    terminal.keys("?");
    terminal.see("choose one end of a link");
    terminal.keys("?");
    terminal.see_gone("choose one end of a link");
    cluster.signal(2, "-CONT");
    terminal.see("All is well");
    assert_eq!(write.wait_with_output().unwrap().stdout, b"OK\n");
    cluster.kill(3);
    terminal.see("Replica 3 is down (Connection refused).");
    terminal.see("digests of 2 of 3 agree at 1");
    terminal.keys("\x1b[A");
    terminal.resize(40, 12);
    terminal.see("Replica 3 is down (Connection refused).");
    terminal.until("nothing beyond the window", |screen| {
        screen.contains("down") && screen.lines().last().unwrap_or_default().ends_with("...")
    });
    leave(&mut terminal, "q");
}

#[test]
fn no_key_is_lost_while_the_window_changes() {
    let cluster = Cluster::start(1);
    let mut terminal = watch(&cluster, 80, 24);
    terminal.see("All is well");
    for round in 0..40 {
        terminal.resize(80 + round % 2, 24);
        terminal.keys("?");
        if round % 2 == 0 {
            terminal.see("q       quit");
        } else {
            terminal.see_gone("q       quit");
        }
    }
    leave(&mut terminal, "q");
}

#[test]
fn faults_that_are_not_allowed_are_not_offered() {
    let cluster = Cluster::start_as(2, &[]);
    let mut terminal = watch(&cluster, 80, 24);
    terminal.see("(faults are not allowed)");
    terminal.keys("c");
    terminal.see("start the replicas with --allow-faults");
    leave(&mut terminal, "\x1b");
}

#[test]
fn without_colours_the_choice_is_seen_by_its_brackets() {
    let cluster = Cluster::start(2);
    let mut cli = cluster.cli(1);
    cli.arg("--top").env("NO_COLOR", "1");
    let mut terminal = Terminal::start(&cli, 80, 24);
    terminal.see("All is well");
    terminal.until("brackets", |screen| screen.contains("ms]"));
    leave(&mut terminal, "q");
    assert_eq!(terminal.styles(), Vec::<String>::new());
}

#[test]
fn a_picture_is_printed_where_there_is_no_terminal() {
    for (model, digests) in [
        ("sequential", "digests of 2 of 2 agree at 1"),
        ("linearizable", "digests of 2 of 2 agree at 1"),
        ("eventual", "2 of 2 hold the same data"),
    ] {
        let cluster = Cluster::start_with(2, model);
        cluster.run(1, "SET a 1");
        let start = holdback_client::clock::now();
        // An update takes a moment in the eventual model.
        let picture = loop {
            let picture = cluster.run(2, "--top -i 0.05");
            if picture.contains(digests) || start.elapsed().as_secs() > 10 {
                break picture;
            }
        };
        assert!(picture.starts_with("All is well"), "{picture}");
        assert!(picture.contains(digests), "{picture}");
        let rows = picture.lines().filter(|line| line.contains("  serves  "));
        assert_eq!(rows.count(), 2, "{picture}");
        assert!(picture.contains("from 2"), "{picture}");
    }
    let port = free_port().to_string();
    holdback_cli(&["-p", &port, "--top"]).assert().code(69);
    holdback_cli(&["-p", &port, "--json", "--top"])
        .assert()
        .code(64);
}

#[test]
fn it_ends_with_its_terminal() {
    let cluster = Cluster::start(1);
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let end = || {
        let name = std::ffi::OsStr::from_bytes(name.as_bytes());
        let end = File::options().read(true).write(true).open(name);
        Stdio::from(end.unwrap())
    };
    let cli = cluster.cli(1);
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(cli.get_program());
    command.args(cli.get_args()).arg("--top");
    command.env("TERM", "xterm");
    let mut child = command.stdin(end()).stdout(end()).spawn().unwrap();
    drop(command);
    let (mut terminal, mut seen) = (File::from(terminal), Vec::new());
    while !String::from_utf8_lossy(&seen).contains("All is well") {
        let mut piece = [0; 4096];
        let length = terminal.read(&mut piece).unwrap();
        seen.extend_from_slice(&piece[..length]);
    }
    drop(terminal);
    let start = holdback_client::clock::now();
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        if start.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(ended.code(), Some(128 + 1));
}
