//! What a command can make the data grow by, and how much work a transaction is: known before it is stamped.

use super::read::Keyspace;
use crate::wire::arguments::parse_integer;

/// Bytes that a number takes at most, as `INCRBYFLOAT` writes it.
const NUMBER_BYTES: usize = 350;
/// What a command of a transaction counts beside the bytes that it moves: about as many can be moved in the same time.
const COMMAND_WORK: usize = 1 << 10;

/// How a command makes the data grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// The key gets the argument at this place.
    Value(usize),
    /// Keys and values take turns.
    Pairs,
    /// The key gets a number.
    Number,
    /// The value gets an argument more behind its end.
    Suffix,
    /// The value gets a part, from an offset on.
    Part,
    /// Another key gets the value too.
    Copied,
    /// Another key gets the value.
    Moved,
}

impl Growth {
    /// By how many bytes the data grows at the most, as they are now. `unknown`: bytes of a value that is on its way and
    /// may be there when the command is executed.
    #[must_use]
    pub fn bytes(self, words: &[&[u8]], data: &dyn Keyspace, unknown: usize) -> usize {
        let held = |key: &[u8]| data.get(key).map_or(0, <[u8]>::len);
        let grow = |key: &[u8], length: usize| match data.get(key) {
            Some(value) => length.saturating_sub(value.len()),
            None => length.saturating_add(key.len() + data.key_overhead()),
        };
        match self {
            Self::Value(place) => grow(words[1], words[place].len()),
            Self::Pairs => {
                let pairs = words[1..].chunks_exact(2);
                pairs.map(|pair| grow(pair[0], pair[1].len())).sum()
            }
            Self::Number => grow(words[1], NUMBER_BYTES),
            Self::Suffix => grow(words[1], held(words[1]) + words[2].len()),
            Self::Part => grow(words[1], end_of_part(words)),
            Self::Copied => grow(words[2], held(words[1]).max(unknown)),
            Self::Moved => words[2].len().saturating_sub(words[1].len()),
        }
    }
}

/// The bytes that a transaction's commands have to move or fill, roughly and rather too many than too few, and what
/// each costs beside. Each comes with how it makes the data grow, if it does.
pub fn work<'a>(
    commands: impl Iterator<Item = (Option<Growth>, &'a [&'a [u8]])>,
    data: &dyn Keyspace,
) -> usize {
    // The longest value that there can be by now, and the part that was written last: many that follow each other are
    // often parts of one value.
    let mut longest = data.longest();
    let mut last: (&[u8], usize) = (b"", 0);
    commands.fold(0, |sum: usize, (growth, words)| {
        let moved = match growth {
            None | Some(Growth::Number) => 0,
            Some(Growth::Value(_) | Growth::Pairs | Growth::Suffix) => {
                let bytes = words.iter().map(|word| word.len()).sum();
                longest = longest.saturating_add(bytes);
                bytes
            }
            Some(Growth::Part) => {
                let (key, end) = (words[1], end_of_part(words));
                let held = match last {
                    (known, length) if known == key => length,
                    _ => data.get(key).map_or(0, <[u8]>::len),
                };
                last = (key, held.max(end));
                longest = longest.max(end);
                end.saturating_sub(held)
            }
            Some(Growth::Copied | Growth::Moved) => longest,
        };
        sum.saturating_add(moved).saturating_add(COMMAND_WORK)
    })
}

/// Where the part ends that SETRANGE writes.
fn end_of_part(words: &[&[u8]]) -> usize {
    let offset = parse_integer(words[2]).and_then(|offset| usize::try_from(offset).ok());
    match words[3].len() {
        0 => 0,
        length => offset.unwrap_or(0).saturating_add(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{HashSecret, Store};

    #[test]
    fn parts_of_one_value_are_no_work_and_copies_of_large_ones_are() {
        let mut store = Store::new(HashSecret::known(1));
        store.set(b"small", b"1", 1);
        let part: &[&[u8]] = &[b"SETRANGE", b"b", b"1048576", b"y"];
        let copy: &[&[u8]] = &[b"COPY", b"b", b"c"];
        let parts = |count| std::iter::repeat_n((Some(Growth::Part), part), count);
        assert!(work(parts(100_000), &store) < 110 << 20);
        let copies = std::iter::repeat_n((Some(Growth::Copied), copy), 1000);
        assert!(work(copies.clone(), &store) < 2 << 20, "of what is small");
        assert!(work(parts(1).chain(copies), &store) > 1000 << 20);
    }
}
