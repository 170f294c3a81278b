//! Connecting to peers.

use super::event_loop::EventLoop;
use holdback::driver::Sockets;
use holdback::ids::ConnectionId;
use holdback::ids::ReplicaId;
use holdback::turn::Now;
use mio::net::TcpStream;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Connections that are being made, by slot.
pub(super) type Dialling = BTreeMap<usize, (ConnectionId, ReplicaId)>;

impl EventLoop {
    /// Begins the connections that the replica asked for.
    pub(super) fn dial(&mut self, now: Now) {
        for peer in self.driver.take_dials() {
            let address = self.driver.replica().settings().cluster[peer.index()].clone();
            if let Some(address) = self.resolver.resolve(peer, &address) {
                self.connect(peer, address, now);
            }
        }
    }

    pub(super) fn connect_resolved(&mut self, now: Now) {
        for (peer, result) in self.resolver.resolved() {
            match result {
                Ok(address) => self.connect(peer, address, now),
                Err(error) => self.driver.dial_failed(None, peer, &error, now),
            }
        }
    }

    fn connect(&mut self, peer: ReplicaId, address: SocketAddr, now: Now) {
        // An older attempt that has not ended is given up.
        let mut dialling = self.dialling.values();
        if let Some(&(older, _)) = dialling.find(|(_, dialled)| *dialled == peer) {
            self.end_dialling(older);
            self.driver.forget(older);
        }
        let id = self.driver.dialling(now);
        let connected =
            TcpStream::connect(address).and_then(|stream| self.sockets.add(id.slot, stream, true));
        match connected {
            Ok(()) => {
                self.dialling.insert(id.slot, (id, peer));
            }
            Err(error) => self
                .driver
                .dial_failed(Some(id), peer, &error.to_string(), now),
        }
    }

    /// A connection that was being made is there, or failed.
    pub(super) fn dial_ready(&mut self, id: ConnectionId, peer: ReplicaId, now: Now) {
        match self.sockets.dialled(id.slot) {
            None => {}
            Some(Ok(())) => {
                self.dialling.remove(&id.slot);
                self.driver.dialled(id, peer, now);
            }
            Some(Err(error)) => {
                self.end_dialling(id);
                self.driver
                    .dial_failed(Some(id), peer, &error.to_string(), now);
            }
        }
    }

    fn end_dialling(&mut self, id: ConnectionId) {
        self.dialling.remove(&id.slot);
        self.sockets.remove(id.slot);
    }
}
