//! Clusters for the tests of this module.

use super::report::{Link, Report};
use super::view::{Replica, View};
use crate::replicas::head::Head;
use holdback_client::clock::now;
use std::time::Duration;

/// Replicas of which nothing bad is to be said.
pub(super) fn cluster(count: usize, model: &str) -> View {
    let now = now();
    let link = |_| Link {
        state: "up".to_owned(),
        round_trip: Some(Duration::from_micros(310)),
        unsent: 0,
        delay: None,
    };
    let replica = |id: usize| {
        let mut replica = Replica::new(id, format!("127.0.0.1:{}", 8080 + id));
        let peers = (1..=count).filter(|peer| *peer != id);
        replica.answered(Report {
            at: now,
            questions: 5,
            model: model.to_owned(),
            unready: None,
            position: 17,
            digest: "7c4eb92cabc0274b".to_owned(),
            digest_at: Some((17, "7c4eb92cabc0274b".to_owned())),
            held: 0,
            oldest: Duration::ZERO,
            head: None,
            keys: 3,
            memory: 1_258_291,
            commands: 0,
            frames: 0,
            latency: Some([310, 1200].map(Duration::from_micros)),
            links: peers.map(|peer| (peer, link(peer))).collect(),
            faults_allowed: true,
        });
        replica
    };
    View {
        replicas: (1..=count).map(replica).collect(),
        now,
    }
}

/// One end cuts a link; the other one only sees that it is down.
pub(super) fn cut(view: &mut View, at: usize, peer: usize) {
    for (one, other, state) in [(at, peer, "cut"), (peer, at, "down")] {
        let report = view.replicas[one - 1].report.as_mut().unwrap();
        let link = report.links.get_mut(&other).unwrap();
        link.state = state.to_owned();
        link.round_trip = None;
    }
}

/// An entry waits at a replica.
pub(super) fn head(
    view: &mut View,
    at: usize,
    stamp: &str,
    waits_for: &[usize],
    milliseconds: u64,
) {
    let report = view.replicas[at - 1].report.as_mut().unwrap();
    report.held = 1;
    report.oldest = Duration::from_millis(milliseconds);
    report.head = Some(Head {
        stamp: stamp.to_owned(),
        origin: stamp.split('.').next_back().unwrap().parse().unwrap(),
        waits_for: waits_for.to_vec(),
        command: "SET b 2".to_owned(),
    });
}

/// A replica does not answer from now on.
pub(super) fn silence(view: &mut View, id: usize) {
    view.replicas[id - 1].ask(view.now);
}
