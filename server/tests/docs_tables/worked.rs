//! What the pages worked out by hand, computed again.

use super::read;
use holdback::entry::{Entry, EntryBody};
use holdback::eventual::Versions;
use holdback::ids::{Ack, ReplicaId, Stamp};
use holdback::ids::{Origin, VersionStamp};
use holdback::message::{encode_ack, encode_mcast, encode_update};
use holdback::order::Order;
use holdback::store::HashSecret;
use holdback::wire::inline::split_owned;
use xxhash_rust::xxh3::xxh3_128;

/// Lines of the form `NAME = HASHED...`: hexadecimal digits and quoted strings, and a hash.
///
/// `digest 1 = 000... "1.1$1..." -> 75c...` says that the hash of these bytes is that.
fn hashed_lines(page: &str) -> Vec<(String, Vec<u8>, u128)> {
    let mut lines = Vec::new();
    for line in page.lines().filter(|line| line.contains(" -> ")) {
        let Some((left, hash)) = line.split_once(" -> ") else {
            continue;
        };
        let Some((name, parts)) = left.split_once(" = xxh3-128 ") else {
            continue;
        };
        let mut bytes = Vec::new();
        for part in parts.split_whitespace() {
            if part.starts_with('"') {
                bytes.extend(split_owned(part.as_bytes()).expect(part).concat());
            } else {
                bytes.extend(
                    (0..part.len())
                        .step_by(2)
                        .map(|at| u8::from_str_radix(&part[at..at + 2], 16).expect(part)),
                );
            }
        }
        lines.push((
            name.trim().to_owned(),
            bytes,
            u128::from_str_radix(hash.trim(), 16).expect(hash),
        ));
    }
    lines
}

#[test]
fn the_worked_digests() {
    let page = read("protocol.md");
    let lines = hashed_lines(&page);
    let names: Vec<&str> = lines.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["digest 1", "digest 2", "hash x", "hash y"]);
    for (name, bytes, hash) in &lines {
        assert_eq!(
            xxh3_128(bytes),
            *hash,
            "{name} should be {:032x}",
            xxh3_128(bytes)
        );
    }

    let mut order = Order::new(10, 1000);
    for (time, replica, command) in [(1, 1, "SET x 1"), (2, 2, "SET x 2")] {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        let stamp = Stamp::new(time, ReplicaId(replica));
        let entry = Entry {
            stamp,
            body: EntryBody::command(&words),
        };
        let position = order.append(&entry);
        let at = usize::try_from(position).expect("a small number") - 1;
        assert_eq!(
            order.digest().0,
            lines[at].2,
            "the order's digest at {position}"
        );
    }

    let mut versions = Versions::new(HashSecret::known(1));
    for (key, value, time, replica, incarnation) in [(b"x", b"1", 42, 1, 7), (b"y", b"2", 43, 2, 9)]
    {
        let origin = Origin {
            replica: ReplicaId(replica),
            incarnation,
        };
        versions.apply(key, Some(value), VersionStamp { time, origin });
    }
    let sum = lines[2].2.wrapping_add(lines[3].2);
    assert_eq!(versions.digest().0, sum);
    assert!(
        page.contains(&format!("hash x + hash y = {sum:032x}")),
        "the sum is {sum:032x}"
    );
}

/// What the pages say of the sizes of frames.
#[test]
fn the_sizes_of_frames() {
    let stamp = Stamp::new(1, ReplicaId(1));
    let entry = Entry {
        stamp,
        body: EntryBody::command(&[b"SET", b"x", b"1"]),
    };
    let (mut mcast, mut ack, mut update) = (Vec::new(), Vec::new(), Vec::new());
    encode_mcast(&mut mcast, 0, &[&entry]);
    encode_ack(
        &mut ack,
        &[Ack {
            stamp,
            incarnation: None,
        }],
    );
    encode_update(&mut update, 1_700_000_000_000_000, b"x", Some(b"1"));
    let claim = format!(
        "an `MCAST` with `SET x 1` takes {} bytes, an `ACK` {}, an `UPDATE` {}",
        mcast.len(),
        ack.len(),
        update.len()
    );
    let readme = read("README.md")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(readme.contains(&claim), "README.md does not say: {claim}");
}
