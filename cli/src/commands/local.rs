//! Commands that the REPL answers itself.

use holdback::command::table::COMMANDS;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    Help,
    Connect,
    Clear,
    History,
    Set,
    Exit,
}

/// A row of their table.
#[derive(Debug)]
pub(crate) struct LocalSpec {
    pub(crate) local: Local,
    /// The name, in lower case; commands of replicas are in upper case.
    pub(crate) name: &'static str,
    /// The arguments, as in the command table.
    pub(crate) arguments: &'static str,
    pub(crate) summary: &'static str,
}

/// The table.
pub(crate) const LOCALS: &[LocalSpec] = &[
    LocalSpec {
        local: Local::Help,
        name: "help",
        arguments: "[command|@group]",
        summary: "Explains a command, or lists them; needs no replica",
    },
    LocalSpec {
        local: Local::Connect,
        name: "connect",
        arguments: "host:port | host port | @replica",
        summary: "Talks to another replica from here on",
    },
    LocalSpec {
        local: Local::Clear,
        name: "clear",
        arguments: "",
        summary: "Clears the screen",
    },
    LocalSpec {
        local: Local::History,
        name: "history",
        arguments: "[count]",
        summary: "Lists what was typed",
    },
    LocalSpec {
        local: Local::Set,
        name: ":set",
        arguments: "[preference [value]]",
        summary: "Lists your preferences, or changes one: `:set hints off`",
    },
    LocalSpec {
        local: Local::Exit,
        name: "exit",
        arguments: "",
        summary: "Leaves, as Ctrl-D does",
    },
    LocalSpec {
        local: Local::Exit,
        name: "quit",
        arguments: "",
        summary: "Leaves, as Ctrl-D does",
    },
];

/// The names of all commands: the replicas', then the REPL's own.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let own = LOCALS.iter().map(|spec| spec.name);
    COMMANDS.iter().map(|spec| spec.name).chain(own)
}

/// Finds one by its name in any case.
pub(crate) fn lookup(name: &[u8]) -> Option<&'static LocalSpec> {
    LOCALS
        .iter()
        .find(|spec| spec.name.as_bytes().eq_ignore_ascii_case(name))
}
