//! Executing an entry's commands on the store.

use crate::bugs::{Bug, planted};
use crate::command::{Run, lookup};
use crate::engine::{Applying, Wanted};
use crate::entry::Entry;
use crate::store::{Context, Store};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// Executes an entry's commands. Only the origin evaluates reads: elsewhere no reply is wanted.
pub(super) fn execute(
    store: &mut Store,
    entry: &Entry,
    position: u64,
    how: &Applying<'_>,
    reply: &mut ReplyWriter<'_>,
) {
    // EXEC answers with an array, even if its transaction is a single command.
    let is_exec = how.wanted == Wanted::Replies;
    match entry.body.single_command().filter(|_| !is_exec) {
        Some(words) => execute_command(store, &words, position, how, reply),
        None => execute_transaction(store, entry, position, how, reply),
    }
}

/// The commands of a transaction, if what it depends on has not changed.
fn execute_transaction(
    store: &mut Store,
    entry: &Entry,
    position: u64,
    how: &Applying<'_>,
    reply: &mut ReplyWriter<'_>,
) {
    let mut reader = entry.body.read();
    let mut unchanged = true;
    while let Some((key, changed)) = reader.next_watch() {
        unchanged &= store.changed(key) == changed;
    }
    if planted(Bug::WatchDecidedByOrigin) && how.wanted == Wanted::Nothing {
        unchanged = true;
    }
    if !unchanged {
        return reply.null_array();
    }
    if how.wanted == Wanted::Replies {
        reply.array(reader.clone().commands().count());
    }
    for words in reader.commands() {
        execute_command(store, &words, position, how, reply);
    }
}

fn execute_command(
    store: &mut Store,
    words: &[&[u8]],
    position: u64,
    how: &Applying<'_>,
    reply: &mut ReplyWriter<'_>,
) {
    let Some(spec) = lookup(words[0]).filter(|spec| spec.arity_fits(words.len())) else {
        // Never from a replica that admits as this one does; then it is the same everywhere.
        return reply.error(&ErrorReply::err("malformed command in an entry"));
    };
    let context = Context {
        words,
        position,
        limits: &how.settings.limits,
        random: how.random,
        now: how.now,
    };
    let answer = match spec.run {
        Run::Write(write) => write(store, &context, reply),
        _ if how.wanted == Wanted::Nothing => return,
        Run::Read(read) => read(store, &context, reply),
        Run::Plain(plain) => plain(&context, reply),
        Run::Inspect(_) | Run::Connection(_) | Run::Transaction(_) => {
            Err(ErrorReply::wrong_arity(spec.name))
        }
    };
    if let Err(error) = answer {
        reply.error(&error);
    }
}
