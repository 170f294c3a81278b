//! Subcommands with the wrong arguments: each is told apart from one that does not exist, as Redis does.

use crate::commands::rows;
use crate::world::World;
use holdback::consistency::Consistency::{Eventual, Sequential};

const ROWS: &str = r"
OBJECT ENCODING -> -ERR wrong number of arguments for 'object|encoding' command
OBJECT NOSUCH -> -ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP.
MEMORY USAGE -> -ERR wrong number of arguments for 'memory|usage' command
MEMORY USAGE a SAMPLES -1 -> -ERR syntax error
MEMORY USAGE a NOSUCH 1 -> -ERR syntax error
COMMAND COUNT x -> -ERR wrong number of arguments for 'command|count' command
COMMAND GETKEYS GET -> -ERR wrong number of arguments for 'command|getkeys' command
SLOWLOG LEN x -> -ERR wrong number of arguments for 'slowlog|len' command
SLOWLOG GET x -> -ERR count should be greater than or equal to -1
LATENCY HISTORY -> -ERR wrong number of arguments for 'latency|history' command
CONFIG GET -> -ERR wrong number of arguments for 'config|get' command
CONFIG SET a b c -> -ERR syntax error
CONFIG SET slowlog-max-len 7 SLOWLOG-MAX-LEN 7 -> -ERR CONFIG SET failed (possibly related to argument 'SLOWLOG-MAX-LEN') - duplicate parameter
CLIENT NO-EVICT -> -ERR wrong number of arguments for 'client|no-evict' command
CLIENT NO-EVICT maybe -> -ERR syntax error
CLIENT REPLY maybe -> -ERR syntax error
CLIENT KILL -> -ERR wrong number of arguments for 'client|kill' command
CLIENT KILL SKIPME -> -ERR No such client
CLIENT LIST ID x -> -ERR Invalid client ID
CLIENT LIST ID -> -ERR syntax error
CLIENT LIST TYPE nosuch -> -ERR Unknown client type 'nosuch'
CLIENT LIST TYPE replica ->
CLIENT SETINFO LIB-NAME 'a b' -> -ERR lib-name cannot contain spaces, newlines or special characters.
";

#[test]
fn wrong_arguments_are_told_apart_from_unknown_subcommands() {
    for model in [Sequential, Eventual] {
        let mut world = World::new(model, 1);
        let client = world.connect(1);
        for (line, reply) in rows(ROWS) {
            assert_eq!(world.ask(client, line), reply, "{model}: {line}");
        }
        // A setting that was refused is as it was.
        let length = world.ask(client, "CONFIG GET slowlog-max-len");
        assert_eq!(length, "[slowlog-max-len 128]");
    }
}
