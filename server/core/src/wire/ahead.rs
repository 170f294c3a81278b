//! A look ahead in the input, for what is worth knowing of the next frames before they are decoded.

use super::frame::bulk_header;

/// The words with the number `at` of the frames at the front of `bytes`, up to the first that is not whole, has not so
/// many words, or is not a plain RESP array. Nothing is checked beyond that: it costs a small part of decoding, and
/// nobody may rely on it.
#[must_use]
pub fn words_ahead(bytes: &[u8], at: usize) -> WordsAhead<'_> {
    WordsAhead { bytes, at }
}

/// See [`words_ahead`].
#[derive(Clone, Debug)]
pub struct WordsAhead<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for WordsAhead<'a> {
    type Item = &'a [u8];

    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let [b'*', count @ b'1'..=b'9', b'\r', b'\n', rest @ ..] = self.bytes else {
            return None;
        };
        let count = usize::from(count - b'0');
        let (mut rest, mut found) = (rest, None);
        for number in 0..count {
            let (length, header) = bulk_header(rest)?;
            let body = rest.get(header..)?;
            let (word, behind) = body.split_at_checked(length)?;
            rest = behind.get(2..)?;
            if number == self.at {
                found = Some(word);
            }
        }
        self.bytes = rest;
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_frames_are_seen_and_nothing_behind_what_is_odd() {
        let look = |text: &str, at| -> Vec<String> {
            words_ahead(text.as_bytes(), at)
                .map(|word| String::from_utf8(word.to_vec()).unwrap())
                .collect()
        };
        let two = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*3\r\n$3\r\nSET\r\n$2\r\nbb\r\n$0\r\n\r\n";
        assert_eq!(look(two, 1), ["a", "bb"]);
        assert_eq!(look(&two[..two.len() - 1], 1), ["a"]);
        assert_eq!(look(&format!("{two}PING\r\n{two}"), 1), ["a", "bb"]);
        assert_eq!(look(&format!("*1\r\n$4\r\nPING\r\n{two}"), 1), [""; 0]);
        assert_eq!(look(two, 2), [""; 0]);
        assert_eq!(look(&two.replace("$0", "$x"), 1), ["a"]);
        let long = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$300\r\n{:300}\r\n", "");
        assert_eq!(look(&long.repeat(2), 1), ["k", "k"]);
    }
}
