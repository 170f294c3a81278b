//! Memory for many small pieces of bytes, without an allocation for each.

/// Bytes of a page of pieces.
const PAGE_BYTES: usize = 64 << 10;
/// A piece larger than this has a page to itself.
const SHARED_MAX: usize = 8 << 10;
/// Up to here the sizes of pieces rise in steps of [`STEP`], beyond in steps of an eighth of a power of two.
const FINE_MAX: usize = 128;
const STEP: usize = 8;
/// How many sizes there are up to [`SHARED_MAX`].
const SIZES: usize = size_class(SHARED_MAX).0 + 1;
/// Ends a page's list of free pieces.
const NOTHING: u32 = u32::MAX;

/// Where a piece lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    page: u32,
    offset: u32,
}

/// Pieces of bytes. Those of about the same size share pages; what is freed is used again for the same
/// size, and a page goes when its last piece does. A piece never moves by itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Arena {
    pages: Vec<Page>,
    /// For each size the pages that have room for another piece.
    open: Vec<Vec<u32>>,
    /// Pages that hold nothing and belong to no size.
    vacant: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Page {
    bytes: Vec<u8>,
    /// How large its pieces are; 0 if it holds a single one, or none.
    size: u32,
    pieces: u32,
    /// The first free piece that was used before. Each begins with the offset of the next.
    free: u32,
    /// Its place in the list of open pages of its size, while it is in there.
    open_at: u32,
}

impl Page {
    /// The first byte of a piece that was never used, if there is room for one.
    fn unused(&self) -> Option<usize> {
        let start = self.bytes.len();
        (start + self.size as usize <= PAGE_BYTES).then_some(start)
    }

    fn has_room(&self) -> bool {
        self.free != NOTHING || self.unused().is_some()
    }

    /// A piece for its size; there must be room.
    fn take(&mut self) -> u32 {
        self.pieces += 1;
        if self.free == NOTHING {
            let start = self.bytes.len();
            self.bytes.resize(start + self.size as usize, 0);
            return small(start);
        }
        let taken = self.free;
        let next = self.bytes[taken as usize..].first_chunk();
        self.free = u32::from_le_bytes(*next.expect("a piece has room for a link"));
        taken
    }

    fn give_back(&mut self, offset: u32) {
        self.pieces -= 1;
        let start = offset as usize;
        self.bytes[start..start + 4].copy_from_slice(&self.free.to_le_bytes());
        self.free = offset;
    }
}

impl Arena {
    /// A piece of at least `length` bytes, which hold anything.
    pub(super) fn allocate(&mut self, length: usize) -> Piece {
        if length > SHARED_MAX {
            let page = self.new_page(0, vec![0; length]);
            return Piece { page, offset: 0 };
        }
        let (class, size) = size_class(length);
        if self.open.is_empty() {
            self.open.resize(SIZES, Vec::new());
        }
        let page = match self.open[class].last() {
            Some(&page) => page,
            None => {
                let page = self.new_page(small(size), Vec::with_capacity(PAGE_BYTES));
                self.set_open(class, page);
                page
            }
        };
        let taken = &mut self.pages[page as usize];
        let offset = taken.take();
        if !taken.has_room() {
            self.open[class].pop();
        }
        Piece { page, offset }
    }

    /// Gives a piece back.
    pub(super) fn free(&mut self, piece: Piece) {
        let page = &mut self.pages[piece.page as usize];
        if page.size == 0 {
            page.bytes = Vec::new();
            return self.vacant.push(piece.page);
        }
        let (class, _) = size_class(page.size as usize);
        let was_open = page.has_room();
        page.give_back(piece.offset);
        let is_empty = page.pieces == 0;
        match (was_open, is_empty) {
            (true, true) => {
                let at = page.open_at as usize;
                self.open[class].swap_remove(at);
                if let Some(&moved) = self.open[class].get(at) {
                    self.pages[moved as usize].open_at = small(at);
                }
            }
            (false, false) => self.set_open(class, piece.page),
            _ => {}
        }
        if is_empty {
            let page = &mut self.pages[piece.page as usize];
            (page.bytes, page.size) = (Vec::new(), 0);
            self.vacant.push(piece.page);
        }
    }

    /// A piece of at least `length` bytes, but not of far more, that begins with what this one held, as far
    /// as it fits; this one is no longer to be used.
    pub(super) fn resize(&mut self, piece: Piece, length: usize) -> Piece {
        let capacity = self.capacity(piece);
        let large = self.pages[piece.page as usize].size == 0;
        if large && length > SHARED_MAX {
            let bytes = &mut self.pages[piece.page as usize].bytes;
            bytes.resize(length, 0);
            if bytes.capacity() > 2 * length {
                bytes.shrink_to(length);
            }
            return piece;
        }
        if length <= capacity && capacity <= 2 * length && !large {
            return piece;
        }
        let moved = self.allocate(length);
        // Its size is another one, so it lies in another page.
        let from = std::mem::take(&mut self.pages[piece.page as usize].bytes);
        let kept = &from[piece.offset as usize..][..length.min(capacity)];
        self.bytes_mut(moved)[..kept.len()].copy_from_slice(kept);
        self.pages[piece.page as usize].bytes = from;
        self.free(piece);
        moved
    }

