//! The shape of an entry: how many words are behind it, and what they are.

use crate::wire::arguments::parse_unsigned;

/// The number of words of a shape that is nothing but one command of less than ten.
#[inline]
pub(super) fn single_command(shape: &[u8]) -> Option<usize> {
    match shape {
        [count @ b'0'..=b'9'] => Some(usize::from(count - b'0')),
        _ => None,
    }
}

/// How many words a shape counts, if there are so many behind it. `word` gives them by number; positions of watched
/// keys must be numbers.
#[inline]
pub(super) fn counted_words<'a>(
    shape: &[u8],
    behind: usize,
    word: impl Fn(usize) -> &'a [u8],
) -> Option<usize> {
    let total = match single_command(shape) {
        Some(count) => count,
        None => all_words(shape, behind, word)?,
    };
    (total <= behind).then_some(total)
}

fn all_words<'a>(shape: &[u8], behind: usize, word: impl Fn(usize) -> &'a [u8]) -> Option<usize> {
    let (watches, commands) = split_shape(shape)?;
    let watched = watches.checked_mul(2)?;
    let mut total = watched;
    for count in counts(commands) {
        total = total.checked_add(count?)?;
    }
    let mut positions = (1..watched.min(behind)).step_by(2);
    let are_numbers = positions.all(|at| parse_unsigned(word(at)).is_some());
    are_numbers.then_some(total)
}

/// Splits `2w3+2` into the number of watches and the counts of the commands.
pub(super) fn split_shape(shape: &[u8]) -> Option<(usize, &[u8])> {
    match shape.iter().position(|&byte| byte == b'w') {
        None => Some((0, shape)),
        Some(at) => Some((number(&shape[..at])?, &shape[at + 1..])),
    }
}

/// The counts in `3+2`; an item that is no number is `None`.
pub(super) fn counts(shape: &[u8]) -> impl Iterator<Item = Option<usize>> + '_ {
    shape.split(|&byte| byte == b'+').map(number)
}

pub(super) fn number(digits: &[u8]) -> Option<usize> {
    parse_unsigned(digits).and_then(|number| usize::try_from(number).ok())
}
