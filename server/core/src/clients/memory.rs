//! The bound of the data (`--max-memory`) and of a transaction's work, before anything is stamped.
//!
//! What counts of the data is a sum over keys and values that is the same at all replicas that hold the same. Each
//! replica compares it, with what its own undelivered entries may add, before it stamps another. Of the entries that
//! others have under way it knows nothing; so each has at most `--max-pending` bytes of growth under way, and a cluster
//! of `n` may exceed the bound by `n - 1` times that.

use super::Parts;
use super::session::Transaction;
use crate::command::{CommandSpec, lookup};
use crate::store::{Answer, work};
use crate::wire::error::{ErrorCode, ErrorReply};

/// By how many bytes a command can make the data grow; 0 if they may grow without a bound.
///
/// # Errors
/// That there would be too many.
#[inline]
pub(super) fn growth(
    spec: &CommandSpec,
    words: &[&[u8]],
    parts: &Parts<'_, '_>,
) -> Result<usize, ErrorReply> {
    if parts.at.settings.memory_bytes_max == 0 || spec.growth.is_none() {
        return Ok(0);
    }
    let growth = growth_behind(0, spec, words, parts);
    check(growth, parts)?;
    Ok(growth)
}

/// The same of a transaction.
pub(super) fn growth_of_all(
    transaction: &Transaction,
    parts: &Parts<'_, '_>,
) -> Result<usize, ErrorReply> {
    if parts.at.settings.memory_bytes_max == 0 {
        return Ok(0);
    }
    let growth = transaction.commands.iter().fold(0usize, |sum, command| {
        let words = command.get();
        let spec = lookup(words[0]);
        let growth = spec.map_or(0, |spec| growth_behind(sum, spec, &words, parts));
        sum.saturating_add(growth)
    });
    check(growth, parts)?;
    Ok(growth)
}

/// The growth behind commands of the same transaction that may make the data grow by `sum`.
fn growth_behind(sum: usize, spec: &CommandSpec, words: &[&[u8]], parts: &Parts<'_, '_>) -> usize {
    let engine = &parts.at.engine;
    let data = engine.keyspace();
    let unknown = match (engine.pending_growth(), sum) {
        (None, 0) => 0,
        // What is under way may put any value under any key.
        (pending, _) => {
            let longest = data.longest().saturating_add(pending.unwrap_or(0) + sum);
            longest.min(parts.at.settings.limits.value_bytes)
        }
    };
    let growth = spec.growth;
    growth.map_or(0, |growth| growth.bytes(words, data, unknown))
}

fn check(growth: usize, parts: &Parts<'_, '_>) -> Answer {
    let (engine, settings) = (&parts.at.engine, &parts.at.settings);
    let (held, pending) = (engine.keyspace().bytes(), engine.pending_growth());
    let under_way = pending.unwrap_or(0);
    let most = settings.memory_bytes_max;
    if growth > 0 && held.saturating_add(under_way).saturating_add(growth) > most {
        let text =
            format!("the data have {held} bytes and would have more than {most} (--max-memory)");
        return Err(ErrorReply::new(ErrorCode::Oom, text));
    }
    let limit = settings.pending_bytes_max;
    if under_way > 0 && under_way.saturating_add(growth) > limit {
        let text = format!("undelivered entries add {under_way} bytes to the data (limit {limit})");
        return Err(ErrorReply::new(ErrorCode::Overloaded, text));
    }
    Ok(())
}

/// Whether a transaction is no more work than an entry may be.
///
/// # Errors
/// That it is.
pub(super) fn check_work(transaction: &Transaction, parts: &Parts<'_, '_>) -> Answer {
    let limits = &parts.at.settings.limits;
    let limit = limits.work_bytes();
    // None moves more than the longest value there can be.
    let count = transaction.commands.len();
    if count.saturating_mul(limits.value_bytes.saturating_add(1 << 10)) <= limit {
        return Ok(());
    }
    let commands: Vec<_> = transaction
        .commands
        .iter()
        .map(|words| words.get())
        .collect();
    let commands = commands.iter().map(|words| {
        let growth = lookup(words[0]).and_then(|spec| spec.growth);
        (growth, words.as_slice())
    });
    let work = work(commands, parts.at.engine.keyspace());
    if work > limit {
        let text =
            format!("the transaction is too much work: {work} bytes to move (limit {limit})");
        return Err(ErrorReply::err(text));
    }
    Ok(())
}
