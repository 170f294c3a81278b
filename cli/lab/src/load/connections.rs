//! The connections of a thread's clients: made, lost, made anew.

use super::client::Link;
use super::driver::{ANSWER_PATIENCE, Driver, INSPECT_EVERY};
use super::tally::Tally;
use crate::kit::ask::words;
use crate::kit::failure::Failure;
use std::io;
use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long clients may take to connect before the load begins.
const CONNECT_PATIENCE: u64 = 30_000_000_000;
/// So many connections are made at once.
const CONNECTING_MAX: usize = 100;

impl Driver<'_> {
    /// Connects all clients, waits for the other threads to have done the same, and loads.
    pub(super) fn connect_and_run(mut self, everybody: &Barrier) -> Result<Tally, Failure> {
        let connected = self.connect();
        if connected.is_err() {
            self.shared.failed.store(true, Ordering::Release);
        }
        everybody.wait();
        connected?;
        if self.shared.failed.load(Ordering::Acquire) {
            return Ok(Tally::default());
        }
        let began = self.now();
        self.run(began)
    }

    /// Connects all clients, before the load begins.
    fn connect(&mut self) -> Result<(), Failure> {
        self.state.scratch = vec![0; 64 * 1024];
        let (mut next, mut connecting) = (0, 0);
        let mut ready = Vec::new();
        while next < self.clients.len() || connecting > 0 {
            while next < self.clients.len() && connecting < CONNECTING_MAX {
                self.begin_connection(next)
                    .map_err(|error| self.unreachable(next, &error))?;
                next += 1;
                connecting += 1;
            }
            self.sockets
                .wait(Duration::from_millis(100), &mut ready)
                .map_err(Failure::doing("cannot wait for connections"))?;
            for event in &ready {
                let came = self
                    .finish_connection(event.slot)
                    .map_err(|error| self.unreachable(event.slot, &error))?;
                connecting -= usize::from(came);
            }
            if self.now() > CONNECT_PATIENCE {
                let message = format!("{connecting} clients cannot connect: no answer in time");
                return Err(Failure::Unreachable(message));
            }
        }
        Ok(())
    }

    fn unreachable(&self, slot: usize, error: &io::Error) -> Failure {
        let target = &self.targets[self.clients[slot].target];
        let reason = words(error);
        Failure::Unreachable(match target.replica {
            Some(id) => format!("replica {id} at {}: {reason}", target.address),
            None => format!("{}: {reason}", target.address),
        })
    }

    /// Begins to connect a client.
    fn begin_connection(&mut self, slot: usize) -> io::Result<()> {
        let address = self.targets[self.clients[slot].target].address;
        let socket = self.sockets.connect(slot, address)?;
        self.clients[slot].link = Link::Connecting(socket);
        Ok(())
    }

    /// Begins to connect a client in the midst of the load. It may send at once: what it sends waits for the
    /// connection, and certainly did not happen if there comes none.
    pub(super) fn begin_connection_or_lose(&mut self, slot: usize) {
        match self.begin_connection(slot) {
            Ok(()) => self.offer(slot),
            Err(error) => self.lose(slot, &words(&error)),
        }
    }

    /// Something happened at a connection on its way. Whether it is there now.
    pub(super) fn finish_connection(&mut self, slot: usize) -> io::Result<bool> {
        let client = &mut self.clients[slot];
        let Link::Connecting(socket) = &client.link else {
            return Ok(false);
        };
        if !socket.is_connected()? {
            return Ok(false);
        }
        if let Link::Connecting(socket) = std::mem::replace(&mut client.link, Link::Down(0)) {
            client.link = Link::Up(socket);
        }
        client.flush()?;
        Ok(true)
    }

    /// A client's connection is gone.
    pub(super) fn lose(&mut self, slot: usize, why: &str) {
        self.state.tally.lost += 1;
        self.retire(slot, why);
    }

    /// A client gives up its connection, if it has one. The next one is a new process.
    pub(super) fn retire(&mut self, slot: usize, why: &str) {
        let now = self.now();
        self.clients[slot].lose(why, now, &mut self.state.over);
        self.settle_over(slot);
        let client = &mut self.clients[slot];
        client.retiring = false;
        client.process = self.shared.next_process.fetch_add(1, Ordering::Relaxed);
    }

    /// Now and then, inspects all clients: connects those that may try again, and gives up those that
    /// have waited too long.
    pub(super) fn inspect(&mut self) {
        let now = self.now();
        if now < self.state.last_inspected + INSPECT_EVERY {
            return;
        }
        self.state.last_inspected = now;
        let over = self.pace.is_over(now - self.state.began);
        for slot in 0..self.clients.len() {
            let client = &self.clients[slot];
            match client.link {
                Link::Down(again) if again <= now && !over => self.begin_connection_or_lose(slot),
                Link::Connecting(_) | Link::Up(_)
                    if client
                        .oldest()
                        .is_some_and(|sent| sent + ANSWER_PATIENCE < now) =>
                {
                    self.lose(slot, "no answer in time");
                }
                _ => {}
            }
        }
    }
}
