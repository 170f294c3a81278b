//! Real replicas over TCP.

mod clients;
mod cluster;
mod pressure;
mod processes;
mod records;
