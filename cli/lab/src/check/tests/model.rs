//! The reference store against the server's.

use super::random::call;
use crate::check::reference::{Store, apply};
use crate::history::{Answer, Call};
use holdback::command::{Run, lookup};
use holdback::store;
use holdback::wire::reply::{ReplyWriter, Resp};
use holdback::wire::value::Value;

/// A server's store, asked as its replica asks it.
struct Server {
    store: store::Store,
    position: u64,
}

impl Server {
    fn answer(&mut self, call: &Call) -> Answer {
        self.position += 1;
        let replies = call.commands();
        let mut replies = replies.iter().map(|command| self.command(command));
        match call {
            Call::Txn(calls) => {
                let answers = calls.iter().zip(replies);
                Answer::List(
                    answers
                        .map(|(call, reply)| Answer::of_reply(call, &reply))
                        .collect(),
                )
            }
            call => Answer::of_reply(call, &replies.next().expect("a reply")),
        }
    }

    fn command(&mut self, command: &[Vec<u8>]) -> Value {
        let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let spec = lookup(words[0]).expect("the server knows it");
        assert!(spec.arity_fits(words.len()), "{}", spec.name);
        let mut bytes = Vec::new();
        let mut reply = ReplyWriter::new(&mut bytes, Resp::Two);
        let context = store::Context {
            position: self.position,
            limits: &store::Limits::default(),
            reply_bytes: usize::MAX,
            random: 0,
            now: holdback::turn::Now::default(),
        };
        let answer = match spec.run {
            Run::Read(read) => read(&self.store, &words, &context, &mut reply),
            Run::Write(write) => write(&mut self.store, &words, &context, &mut reply),
            _ => panic!("{} neither reads nor writes", spec.name),
        };
        if let Err(error) = answer {
            reply.error(&error);
        }
        let parsed = holdback::wire::value::parse(&bytes).expect("a reply");
        parsed.expect("a whole reply").0
    }
}

#[test]
fn the_reference_answers_as_the_server_does() {
    for run in 0..300 {
        let mut server = Server {
            store: store::Store::new(store::HashSecret::known(1)),
            position: 0,
        };
        let mut reference = Store::new();
        for step in 0..30 {
            let call = call(run * 30 + step);
            assert_eq!(server.answer(&call), apply(&mut reference, &call), "{call}");
        }
    }
}
