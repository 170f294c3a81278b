//! The decoder against everything that may come over the wire: the protocol page's transcripts cut in any
//! place, valid input with mistakes in it, and plain noise. Never a panic, never more memory than came in.

use holdback::wire::frame::{DecodeError, Decoder, FrameLimits};
use proptest::prelude::*;

/// Frames, and the error that ended them.
type Decoded = (Vec<Vec<Vec<u8>>>, Option<DecodeError>);

/// Decodes pieces as a connection would.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let limits = FrameLimits {
        arguments: 1000,
        frame_bytes: 10_000,
        inline_bytes: 1000,
    };
    let (mut decoder, mut buffer, mut frames) = (Decoder::new(limits), Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&buffer) {
                Ok(None) => break,
                Ok(Some(length)) => {
                    assert!(
                        length > 0 && length <= buffer.len(),
                        "a frame is part of the input"
                    );
                    let words = decoder
                        .arguments(&buffer)
                        .iter()
                        .map(|w| w.to_vec())
                        .collect();
                    frames.push(words);
                    buffer.drain(..length);
                }
                Err(error) => return (frames, Some(error)),
            }
        }
        // What is held back is one unfinished frame, which the limits bound.
        assert!(buffer.len() <= limits.frame_bytes + piece.len());
    }
    (frames, None)
}

/// What each transcript of the protocol page types, mistakes that it shows included.
fn transcripts() -> Vec<Vec<u8>> {
    let page = include_str!("../../../protocol.md");
    let mut all = Vec::new();
    let (mut block, mut inside) = (Vec::new(), false);
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```transcript";
            if !inside && !block.is_empty() {
                all.push(std::mem::take(&mut block));
            }
        } else if let (true, Some((_, typed))) = (inside, line.split_once("> ")) {
            block.extend_from_slice(typed.as_bytes());
            block.extend_from_slice(b"\r\n");
        }
    }
    all
}

#[test]
fn every_split_of_every_transcript_gives_the_same_frames() {
    let transcripts = transcripts();
    assert!(transcripts.len() >= 10, "the page's transcripts were found");
    for input in transcripts {
        let whole = decode([input.as_slice()]);
        assert!(!whole.0.is_empty(), "{}", input.escape_ascii());
        for at in 0..=input.len() {
            let (front, back) = input.split_at(at);
            assert_eq!(decode([front, back]), whole, "split at {at}");
        }
        assert_eq!(decode(input.chunks(1)), whole, "byte by byte");
    }
}

/// Valid frames, some with a byte changed, dropped or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let word = proptest::collection::vec(any::<u8>(), 0..12);
    let frame = proptest::collection::vec(word, 0..5).prop_map(|words| {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(&word);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    });
    let frames = proptest::collection::vec(frame, 1..5).prop_map(|frames| frames.concat());
    (frames, any::<prop::sample::Index>(), any::<u8>(), 0..4u8).prop_map(
        |(mut bytes, at, byte, damage)| {
            let at = at.index(bytes.len());
            match damage {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => {}
            }
            bytes
        },
    )
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..200)
}

fn noise_of_the_protocols_own_characters() -> impl Strategy<Value = Vec<u8>> {
    "[*$0-9\r\n\"' xA-Z-]{0,60}".prop_map(String::into_bytes)
}

/// Pieces of random sizes.
fn cut<'a>(input: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut start = 0;
    for place in places {
        pieces.push(&input[start..place]);
        start = place;
    }
    pieces.push(&input[start..]);
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]

    #[test]
    fn whatever_comes_is_decoded_alike_however_it_is_cut(
        input in prop_oneof![noise(), damaged(), noise_of_the_protocols_own_characters()],
        cuts: Vec<prop::sample::Index>,
    ) {
        prop_assert_eq!(decode([input.as_slice()]), decode(cut(&input, &cuts)));
    }
}
