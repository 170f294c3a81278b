//! Real replicas over TCP.

mod clients;
mod cluster;
mod processes;
mod records;
