//! Finding the addresses of peers. Names may take long to resolve, so that happens on a thread of its own: one in all,
//! however often a peer is dialled meanwhile.

use holdback::ids::ReplicaId;
use mio::Waker;
use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The address of a name, or what is wrong.
type Found = Result<SocketAddr, String>;
/// Looks a name up.
type LookUp = fn(&str) -> Found;

/// Resolves names without blocking the loop: results come through a channel, announced by a waker.
#[derive(Debug)]
pub(super) struct Resolver {
    look_up: LookUp,
    /// Where the thread takes names from, once there is one.
    names: Option<Sender<(ReplicaId, String)>>,
    /// Peers whose names are asked for.
    asked: BTreeSet<ReplicaId>,
    sender: Sender<(ReplicaId, Found)>,
    receiver: Receiver<(ReplicaId, Found)>,
    waker: Arc<Waker>,
}

impl Resolver {
    pub(super) fn new(waker: Waker) -> Self {
        Self::with(waker, look_up)
    }

    fn with(waker: Waker, look_up: LookUp) -> Self {
        let (sender, receiver) = channel();
        Self {
            look_up,
            names: None,
            asked: BTreeSet::new(),
            sender,
            receiver,
            waker: Arc::new(waker),
        }
    }

    /// The address, if it is written as numbers; otherwise looks the name up in the background.
    pub(super) fn resolve(&mut self, peer: ReplicaId, address: &str) -> Option<SocketAddr> {
        if let Ok(address) = address.parse() {
            return Some(address);
        }
        // Whoever asks again gets the answer to the first question.
        if self.asked.insert(peer)
            && let Err(error) = self.ask(peer, address)
        {
            drop(self.sender.send((peer, Err(error.to_string()))));
            drop(self.waker.wake());
        }
        None
    }

    fn ask(&mut self, peer: ReplicaId, address: &str) -> io::Result<()> {
        let names = match &self.names {
            Some(names) => names,
            None => self.names.insert(self.start()?),
        };
        let sent = names.send((peer, address.to_owned()));
        sent.map_err(|_| io::Error::other("the thread that looks names up is gone"))
    }

    /// Starts the thread. It ends when the names do.
    fn start(&self) -> io::Result<Sender<(ReplicaId, String)>> {
        let (names, asked) = channel::<(ReplicaId, String)>();
        let (sender, waker) = (self.sender.clone(), Arc::clone(&self.waker));
        let look_up = self.look_up;
        let thread = std::thread::Builder::new().name("names".to_owned());
        thread.spawn(move || {
            for (peer, address) in asked {
                // If the loop has ended there is nobody to tell.
                if sender.send((peer, look_up(&address))).is_ok() {
                    drop(waker.wake());
                }
            }
        })?;
        Ok(names)
    }

    /// What was found since the last call.
    pub(super) fn resolved(&mut self) -> Vec<(ReplicaId, Found)> {
        let resolved: Vec<_> = self.receiver.try_iter().collect();
        for (peer, _) in &resolved {
            self.asked.remove(peer);
        }
        resolved
    }
}

fn look_up(address: &str) -> Found {
    match address.to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err("the name has no address".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll, Token};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Held by the test for as long as no name is answered.
    static SILENCE: Mutex<()> = Mutex::new(());
    static LOOKED_UP: AtomicUsize = AtomicUsize::new(0);

    fn slow(address: &str) -> Found {
        LOOKED_UP.fetch_add(1, Ordering::Relaxed);
        drop(SILENCE.lock());
        match address {
            "two:1" => Ok(([127, 0, 0, 1], 1).into()),
            _ => Err("unknown".to_owned()),
        }
    }

    #[test]
    fn a_resolver_that_does_not_answer_takes_one_thread_in_all() {
        let mut poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let mut resolver = Resolver::with(waker, slow);
        let (two, three) = (ReplicaId(2), ReplicaId(3));
        let silence = SILENCE.lock().unwrap();
        for _ in 0..1000 {
            assert_eq!(resolver.resolve(two, "two:1"), None);
            assert_eq!(resolver.resolve(three, "three:1"), None);
        }
        assert!(LOOKED_UP.load(Ordering::Relaxed) <= 1, "two at a time");
        assert_eq!(resolver.resolved(), []);
        drop(silence);
        let found = await_answers(2, &mut poll, &mut resolver);
        let address = ([127, 0, 0, 1], 1).into();
        let expected = [(two, Ok(address)), (three, Err("unknown".to_owned()))];
        assert_eq!(found, expected);
        assert_eq!(LOOKED_UP.load(Ordering::Relaxed), 2);
        // What was answered may be asked again.
        resolver.resolve(two, "two:1");
        let found = await_answers(1, &mut poll, &mut resolver);
        assert_eq!(found, [(two, Ok(address))]);
    }

    fn await_answers(
        count: usize,
        poll: &mut Poll,
        resolver: &mut Resolver,
    ) -> Vec<(ReplicaId, Found)> {
        let mut found = Vec::new();
        let mut events = Events::with_capacity(1);
        while found.len() < count {
            poll.poll(&mut events, Some(Duration::from_secs(30)))
                .unwrap();
            assert!(!events.is_empty(), "no answer");
            found.extend(resolver.resolved());
        }
        found
    }
}