    /// How many bytes a piece has room for.
    pub(super) fn capacity(&self, piece: Piece) -> usize {
        let page = &self.pages[piece.page as usize];
        match page.size {
            0 => page.bytes.len(),
            size => size as usize,
        }
    }

    /// The bytes from a piece's start on. What lies behind its end does not belong to it.
    pub(super) fn bytes(&self, piece: Piece) -> &[u8] {
        &self.pages[piece.page as usize].bytes[piece.offset as usize..]
    }

    /// Reads the first bytes of a piece, so that they are in the processor's caches.
    #[inline]
    pub(super) fn warm(&self, piece: Piece) {
        /// Behind it lies another line of the cache.
        const LINE_BYTES: usize = 64;
        let bytes = self.bytes(piece);
        std::hint::black_box((bytes.first().copied(), bytes.get(LINE_BYTES).copied()));
    }

    /// The same, to change them.
    pub(super) fn bytes_mut(&mut self, piece: Piece) -> &mut [u8] {
        &mut self.pages[piece.page as usize].bytes[piece.offset as usize..]
    }

    fn new_page(&mut self, size: u32, bytes: Vec<u8>) -> u32 {
        let page = Page {
            bytes,
            size,
            pieces: 0,
            free: NOTHING,
            open_at: 0,
        };
        if let Some(number) = self.vacant.pop() {
            self.pages[number as usize] = page;
            return number;
        }
        self.pages.push(page);
        small(self.pages.len() - 1)
    }

    fn set_open(&mut self, class: usize, page: u32) {
        self.pages[page as usize].open_at = small(self.open[class].len());
        self.open[class].push(page);
    }
}

/// The number of the smallest size that is at least `length`, which is at most [`SHARED_MAX`]; and that size.
const fn size_class(length: usize) -> (usize, usize) {
    if length <= FINE_MAX {
        let steps = length.div_ceil(STEP);
        return (steps, steps * STEP);
    }
    let octave = (length - 1).ilog2();
    let step = 1 << (octave - 3);
    let steps = length.div_ceil(step);
    // The first octave begins with the size behind the last fine one; its nine steps are its first size.
    let before = FINE_MAX / STEP + 8 * (octave - FINE_MAX.ilog2()) as usize;
    (before + steps - 8, steps * step)
}

/// Pages are small, and far fewer than 2^32.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_rise_without_a_gap() {
        for length in 1..=SHARED_MAX {
            let (class, size) = size_class(length);
            let waste = size - length;
            assert!(waste < STEP.max(length / 8 + 1), "{length} in {size}");
            let (next, larger) = size_class(size + 1);
            assert_eq!(size_class(size), (class, size));
            assert!(
                size == SHARED_MAX || (next == class + 1 && larger > size),
                "{length}"
            );
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Allocate(usize),
        Free(prop::sample::Index),
        Resize(prop::sample::Index, usize),
    }

    fn lengths() -> impl Strategy<Value = usize> {
        prop_oneof![4 => 16..200usize, 2 => 16..9_000usize, 1 => 9_000..200_000usize]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => lengths().prop_map(Step::Allocate),
            2 => any::<prop::sample::Index>().prop_map(Step::Free),
            2 => (any::<prop::sample::Index>(), lengths()).prop_map(|(at, length)| Step::Resize(at, length)),
        ];
        proptest::collection::vec(step, 0..300)
    }

    proptest! {
        #[test]
        fn pieces_keep_what_was_written_to_them(steps in steps()) {
            let mut arena = Arena::default();
            let mut model: Vec<(Piece, Vec<u8>)> = Vec::new();
            for (step, number) in steps.into_iter().zip((1..=255u8).cycle()) {
                match step {
                    Step::Allocate(length) => {
                        let piece = arena.allocate(length);
                        arena.bytes_mut(piece)[..length].fill(number);
                        model.push((piece, vec![number; length]));
                    }
                    Step::Free(at) if !model.is_empty() => {
                        let (piece, _) = model.swap_remove(at.index(model.len()));
                        arena.free(piece);
                    }
                    Step::Resize(at, length) if !model.is_empty() => {
                        let at = at.index(model.len());
                        let (piece, bytes) = &mut model[at];
                        *piece = arena.resize(*piece, length);
                        bytes.truncate(length);
                        let kept = bytes.len();
                        prop_assert_eq!(&arena.bytes(*piece)[..kept], &bytes[..]);
                        bytes.resize(length, number);
                        arena.bytes_mut(*piece)[kept..length].fill(number);
                    }
                    _ => {}
                }
            }
            for (piece, bytes) in &model {
                prop_assert!(arena.capacity(*piece) >= bytes.len());
                prop_assert_eq!(&arena.bytes(*piece)[..bytes.len()], &bytes[..]);
            }
            for (piece, _) in model {
                arena.free(piece);
            }
            prop_assert_eq!(arena.pages.iter().map(|page| page.bytes.capacity()).sum::<usize>(), 0);
            prop_assert_eq!(arena.vacant.len(), arena.pages.len());
            prop_assert!(arena.open.iter().all(Vec::is_empty));
        }
    }
}
