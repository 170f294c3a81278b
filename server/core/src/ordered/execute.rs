//! Executing an entry's commands on the store.

use crate::bugs::{Bug, planted};
use crate::command::{Run, lookup};
use crate::engine::Wanted;
use crate::entry::Entry;
use crate::store::{Context, Store};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// Executes an entry's commands. Only the origin evaluates reads: elsewhere no reply is wanted.
pub(super) fn execute(
    store: &mut Store,
    entry: &Entry,
    wanted: Wanted,
    how: &Context<'_>,
    reply: &mut ReplyWriter<'_>,
) {
    store.begin_entry();
    // EXEC answers with an array, even if its transaction is a single command.
    let is_exec = wanted == Wanted::Replies;
    match entry.body.single_command().filter(|_| !is_exec) {
        Some(words) => execute_command(store, &words, wanted, how, reply),
        None => execute_transaction(store, entry, wanted, how, reply),
    }
}

/// The commands of a transaction, if what it depends on has not changed.
fn execute_transaction(
    store: &mut Store,
    entry: &Entry,
    wanted: Wanted,
    how: &Context<'_>,
    reply: &mut ReplyWriter<'_>,
) {
    let mut reader = entry.body.read();
    let mut unchanged = true;
    while let Some((key, changed)) = reader.next_watch() {
        unchanged &= store.changed(key) == changed;
    }
    if planted(Bug::WatchDecidedByOrigin) && wanted == Wanted::Nothing {
        unchanged = true;
    }
    if !unchanged {
        return reply.null_array();
    }
    if wanted == Wanted::Replies {
        reply.array(reader.clone().commands().count());
    }
    for words in reader.commands() {
        execute_command(store, &words, wanted, how, reply);
    }
}

fn execute_command(
    store: &mut Store,
    words: &[&[u8]],
    wanted: Wanted,
    how: &Context<'_>,
    reply: &mut ReplyWriter<'_>,
) {
    let Some(spec) = lookup(words[0]).filter(|spec| spec.arity_fits(words.len())) else {
        // Never from a replica that admits as this one does; then it is the same everywhere.
        return reply.error(&ErrorReply::err("malformed command in an entry"));
    };
    let answer = match spec.run {
        Run::Write(write) => write(store, words, how, reply),
        _ if wanted == Wanted::Nothing => return,
        Run::Read(read) => match reply.check_room() {
            Ok(()) => read(store, words, how, reply),
            full => full,
        },
        Run::Plain(plain) => plain(words, how, reply),
        Run::Inspect(_) | Run::Connection(_) | Run::Transaction(_) => {
            Err(ErrorReply::wrong_arity(spec.name))
        }
    };
    if let Err(error) = answer {
        reply.error(&error);
    }
}
