//! What the program does beside sending commands.

use crate::cluster::Cluster;
use crate::fake::{Fake, free_port};
use crate::holdback_cli;
use crate::scripts::{run as run_at, stdout};
use crate::terminal::Terminal;
use assert_cmd::Command;
use assert_cmd::assert::Assert;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_match};

fn run(cluster: &Cluster, arguments: &str, input: &[u8]) -> Assert {
    run_at(cluster.ports[0], arguments, input)
}

#[test]
fn a_command_is_repeated_and_may_take_its_last_argument_from_a_file() {
    let cluster = Cluster::start(1);
    assert_eq!(cluster.run(1, "-r 3 INCR n"), "1\n2\n3\n");
    let start = holdback_client::clock::now();
    assert_eq!(cluster.run(1, "-r 2 -i 0.2 INCR n"), "4\n5\n");
    assert!(start.elapsed().as_millis() >= 200);
    run(&cluster, "-r 2 -e INCRBY n x", b"").code(1);
    run(&cluster, "-x SET file", b"a\0b\n").stdout("OK\n");
    assert_eq!(cluster.run(1, "--json GET file"), "\"a\\u0000b\\n\"\n");
    assert_eq!(cluster.run(1, "-r 0 INCR n"), "");
    run(&cluster, "-i 1 PING", b"").code(64);
    run(&cluster, "-x", b"").code(64);
}

#[test]
fn a_command_repeated_for_ever_ends_with_its_reader() {
    use std::io::{BufRead, BufReader};
    let cluster = Cluster::start(1);
    let mut cli = cluster.cli(1);
    cli.args(["-r", "-1", "INCR", "n"]);
    let mut child = cli.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.by_ref().take(50).last().unwrap().unwrap(), "50");
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn replies_are_records_of_comma_separated_values() {
    let cluster = Cluster::start(2);
    cluster.run(1, "MSET a 1 b say\"x\"");
    assert_eq!(
        cluster.run(1, "--csv MGET a b c"),
        "\"1\",\"say\"\"x\"\"\",NULL\n"
    );
    assert_eq!(
        cluster.run(1, "--csv NOSUCH").split(',').next(),
        Some("ERROR")
    );
    assert_eq!(cluster.run(2, "--csv @all EXISTS a"), "1,1\n2,1\n");
}

#[test]
fn latency_is_measured_of_ping_or_of_a_command() {
    let cluster = Cluster::start(1);
    let line = cluster.run(1, "--latency -i 0.2");
    let numbers: Vec<f64> = line
        .split(' ')
        .map(|word| word.trim().parse().unwrap())
        .collect();
    let [least, mean, most, count] = numbers[..] else {
        panic!("{line}");
    };
    assert!(
        0.0 < least && least <= mean && mean <= most && count >= 1.0,
        "{line}"
    );
    let json = cluster.run(1, "--json --latency -i 0.2 INCR n");
    assert!(json.starts_with("{\"avg_ms\":"), "{json}");
    assert_ne!(cluster.run(1, "GET n"), "\n", "INCR was sent");
    let ran = run(&cluster, "--latency INCRBY n x", b"").code(1);
    ran.stdout(contains("not an integer"));
    run_at(free_port(), "--latency", b"").code(69);
}

#[test]
fn latency_is_shown_live_and_says_when_the_replica_is_silent() {
    let cluster = Cluster::start(1);
    let mut cli = cluster.cli(1);
    cli.arg("--latency");
    let mut terminal = Terminal::start(&cli, 80, 24);
    terminal.see("min ");
    terminal.see("samples)");
    cluster.signal(1, "-STOP");
    terminal.see("no answer for 1.");
    cluster.signal(1, "-CONT");
    terminal.see_gone("no answer");
    terminal.keys("\x03");
    assert_eq!(terminal.end(), 130);
    assert_eq!(terminal.text().lines().count(), 1, "one line is drawn over");
}

#[test]
fn statistics_are_a_row_a_time() {
    let cluster = Cluster::start(2);
    cluster.run(1, "MSET a 1 b 2");
    let rows = cluster.run(1, "--stat -r 2 -i 0.01");
    let rows: Vec<_> = rows
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<_>>())
        .collect();
    assert_eq!(rows[0][..3], ["keys", "memory", "clients"]);
    assert_eq!((rows.len(), rows[1][0], rows[2][0]), (3, "2", "2"));
    let csv = cluster.run(1, "--csv --stat -r 1");
    let (names, numbers) = csv.trim().split_once('\n').unwrap();
    let position = names
        .split(',')
        .position(|name| name == "position")
        .unwrap();
    assert_eq!(numbers.split(',').nth(position), Some("1"));
    let json = cluster.run(1, "--json --stat -r 1");
    assert!(json.contains("\"keys\":2"), "{json}");
    run_at(free_port(), "--stat -r 1", b"").code(69);
}

#[test]
fn keys_are_listed_by_scan() {
    let cluster = Cluster::start(1);
    let sets = (0..500)
        .map(|n| format!("SET key:{n} 1\n"))
        .collect::<String>();
    run(
        &cluster,
        "",
        format!("{sets}SET other 1\nSET 'a b' 1\n").as_bytes(),
    )
    .code(0);
    let listed = cluster.run(1, "--scan --pattern key:* --count 7");
    let mut keys: Vec<_> = listed.lines().collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 500);
    assert!(keys.iter().all(|key| key.starts_with("key:")));
    assert_eq!(cluster.run(1, "--json --scan --pattern a*"), "\"a b\"\n");
    assert_eq!(cluster.run(1, "--no-raw --scan --pattern a*"), "\"a b\"\n");
    run(&cluster, "--pattern a", b"").code(64);
}

