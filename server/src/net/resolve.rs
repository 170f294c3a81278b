//! Finding the addresses of peers. Names may take long to resolve, so that happens on a thread of its own.

use holdback::ids::ReplicaId;
use mio::Waker;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Resolves names without blocking the loop: results come through a channel, announced by a waker.
#[derive(Debug)]
pub(super) struct Resolver {
    sender: Sender<(ReplicaId, Result<SocketAddr, String>)>,
    receiver: Receiver<(ReplicaId, Result<SocketAddr, String>)>,
    waker: Arc<Waker>,
}

impl Resolver {
    pub(super) fn new(waker: Waker) -> Self {
        let (sender, receiver) = channel();
        Self {
            sender,
            receiver,
            waker: Arc::new(waker),
        }
    }

    /// The address, if it is written as numbers; otherwise looks the name up in the background.
    pub(super) fn resolve(&self, peer: ReplicaId, address: &str) -> Option<SocketAddr> {
        if let Ok(address) = address.parse() {
            return Some(address);
        }
        let (sender, waker) = (self.sender.clone(), Arc::clone(&self.waker));
        let address = address.to_owned();
        let spawned = std::thread::Builder::new().spawn(move || {
            let result = match address.to_socket_addrs().map(|mut found| found.next()) {
                Ok(Some(address)) => Ok(address),
                Ok(None) => Err("the name has no address".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            // If the loop has ended there is nobody to tell.
            if sender.send((peer, result)).is_ok() {
                drop(waker.wake());
            }
        });
        if let Err(error) = spawned {
            drop(self.sender.send((peer, Err(error.to_string()))));
            drop(self.waker.wake());
        }
        None
    }

    /// What was found since the last call.
    pub(super) fn resolved(&self) -> Vec<(ReplicaId, Result<SocketAddr, String>)> {
        self.receiver.try_iter().collect()
    }
}
