//! Real replicas over TCP.

mod clients;
mod descriptors;
mod logs;
mod partings;
mod pressure;
mod processes;
mod records;

use holdback_testkit::processes::Cluster;

/// Replicas of a model, which allow faults, with these options.
fn start(model: &str, count: usize, options: &[&str]) -> Cluster {
    let all = ["--consistency", model, "--allow-faults"];
    Cluster::start(count, &[&all, options].concat())
}