#[test]
fn a_pipe_of_lines_and_arrays_is_sent_and_counted() {
    let cluster = Cluster::start(3);
    let mut input = b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$3\r\n\0\r\n\r\n".to_vec();
    for n in 0..5000 {
        input.extend_from_slice(format!("SET k{n} {n}\n").as_bytes());
    }
    // The last line lacks its end.
    input.extend_from_slice(b"SET 'last one' 1");
    let ran = run(&cluster, "--pipe", &input).code(0).stderr("");
    ran.stdout(contains("errors: 0, replies: 5002 in "));
    assert_eq!(cluster.run(1, "DBSIZE"), "5002\n");
    let ran = run(&cluster, "--pipe", b"SET a x\nINCR a\nGET a\nNOSUCH\n").code(1);
    let ran = ran.stdout(contains("errors: 2, replies: 4 in "));
    ran.stderr(is_match("^reply 2:.*\nreply 4:.*\n$").unwrap());
    let json = run(&cluster, "--json --pipe", b"").code(0);
    json.stdout(contains("\"replies\":0"));
    let many = "NOSUCH\n".repeat(100);
    let ran = run(&cluster, "--pipe", many.as_bytes()).code(1);
    let ran = ran.stdout(contains("errors: 100, replies: 100 in "));
    ran.stderr(contains("\n").count(21));
}

#[test]
fn a_pipe_gives_up_on_silence_and_says_what_a_lost_connection_leaves() {
    let cluster = Cluster::start(2);
    cluster.signal(2, "-STOP");
    let ran = run(&cluster, "--pipe --pipe-timeout 0.3", b"SET a 1\nSET b 1\n").code(69);
    let ran = ran.stdout(contains("replies: 0"));
    ran.stderr(contains("No reply for 0.3s").and(contains("may still happen")));
    cluster.signal(2, "-CONT");
    let fake = Fake::start();
    let ran = run_at(fake.port, "--pipe", b"*2\r\n$3\r\nGET\r\n$4\r\ndrop\r\n").code(69);
    ran.stderr(contains("connection was lost"));
}

#[test]
fn a_pipe_shows_its_progress_on_a_terminal() {
    let cluster = Cluster::start(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("commands");
    std::fs::write(&file, "SET a 1\n".repeat(200_000)).unwrap();
    let mut shell = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_holdback-cli");
    let port = cluster.ports[0];
    let script = format!("{program} -p {port} --pipe < {}", file.display());
    shell.args(["-c", &script]);
    let mut terminal = Terminal::start(&shell, 100, 24);
    terminal.see("errors: 0, replies: 200000 in ");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.raw().contains(" sent, "), "{}", terminal.raw());
    assert!(
        !terminal.text().contains(" sent, "),
        "the progress is gone: {}",
        terminal.text()
    );
}

#[test]
fn answers_are_watched_until_q() {
    let cluster = Cluster::start(3);
    let mut cli = cluster.cli(2);
    cli.args(["--watch", "-i", "0.1", "GET", "x"]);
    let mut terminal = Terminal::start(&cli, 80, 24);
    terminal.see("every 0.1s: @all GET x");
    terminal.see("3 replicas agree");
    assert!(terminal.is_taken());
    cluster.run(3, "SET x found");
    terminal.see("\"found\"");
    cluster.signal(1, "-STOP");
    terminal.see("1 replica did not answer");
    cluster.signal(1, "-CONT");
    terminal.see_gone("did not answer");
    terminal.resize(60, 6);
    terminal.see("... 3 more lines");
    terminal.see("3 replicas agree");
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    assert!(!terminal.is_taken());
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let cluster = Cluster::start(1);
    let mut cli = cluster.cli(1);
    cli.args(["--watch", "STATUS"]);
    let mut terminal = Terminal::start(&cli, 80, 24);
    terminal.see("every 1s: @all STATUS");
    terminal.terminate();
    assert_eq!(terminal.end(), 128 + 15);
    assert!(!terminal.is_taken());
    assert!(terminal.raw().contains("\x1b[?25h"), "the cursor is back");
}

#[test]
fn answers_are_watched_in_a_pipe_as_well() {
    let cluster = Cluster::start(2);
    assert_eq!(
        cluster.run(1, "--watch -r 2 -i 0.05 EXISTS x"),
        "1\t0\n2\t0\n1\t0\n2\t0\n"
    );
    assert_eq!(
        cluster.run(1, "--json --watch -r 1 @2 EXISTS x"),
        "{\"2\":0}\n"
    );
    for refused in ["SET x 1", "MULTI", "MONITOR", "@7 GET x"] {
        run(&cluster, &format!("--watch {refused}"), b"").code(64);
    }
}

#[test]
fn bash_completes_as_the_repl_does() {
    let complete = |line: &str, word: &str| {
        let script = format!(
            "eval \"$({0} completions bash)\"; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; \
             _holdback_cli {0} '{word}'; printf '%s|' \"${{COMPREPLY[@]}}\"",
            env!("CARGO_BIN_EXE_holdback-cli")
        );
        let mut bash = Command::new("bash");
        let ran = bash.args(["--norc", "-c", &script]).assert().code(0);
        stdout(&ran)
    };
    assert_eq!(complete("holdback-cli --js", "--js"), "--json |");
    assert_eq!(complete("holdback-cli -p 1 GETD", "GETD"), "GETDEL |");
    assert_eq!(complete("holdback-cli SET a 1 ", ""), "NX |XX |GET |");
    // bash takes the word after @ for one of its own.
    assert_eq!(complete("holdback-cli @al", "al"), "all |");
    let completions = |shell: &str| {
        let mut cli = Command::from_std(holdback_cli(&["completions", shell]));
        cli.assert()
    };
    completions("zsh").code(0);
    completions("fish").code(0);
    completions("csh").code(64);
}
