//! The digest of a table's records, kept as they change: a sum, so that it does not depend on their order.
//!
//! A record counts with a hash of its bytes (mark, lengths, key and value) up to [`CHUNK_BYTES`]; a longer one with the
//! hashes of its further chunks as well, each begun with the key's and the chunk's number. So whoever changes some bytes
//! of a large value takes the chunks that they touch out of the sum and puts them in again, and reads no others.
//!
//! It is to show mistakes, not malice: the hash is made to take few instructions, two for each eight bytes. Two records
//! that differ in eight bytes of a chunk never count the same.

use std::ops::Range;

/// Bytes of a chunk.
const CHUNK_BYTES: usize = 1024;
/// An odd number without a pattern, of those that Steele and Vigna found to multiply well ("Computationally easy,
/// spectrally good multipliers", 2021).
const MULTIPLIER: u64 = 0xf135_7aea_2e62_a9c5;
/// Bytes that are taken at once.
const BLOCK_BYTES: usize = 32;
/// What the words of a block behind its first one are multiplied by: odd, and short, so that the processor takes each as
/// a part of one instruction.
const FACTORS: [u64; 3] = [0x2c1b_3c6d, 0x297a_2d39, 0x4c2c_57ed];

/// What a record counts, as far as its first chunk and those go which a range of its bytes touches. The first one holds
/// the mark, which changes with every write.
#[inline]
pub(super) fn of_record(record: &[u8], key: &[u8], touched: Range<usize>) -> u64 {
    if record.len() <= CHUNK_BYTES {
        return hash(0, record);
    }
    of_large(record, key, touched)
}

#[cold]
fn of_large(record: &[u8], key: &[u8], touched: Range<usize>) -> u64 {
    let (first, key) = (hash(0, &record[..CHUNK_BYTES]), hash(key.len() as u64, key));
    let end = touched.end.min(record.len());
    let numbers = (touched.start / CHUNK_BYTES).max(1)..end.div_ceil(CHUNK_BYTES);
    numbers.fold(first, |sum, number| {
        let start = number * CHUNK_BYTES;
        let chunk = &record[start..record.len().min(start + CHUNK_BYTES)];
        sum.wrapping_add(hash(step(key, number as u64), chunk))
    })
}

#[inline]
fn hash(start: u64, bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
    let sum = blocks.iter().fold(start, add_block);
    if rest.is_empty() {
        return sum;
    }
    // The last block may overlap the one before it: that is read faster than only the rest.
    match bytes.last_chunk() {
        Some(block) => add_block(sum, block),
        None => add_short(sum, bytes),
    }
}

#[inline]
fn add_short(sum: u64, bytes: &[u8]) -> u64 {
    let mut block = [0; BLOCK_BYTES];
    let (first, last) = block.split_at_mut(BLOCK_BYTES / 2);
    match (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        (Some(from), Some(to)) => {
            first.copy_from_slice(from);
            last.copy_from_slice(to);
        }
        _ => first[..bytes.len()].copy_from_slice(bytes),
    }
    add_block(sum, &block)
}

#[inline]
fn add_block(sum: u64, block: &[u8; BLOCK_BYTES]) -> u64 {
    let (words, _) = block.as_chunks();
    let factors = FACTORS.iter().zip(&words[1..]);
    let first = step(sum, u64::from_le_bytes(words[0]));
    factors.fold(first, |sum, (factor, word)| {
        sum.wrapping_add(u64::from_le_bytes(*word).wrapping_mul(*factor))
    })
}

#[inline]
fn step(sum: u64, word: u64) -> u64 {
    (sum.rotate_left(26) ^ word).wrapping_mul(MULTIPLIER)
}
