//! Calls of histories and of orders, brought to one form so that they can be compared.

use crate::history::Call;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A call as it stands in an order: a transaction of one command is that command.
pub(super) fn plain(call: &Call) -> Cow<'_, Call> {
    match call {
        Call::Txn(calls) if calls.len() == 1 => plain(&calls[0]),
        Call::Mset(_) | Call::Txn(_) => Cow::Owned(normal(call.clone())),
        call => Cow::Borrowed(call),
    }
}

/// A call with the pairs of MSET sorted, because histories do not keep their sequence. Of a key that stands
/// there twice the last value counts.
pub(super) fn normal(call: Call) -> Call {
    match call {
        Call::Mset(pairs) => {
            let sorted: BTreeMap<_, _> = pairs.into_iter().collect();
            Call::Mset(sorted.into_iter().collect())
        }
        Call::Txn(calls) => Call::Txn(calls.into_iter().map(normal).collect()),
        call => call,
    }
}

/// Whether an operation's call is the (normal) one of an entry.
pub(super) fn same_call(entry: &Call, call: &Call) -> bool {
    *entry == *plain(call)
}
