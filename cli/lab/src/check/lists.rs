//! Many short lists in one allocation.

use std::ops::{Index, Range};

/// Numbered lists, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Lists<T> {
    all: Vec<T>,
    /// Where each list begins, and where the last one ends.
    bounds: Vec<usize>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            bounds: vec![0],
        }
    }
}

impl<T> Lists<T> {
    /// So many lists of members that say which list they belong to; within a list they keep their order.
    pub(super) fn of(count: usize, mut members: Vec<(u32, T)>) -> Self {
        members.sort_by_key(|(list, _)| *list);
        let bound = |list| members.partition_point(|(of, _)| *of < list);
        Self {
            bounds: (0..=count as u32).map(bound).collect(),
            all: members.into_iter().map(|(_, member)| member).collect(),
        }
    }

    /// Adds a list.
    pub(super) fn push(&mut self, items: impl IntoIterator<Item = T>) {
        self.all.extend(items);
        self.bounds.push(self.all.len());
    }

    /// How many lists there are.
    pub(super) fn count(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Where the members of a list lie among all members.
    pub(super) fn places(&self, list: u32) -> Range<usize> {
        self.bounds[list as usize]..self.bounds[list as usize + 1]
    }

    /// The members of all lists.
    pub(super) fn all(&self) -> &[T] {
        &self.all
    }
}

impl<T> Index<u32> for Lists<T> {
    type Output = [T];

    fn index(&self, list: u32) -> &[T] {
        &self.all[self.places(list)]
    }
}
