//! Pieces of bytes, first in, first out, without an allocation for each.

use std::collections::VecDeque;

/// Bytes of a chunk, unless a single piece is larger.
const CHUNK_BYTES: usize = 64 << 10;

/// Where a piece lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The chunk's number, counted from the first there ever was; it may wrap.
    chunk: u32,
    start: u32,
    length: u32,
}

/// Pieces of bytes in chunks. A piece never lies in two chunks, and a chunk goes when its last piece does.
#[derive(Debug, Default)]
pub(super) struct Log {
    chunks: VecDeque<Vec<u8>>,
    /// The number of the first chunk.
    first: u32,
    bytes: usize,
    /// A chunk that is done with, for the next one.
    spare: Vec<u8>,
}

impl Log {
    /// Bytes of all pieces.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the piece that `fill` appends: at most `room` bytes, less than 4 GiB, and not none. Returns it, too.
    #[inline]
    pub(super) fn push(&mut self, room: usize, fill: impl FnOnce(&mut Vec<u8>)) -> (Place, &[u8]) {
        let fits = |chunk: &Vec<u8>| chunk.capacity() - chunk.len() >= room;
        if !self.chunks.back().is_some_and(fits) {
            let mut chunk = std::mem::take(&mut self.spare);
            chunk.reserve_exact(CHUNK_BYTES.max(room));
            self.chunks.push_back(chunk);
        }
        let last = self.chunks.len() - 1;
        let chunk = &mut self.chunks[last];
        let start = small(chunk.len());
        fill(chunk);
        let length = chunk.len() - start as usize;
        self.bytes += length;
        let place = Place {
            chunk: self.first.wrapping_add(small(last)),
            start,
            length: small(length),
        };
        (place, &chunk[start as usize..])
    }

    /// A piece that was not dropped.
    pub(super) fn get(&self, place: Place) -> &[u8] {
        let Place {
            chunk,
            start,
            length,
        } = place;
        let chunk = self.chunks.get(chunk.wrapping_sub(self.first) as usize);
        let end = start as usize + length as usize;
        chunk
            .and_then(|chunk| chunk.get(start as usize..end))
            .unwrap_or_default()
    }

    /// Drops the oldest piece, which is the one at `place`.
    pub(super) fn drop_first(&mut self, place: Place) {
        self.bytes -= place.length as usize;
        let end = place.start as usize + place.length as usize;
        // All before it are gone, and so is what holds nothing else.
        while self.first != place.chunk && self.chunks.len() > 1 {
            self.drop_chunk();
        }
        match self.chunks.len() {
            1 => {
                if let Some(chunk) = self.chunks.front_mut().filter(|chunk| chunk.len() == end) {
                    chunk.clear();
                }
            }
            _ if self.chunks.front().is_some_and(|chunk| chunk.len() == end) => self.drop_chunk(),
            _ => {}
        }
    }

    fn drop_chunk(&mut self) {
        let done = self.chunks.pop_front();
        self.first = self.first.wrapping_add(1);
        if let Some(mut done) = done.filter(|chunk| chunk.capacity() <= 2 * CHUNK_BYTES) {
            done.clear();
            self.spare = done;
        }
    }
}

/// Entries are limited to far less than 4 GiB.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_as_a_queue(
            steps in proptest::collection::vec((0..3u8, 0..40_000usize, any::<u8>()), 0..200),
        ) {
            let mut log = Log::default();
            let mut model: VecDeque<(Place, Vec<u8>)> = VecDeque::new();
            for (step, length, byte) in steps {
                if step == 0 {
                    if let Some((place, _)) = model.pop_front() {
                        log.drop_first(place);
                    }
                } else {
                    // Most pieces are small, some larger than a chunk.
                    let length = 1 + if step == 1 { length % 300 } else { length * 2 };
                    let piece = vec![byte; length];
                    let (place, pushed) = log.push(length, |chunk| chunk.extend_from_slice(&piece));
                    prop_assert!(pushed == piece.as_slice());
                    model.push_back((place, piece));
                }
                for (place, piece) in &model {
                    prop_assert!(log.get(*place) == piece.as_slice());
                }
                prop_assert_eq!(log.bytes(), model.iter().map(|(_, piece)| piece.len()).sum::<usize>());
                let chunk = 2 * CHUNK_BYTES;
                prop_assert!(log.chunks.iter().map(Vec::capacity).sum::<usize>() <= 3 * log.bytes() + 2 * chunk);
            }
        }
    }
}
