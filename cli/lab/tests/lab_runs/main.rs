//! The laboratory from outside: its programs and scripts against replicas that really run.

mod cases;
mod cluster;
mod interrupt;
mod place;
mod run;
