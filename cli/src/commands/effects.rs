//! What becomes of a command that was sent and got no answer.

use crate::text::printable;
use holdback::command::{CommandSpec, Kind, Name, lookup};

/// What the table says of a command.
pub(crate) fn spec_of(command: &[Vec<u8>]) -> Option<&'static CommandSpec> {
    lookup(command.first()?)
}

/// Whether the command may change something once it was sent. An unknown one may.
pub(crate) fn may_change(command: &[Vec<u8>]) -> bool {
    let Some(spec) = spec_of(command) else {
        return true;
    };
    match spec.id {
        Name::Exec | Name::Shutdown => true,
        Name::Fault => !second_is(command, &["LIST"]),
        Name::Config => second_is(command, &["SET", "RESETSTAT"]),
        Name::Client => second_is(command, &["KILL"]),
        Name::Slowlog | Name::Latency => second_is(command, &["RESET"]),
        _ => spec.kind == Kind::Write,
    }
}

/// Whether it may be asked again on a new connection, with the same meaning.
pub(crate) fn is_repeatable(command: &[Vec<u8>]) -> bool {
    let Some(spec) = spec_of(command) else {
        return false;
    };
    match spec.id {
        // These are about the connection that was lost.
        Name::Position | Name::Wait => false,
        Name::Ping | Name::Echo | Name::Status | Name::Info | Name::Help | Name::Time => true,
        Name::Command => true,
        Name::Consistency => command.len() == 1,
        Name::Fault => second_is(command, &["LIST"]),
        Name::Config => second_is(command, &["GET", "HELP"]),
        Name::Client => second_is(command, &["LIST", "HELP"]),
        Name::Slowlog => second_is(command, &["GET", "LEN", "HELP"]),
        _ => matches!(spec.kind, Kind::Read | Kind::Inspect),
    }
}

/// Whether it only concerns its own connection, so that sending it on one of its own is in vain.
pub(crate) fn is_bound_to_connection(command: &[Vec<u8>]) -> bool {
    let Some(spec) = spec_of(command) else {
        return false;
    };
    spec.kind == Kind::Transaction
        || matches!(
            spec.id,
            Name::Position | Name::Wait | Name::Hello | Name::Auth | Name::Select | Name::Reset
        )
        || (spec.id == Name::Consistency && command.len() > 1)
}

/// The command's name, for a message.
pub(crate) fn name(command: &[Vec<u8>]) -> String {
    match (spec_of(command), command) {
        (Some(spec), _) => spec.name.to_owned(),
        (None, [name, ..]) => printable(&String::from_utf8_lossy(name)),
        (None, []) => String::new(),
    }
}

/// Whether the command is this one.
pub(crate) fn is(command: &[Vec<u8>], id: Name) -> bool {
    spec_of(command).is_some_and(|spec| spec.id == id)
}

fn second_is(command: &[Vec<u8>], words: &[&str]) -> bool {
    let is_second = |second: &Vec<u8>| {
        let mut words = words.iter();
        words.any(|word| second.eq_ignore_ascii_case(word.as_bytes()))
    };
    command.get(1).is_some_and(is_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_may_change_something_is_never_repeated() {
        let command =
            |line: &str| -> Vec<Vec<u8>> { line.split(' ').map(|word| word.into()).collect() };
        for spec in holdback::command::table::COMMANDS {
            let command = command(spec.name);
            assert!(
                !(may_change(&command) && is_repeatable(&command)),
                "{}",
                spec.name
            );
        }
        for line in [
            "SET a 1",
            "del a",
            "EXEC",
            "FAULT CUT 2",
            "SHUTDOWN",
            "NOSUCH",
            "CONFIG SET a 1",
            "CLIENT KILL ID 3",
            "SLOWLOG RESET",
        ] {
            assert!(may_change(&command(line)), "{line}");
        }
        for line in [
            "get a",
            "STATUS",
            "FAULT LIST",
            "ORDER 5",
            "CONSISTENCY",
            "config get *",
        ] {
            assert!(is_repeatable(&command(line)), "{line}");
        }
        for line in [
            "POSITION",
            "MULTI",
            "WATCH a",
            "MONITOR",
            "CONSISTENCY sequential",
            "WAIT 1 0",
            "CLIENT ID",
        ] {
            let command = command(line);
            assert!(!may_change(&command) && !is_repeatable(&command), "{line}");
        }
    }
}
