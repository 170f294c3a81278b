//! The command line, right and wrong.

use super::*;
use std::collections::BTreeSet;

fn check(line: &str) -> Result<Config, String> {
    let words = std::iter::once("holdback-server").chain(line.split_whitespace());
    Arguments::try_parse_from(words)
        .map_err(|error| error.to_string())?
        .check(entropy(7))
}

/// What another start draws.
fn entropy(start: u64) -> Entropy {
    Entropy {
        wall: Duration::from_secs(1_800_000_000),
        start,
        seed: start,
        hash_secret: HashSecret::known(start),
    }
}

#[test]
fn the_hash_secret_is_another_at_each_start_even_if_the_seed_is_given() {
    let arguments = Arguments::try_parse_from(["holdback-server", "--seed", "5"]).unwrap();
    let start = |number| arguments.check(entropy(number)).unwrap().settings;
    assert_eq!((start(1).seed, start(2).seed), (5, 5));
    assert_eq!(start(1).hash_secret, HashSecret::known(1));
    assert_eq!(start(2).hash_secret, HashSecret::known(2));
}

#[test]
fn the_defaults_are_one_sequential_replica() {
    let config = check("").unwrap();
    assert_eq!(config.address.to_string(), "127.0.0.1:8081");
    assert_eq!(config.settings.id, ReplicaId(1));
    assert_eq!(config.settings.consistency, Consistency::Sequential);
}

#[test]
fn a_start_under_a_clock_that_stands_still_is_another_incarnation() {
    let random = |start: u64| incarnation(entropy(start.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let drawn: BTreeSet<u64> = (1..=100).map(random).collect();
    assert_eq!(drawn.len(), 100);
    let config = check("").unwrap();
    assert_eq!(config.settings.incarnation, incarnation(entropy(7)));
}

#[test]
fn a_later_start_is_a_larger_incarnation_and_none_is_0_or_negative() {
    let at = |milliseconds, start| {
        let wall = Duration::from_millis(milliseconds);
        incarnation(Entropy {
            wall,
            ..entropy(start)
        })
    };
    assert!(at(1_800_000_000_000, u64::MAX) < at(1_800_000_000_001, 0));
    // What starts had when they were numbered by nanoseconds.
    assert!(at(1_800_000_000_000, 0) > 1_800_000_000_000_000_000);
    for start in [0, u64::MAX] {
        assert!(at(0, start) > 0);
        assert!(at(u64::MAX, start) <= i64::MAX as u64);
    }
}

#[test]
fn mistakes_are_named() {
    for (line, expected) in [
        ("--cluster 127.0.0.1:1,127.0.0.1:2", "--id is missing"),
        (
            "--cluster 127.0.0.1:1,127.0.0.1:2 --id 3",
            "replicas 1 to 2",
        ),
        ("--id 0", "--id 0"),
        (
            "--cluster 127.0.0.1:1,127.0.0.1 --id 1",
            "address 2: '127.0.0.1' is not HOST:PORT",
        ),
        (
            "--cluster 127.0.0.1:1,127.0.0.1:99999 --id 1",
            "address 2: '127.0.0.1:99999'",
        ),
        (
            "--cluster 127.0.0.1:1,127.0.0.1:1 --id 1",
            "address 2: 127.0.0.1:1 is named twice",
        ),
        ("--cluster ::1:80", "IPv6"),
        ("--bind 0.0.0.0", "--protected-mode no"),
        ("--consistency strong", "unknown model 'strong'"),
        ("--request-timeout 5x", "unit of time"),
        ("--request-timeout 0", "cannot be 0"),
        ("--tcp-keepalive 10h", "--tcp-keepalive is 32767 seconds"),
        ("--max-clients 0", "--max-clients cannot be 0"),
        ("--max-clients-memory 0", "is 1048576 bytes at the least"),
        ("--timeout 1x", "--timeout"),
        ("--max-pending 5q", "unit of size"),
        ("--max-value 1gb", "--max-value"),
    ] {
        let error = check(line).expect_err(line);
        assert!(error.contains(expected), "{line}: {error}");
    }
}

#[test]
fn durations_sizes_and_addresses() {
    assert_eq!(parse_duration("2.5"), Ok(Duration::from_millis(2500)));
    assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
    assert_eq!(parse_bytes("64mb"), Ok(64 << 20));
    assert_eq!(parse_bytes("1000"), Ok(1000));
    let keepalive = |line| check(line).unwrap().keepalive;
    assert_eq!(keepalive(""), Some(Duration::from_secs(300)));
    assert_eq!(
        keepalive("--tcp-keepalive 10ms"),
        Some(Duration::from_secs(1))
    );
    assert_eq!(keepalive("--tcp-keepalive 0"), None);
    assert_eq!(check("").unwrap().settings.idle_timeout, Duration::ZERO);
    let settings = check("--timeout 90 --max-clients-memory 2gb --max-watches 7");
    let settings = settings.unwrap().settings;
    assert_eq!(settings.idle_timeout, Duration::from_secs(90));
    assert_eq!(
        (settings.clients_memory_max, settings.watches_max),
        (2 << 30, 7)
    );
    let config = check("--bind 0.0.0.0 --protected-mode no --cluster 127.0.0.1:9").unwrap();
    assert_eq!(config.address.to_string(), "0.0.0.0:9");
    let config = check("--bind 127.0.0.1:7").unwrap();
    assert_eq!(
        (config.address.port(), &*config.settings.cluster[0]),
        (7, "127.0.0.1:7")
    );
}
