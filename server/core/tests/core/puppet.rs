//! A replica played by hand: frames typed as lines on a client's connection, as with netcat.

use crate::world::{ClientId, World};
use holdback::consistency::Consistency;

/// Replica 1 of 3, and puppets in place of 2 and 3.
pub(crate) fn stage(model: Consistency) -> (World, ClientId, ClientId) {
    let mut world = World::unstarted(model, 3, |_| {});
    world.start(1);
    let two = world.puppet(1, &Handshake::new(2, model.name()));
    let three = world.puppet(1, &Handshake::new(3, model.name()));
    (world, two, three)
}

/// What a puppet says of itself in its handshake, word by word, so that a test can change one.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    words: Vec<(&'static str, String)>,
}

impl Handshake {
    /// Replica `id` of 3, set up as replica 1, which it has never talked to.
    pub(crate) fn new(id: u16, model: &str) -> Self {
        let words = [
            ("version", "1".to_owned()),
            ("id", id.to_string()),
            ("to", "1".to_owned()),
            ("incarnation", format!("{id}77")),
            ("cluster", "r1:1,r2:1,r3:1".to_owned()),
            ("consistency", model.to_owned()),
            ("max-key", "65536".to_owned()),
            ("max-value", (16 << 20).to_string()),
            ("max-entry", (64 << 20).to_string()),
            ("known", "0".to_owned()),
            ("have", "0".to_owned()),
        ];
        Self {
            words: words.into(),
        }
    }

    /// Changes one word.
    #[allow(clippy::needless_pass_by_value, reason = "shorter to call")]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        let word = self.words.iter_mut().find(|(known, _)| *known == name);
        word.expect("a known word").1 = value.to_string();
        self
    }

    pub(crate) fn line(&self) -> String {
        let words = self
            .words
            .iter()
            .map(|(name, value)| format!(" {name}={value}"));
        format!("PEER{}", words.collect::<String>())
    }
}

impl World {
    /// Connects a puppet to a replica; the frames it got in answer are dropped.
    pub(crate) fn puppet(&mut self, to: u16, handshake: &Handshake) -> ClientId {
        let puppet = self.connect(to);
        let frames = self.play(puppet, &handshake.line());
        assert!(frames[0].starts_with("[PEER "), "{frames:?}");
        puppet
    }

    /// Types lines as the puppet; the frames that come in answer, heartbeats left out.
    pub(crate) fn play(&mut self, puppet: ClientId, lines: &str) -> Vec<String> {
        self.send(puppet, lines);
        self.frames(puppet)
    }

    /// Types lines as several puppets, one after the other.
    pub(crate) fn play_all(&mut self, puppets: [ClientId; 2], lines: &str) {
        for puppet in puppets {
            self.play(puppet, lines);
        }
    }

    /// The frames that came since the last call, heartbeats left out.
    pub(crate) fn frames(&mut self, puppet: ClientId) -> Vec<String> {
        self.settle();
        let mut frames = self.replies(puppet);
        frames.retain(|frame| !frame.starts_with("[HEARTBEAT"));
        frames
    }
}
