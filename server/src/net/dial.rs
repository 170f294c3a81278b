//! Connecting to peers.

use super::connection::Connection;
use super::event_loop::EventLoop;
use holdback::multicast::ReplicaId;
use holdback::replica::Now;
use mio::net::TcpStream;
use mio::{Interest, Token};
use std::io::ErrorKind;
use std::net::SocketAddr;

impl EventLoop {
    /// Begins the connections that the replica asked for.
    pub(super) fn dial(&mut self, now: Now) {
        for peer in std::mem::take(&mut self.sockets.dials) {
            let address = self.replica.settings().cluster[peer.index()].clone();
            if let Some(address) = self.resolver.resolve(peer, &address) {
                self.connect(peer, address, now);
            }
        }
    }

    pub(super) fn connect_resolved(&mut self, now: Now) {
        for (peer, result) in self.resolver.resolved() {
            match result {
                Ok(address) => self.connect(peer, address, now),
                Err(error) => self
                    .replica
                    .dial_failed(peer, &error, now, &mut self.sockets),
            }
        }
    }

    pub(super) fn connect(&mut self, peer: ReplicaId, address: SocketAddr, now: Now) {
        // An older attempt that has not ended is given up.
        let older: Vec<usize> = self
            .dialling
            .iter()
            .filter(|(_, dialled)| **dialled == peer)
            .map(|(s, _)| *s)
            .collect();
        older.into_iter().for_each(|slot| self.remove(slot));
        let id = self.sockets.next_id();
        let connected = TcpStream::connect(address).and_then(|mut stream| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(id.slot), interest)?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => {
                let mut connection = Connection::new(id, stream, self.limits);
                connection.is_peer = true;
                connection.wants_write = true;
                self.sockets.connections.insert(connection);
                self.dialling.insert(id.slot, peer);
            }
            Err(error) => {
                self.replica
                    .dial_failed(peer, &error.to_string(), now, &mut self.sockets);
            }
        }
    }

    /// A connection that was being made is there, or failed.
    pub(super) fn dial_ready(&mut self, slot: usize, peer: ReplicaId, now: Now) {
        let Some(connection) = self.sockets.connections.get_mut(slot) else {
            return;
        };
        let id = connection.id;
        let failure = match connection.stream.take_error() {
            Ok(Some(error)) | Err(error) => Some(error),
            Ok(None) => match connection.stream.peer_addr() {
                Ok(_) => connection.stream.set_nodelay(true).err(),
                Err(error) if error.kind() == ErrorKind::NotConnected => return,
                Err(error) => Some(error),
            },
        };
        self.dialling.remove(&slot);
        match failure {
            None => {
                self.replica.dialled(id, peer, now, &mut self.sockets);
                self.sockets.enqueue(slot);
            }
            Some(error) => {
                self.remove(slot);
                self.replica
                    .dial_failed(peer, &error.to_string(), now, &mut self.sockets);
            }
        }
    }
}
