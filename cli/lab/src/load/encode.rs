//! Operations as the bytes of their commands.

use crate::history::Call;
use holdback::protocol::arguments::{push_bulk, push_decimal};

/// Appends one command.
pub(super) fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    header(out, words.len());
    words.iter().for_each(|word| push_bulk(out, word));
}

fn header(out: &mut Vec<u8>, words: usize) {
    out.push(b'*');
    push_decimal(out, words as u64);
    out.extend_from_slice(b"\r\n");
}

/// Appends an operation's commands. Returns how many replies come before the one that answers it: none but
/// for a transaction.
pub(super) fn operation(out: &mut Vec<u8>, call: &Call) -> usize {
    match call {
        Call::Get(key) => command(out, &[b"GET", key]),
        Call::Set(key, value) => command(out, &[b"SET", key, value]),
        Call::SetNx(key, value) => command(out, &[b"SETNX", key, value]),
        Call::GetSet(key, value) => command(out, &[b"GETSET", key, value]),
        Call::Cas(key, old, new) => command(out, &[b"CAS", key, old, new]),
        Call::Incr(key) => command(out, &[b"INCR", key]),
        Call::Append(key, value) => command(out, &[b"APPEND", key, value]),
        Call::Del(key) => command(out, &[b"DEL", key]),
        Call::Mget(keys) => {
            header(out, 1 + keys.len());
            push_bulk(out, b"MGET");
            keys.iter().for_each(|key| push_bulk(out, key));
        }
        Call::Mset(pairs) => {
            header(out, 1 + 2 * pairs.len());
            push_bulk(out, b"MSET");
            for (key, value) in pairs {
                push_bulk(out, key);
                push_bulk(out, value);
            }
        }
        Call::Txn(calls) => {
            command(out, &[b"MULTI"]);
            for call in calls {
                operation(out, call);
            }
            command(out, &[b"EXEC"]);
            return 1 + calls.len();
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::mix::Mix;
    use crate::load::workload::{Author, Workload};
    use holdback::consistency::Consistency;

    #[test]
    fn the_bytes_are_those_of_the_commands() {
        let mix = Mix::of(Some(Consistency::Sequential));
        let mut workload = Workload::new(mix, "", 5, 200);
        let mut author = Author::new(3, 1);
        for _ in 0..1000 {
            let (_, call) = workload.draw(&mut author);
            let mut bytes = Vec::new();
            let before = operation(&mut bytes, &call);
            let mut commands = call.commands();
            if let Call::Txn(_) = call {
                commands.insert(0, vec![b"MULTI".to_vec()]);
                commands.push(vec![b"EXEC".to_vec()]);
            }
            assert_eq!(before, commands.len() - 1);
            let mut expected = Vec::new();
            for words in &commands {
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                command(&mut expected, &words);
            }
            assert_eq!(bytes, expected, "{call}");
        }
    }
}
