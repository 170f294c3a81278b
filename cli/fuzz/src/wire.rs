//! Targets of the core: what comes over a connection.

use holdback::entry::line::Line;
use holdback::entry::{Entry, EntryBody, line};
use holdback::ids::{ReplicaId, Stamp};
use holdback::message::{
    Message, encode_ack, encode_end, encode_entry, encode_heartbeat, encode_mcast, encode_refuse,
    encode_round, encode_token, encode_update, encode_vector,
};
use holdback::wire::arguments::push_bulk;
use holdback::wire::frame::{DecodeError, Decoder, FrameLimits};
use holdback::wire::inline as grammar;

type Words = Vec<Vec<u8>>;

/// Limits that short inputs can reach.
const LIMITS: FrameLimits = FrameLimits {
    arguments: 50,
    frame_bytes: 2000,
    inline_bytes: 300,
};

/// A connection's frames are the same however its bytes were cut into pieces.
pub(crate) fn frames(data: &[u8]) {
    let whole = decode([data]);
    assert_eq!(decode(data.chunks(1)), whole, "byte by byte");
    // Sizes that the bytes themselves choose.
    let mut rest = data;
    let pieces = std::iter::from_fn(|| {
        let size = usize::from(*rest.first()?) % 61 + 1;
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        rest = behind;
        Some(piece)
    });
    assert_eq!(decode(pieces), whole, "in pieces");
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Words>, Option<DecodeError>) {
    let (mut decoder, mut buffer, mut frames) = (Decoder::new(LIMITS), Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&buffer) {
                Ok(None) => break,
                Ok(Some(length)) => {
                    assert!(length > 0 && length <= buffer.len(), "part of the input");
                    let frame = decoder.frame(&buffer);
                    let words = frame.words();
                    if let Some(canonical) = frame.canonical(1) {
                        let mut bytes = Vec::new();
                        words[1..]
                            .iter()
                            .for_each(|word| push_bulk(&mut bytes, word));
                        assert_eq!(canonical, bytes, "the canonical form");
                    }
                    frames.push(words.iter().map(|word| word.to_vec()).collect());
                    drop(words);
                    buffer.drain(..length);
                }
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(buffer.len() <= LIMITS.frame_bytes + piece.len(), "bounded");
    }
    (frames, None)
}

/// The words of a line are the same after they were quoted; and so is an order's line.
pub(crate) fn inline(data: &[u8]) {
    if let Ok(words) = grammar::split_owned(data) {
        let line = grammar::quote_all(words.iter().map(Vec::as_slice));
        assert!(!line.contains(['\n', '\r']), "one line");
        assert_eq!(grammar::split_owned(line.as_bytes()), Ok(words));
    }
    if let Ok(commands) = line::split_commands(data) {
        let joined = line::join_commands(&commands);
        assert_eq!(line::split_commands(joined.as_bytes()), Ok(commands));
    }
    if let Ok(read) = Line::parse(data) {
        let written = format!("{} {} {}", read.position, read.stamp, read.body());
        assert_eq!(Line::parse(written.as_bytes()), Ok(read));
    }
}

/// Calls with each frame of a stream.
fn each_frame(data: &[u8], mut call: impl FnMut(&Decoder, &[u8])) {
    let mut decoder = Decoder::new(FrameLimits::peer(1 << 20));
    let mut rest = data;
    while let Ok(Some(length)) = decoder.decode(rest) {
        call(&decoder, rest);
        rest = &rest[length..];
    }
}

/// A peer's message is the same after it was written.
pub(crate) fn messages(data: &[u8]) {
    each_frame(data, |decoder, bytes| {
        let Ok(message) = Message::parse(decoder.frame(bytes)) else {
            return;
        };
        if let Some(written) = write(&message) {
            let mut again = Decoder::new(FrameLimits::peer(1 << 20));
            assert_eq!(again.decode(&written), Ok(Some(written.len())));
            assert_eq!(Message::parse(again.frame(&written)), Ok(message));
        }
    });
}

/// The message on the wire. None of what no replica writes: a `VECTOR` without a digest.
fn write(message: &Message) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let buffer = &mut bytes;
    match message {
        Message::Peer(handshake) => handshake.encode(buffer),
        Message::Refuse(refusal, reason) => encode_refuse(buffer, *refusal, reason),
        Message::Mcast(previous, entries) => {
            let entry = |(time, body): &(u64, EntryBody)| Entry {
                stamp: Stamp::new(*time, ReplicaId(1)),
                body: body.clone(),
            };
            let entries: Vec<Entry> = entries.iter().map(entry).collect();
            encode_mcast(buffer, *previous, &entries.iter().collect::<Vec<_>>());
        }
        Message::Ack(acks) => encode_ack(buffer, acks),
        Message::Heartbeat(heartbeat) => encode_heartbeat(buffer, heartbeat),
        Message::HeartbeatAck(token) => encode_token(buffer, "HEARTBEATACK", *token),
        Message::Update(time, key, value) => encode_update(buffer, *time, key, value.as_deref()),
        Message::Vector(digest, vouched, vector) => {
            encode_vector(buffer, (*digest)?, *vouched, vector);
        }
        Message::Round => encode_round(buffer),
        Message::Entry(stamp, key, value) => encode_entry(buffer, *stamp, key, value.as_deref()),
        Message::End(vector) => encode_end(buffer, vector),
        Message::Confirm(token) => encode_token(buffer, "CONFIRM", *token),
        Message::Confirmed(token) => encode_token(buffer, "CONFIRMED", *token),
    }
    Some(bytes)
}

/// The entries of a frame can be read and shown, each in one line.
pub(crate) fn entries(data: &[u8]) {
    each_frame(data, |decoder, bytes| {
        let frame = decoder.frame(bytes);
        let Ok(entries) = EntryBody::take_all(frame, 1) else {
            return;
        };
        for (time, body) in entries {
            let (mut reader, mut words) = (body.read(), 1);
            while reader.next_watch().is_some() {
                words += 2;
            }
            while let Some(command) = reader.next_command() {
                words += command.len();
            }
            assert_eq!(words, body.words(), "all words are read");
            let _ = (body.first_key(), body.single_command(), body.describe());
            let stamp = Stamp::new(time, ReplicaId(1));
            let shown = line::delivery(1, &Entry { stamp, body });
            assert!(!shown.contains(['\n', '\r']), "one line");
            let _may_be_refused = Line::parse(shown.as_bytes());
        }
    });
}
