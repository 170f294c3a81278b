//! What everything in the laboratory stands on: folders of runs, clusters and their replicas, clocks, chance and
//! what is printed. It imports nothing of the laboratory but the lines of an [`order`](crate::order).

pub mod ask;
pub mod clock;
pub mod cluster;
pub mod collect;
pub mod failure;
pub mod interrupt;
pub mod ports;
pub mod print;
pub mod process;
pub mod random;
pub mod replicas;
pub mod run_folder;
pub mod settle;
pub mod status;
