//! Operations as the bytes of their commands.

use crate::history::Call;
use holdback::wire::arguments::{push_bulk, push_decimal};

/// Appends one command.
pub(super) fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.push(b'*');
    push_decimal(out, words.len() as u64);
    out.extend_from_slice(b"\r\n");
    words.iter().for_each(|word| push_bulk(out, word));
}

/// Appends an operation's commands. Returns how many replies come before the one that answers it: none but
/// for a transaction.
pub(super) fn operation(out: &mut Vec<u8>, call: &Call) -> usize {
    let Call::Txn(calls) = call else {
        call.each_command(&mut |words| command(out, words));
        return 0;
    };
    command(out, &[b"MULTI"]);
    call.each_command(&mut |words| command(out, words));
    command(out, &[b"EXEC"]);
    1 + calls.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_stands_between_multi_and_exec() {
        let get = Call::Get(b"k".to_vec());
        let mut bytes = Vec::new();
        assert_eq!(operation(&mut bytes, &get), 0);
        let single = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
        assert_eq!(String::from_utf8_lossy(&bytes), single);
        bytes.clear();
        assert_eq!(operation(&mut bytes, &Call::Txn(vec![get.clone(), get])), 3);
        let whole = format!("*1\r\n$5\r\nMULTI\r\n{single}{single}*1\r\n$4\r\nEXEC\r\n");
        assert_eq!(String::from_utf8_lossy(&bytes), whole);
    }
}
