//! Tests of the replica as a state machine: real bytes, a network and a time that each test rules over.

#[path = "../support/motion.rs"]
mod motion;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/world.rs"]
mod world;

mod absurd;
mod agreement;
mod buffers;
mod commands;
mod delivery;
mod eventual;
mod faults;
mod figures;
mod foreign;
mod gossip;
mod handshakes;
mod histories;
mod idle;
mod links;
mod memory;
mod program_order;
mod puppet;
mod restarts;
mod scan;
mod timeouts;
mod tombstones;
mod transactions;
mod unread;
