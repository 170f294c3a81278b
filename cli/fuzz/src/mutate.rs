//! Changes to inputs, drawn from a seed: what the gate does without a fuzzer.

use holdback::random::Random;

/// Bytes with which grammars of text go wrong.
const TELLING: &[&[u8]] = &[
    b"-1",
    b"0",
    b"18446744073709551615",
    b"9223372036854775808",
    b"1e400",
    b"*",
    b"$",
    b"\r\n",
    b"\n",
    b"\"",
    b"\\",
    b"'",
    b"{",
    b"[",
    b"]",
    b"}",
    b":",
    b",",
    b"null",
    b".",
    b"@",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b" ",
];

/// The input with one to eight changes; `other` is another input, of which parts are taken.
#[must_use]
pub fn mutate(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(8) {
        change(&mut bytes, other, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let mut below = |limit| random.index(limit);
    let at = below(bytes.len() + 1);
    let end = at + below((bytes.len() - at).min(32) + 1);
    match below(7) {
        0 => drop(bytes.drain(at..end)),
        1 => {
            let copy = bytes[at..end].to_vec();
            let to = below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
        2 => {
            let from = below(other.len() + 1);
            let part = &other[from..from + below((other.len() - from).min(64) + 1)];
            bytes.splice(at..end, part.iter().copied());
        }
        3 => bytes.truncate(at),
        4 => bytes
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte ^= 1 << below(8)),
        _ => {
            let telling = TELLING[below(TELLING.len())];
            bytes.splice(at..end, telling.iter().copied());
        }
    }
}
