//! `holdback-lab load` and `prove.sh` against replicas that really run.

mod arguments;
mod broken;
mod cluster;
mod disturbed;
mod models;
#[path = "../lab_runs/place.rs"]
#[allow(dead_code, reason = "shared with other tests, which use more of it")]
mod place;
mod prove;
mod redis;
