//! What is loaded: a cluster that is ready, or another server.

use super::command::{LoadArguments, Options};
use super::finish;
use crate::history::Initial;
use crate::kit::ask::PATIENCE;
use crate::kit::cluster::Cluster;
use crate::kit::failure::Failure;
use crate::kit::run_folder::{RunFolder, runs};
use crate::kit::settle;
use crate::kit::status::{Answers, Status, positions, query_all};
use holdback::consistency::Consistency;
use std::time::Duration;

/// How long replicas may take until all links are up before a load.
const READY_PATIENCE: Duration = Duration::from_secs(10);

/// What is loaded, and what is known of it.
#[derive(Debug)]
pub(super) struct Subject {
    /// The cluster, unless another server is loaded whose replicas nobody named.
    pub(super) cluster: Option<Cluster>,
    /// Its model; none where only plain Redis commands are sent.
    pub(super) model: Option<Consistency>,
    /// Each replica's position before the load.
    pub(super) before: Vec<u64>,
}

impl Subject {
    /// Finds it, and waits until it is ready.
    pub(super) fn find(arguments: &LoadArguments) -> Result<Self, Failure> {
        let cluster = arguments.cluster()?;
        let (true, Some(found)) = (!arguments.redis, &cluster) else {
            return Ok(Self {
                cluster,
                model: None,
                before: Vec::new(),
            });
        };
        let answers = found.wait_until_ready(READY_PATIENCE)?;
        let model = common_model(found, &answers)?;
        if found.consistency.is_some_and(|promised| promised != model) {
            let message = "cluster.json names another model than the replicas do";
            return Err(Failure::Usage(message.into()));
        }
        // What was sent before has to be through, or it would be taken for a part of this run.
        let settled = settle::wait(found, model, READY_PATIENCE);
        if let Some(missing) = settled.missing {
            let message = format!("the cluster is busy before the load begins: {missing}");
            return Err(Failure::Unreachable(message));
        }
        let before = positions(&query_all(found, PATIENCE));
        Ok(Self {
            cluster,
            model: Some(model),
            before,
        })
    }

    /// What the keys of this run begin with: nothing in a new cluster, otherwise something that no run
    /// before had, so that nobody reads what this run's history does not know of.
    pub(super) fn prefix(&self) -> String {
        match self.before.iter().max() {
            None | Some(0) => String::new(),
            Some(position) => format!("r{position}:"),
        }
    }

    /// Where the run begins, if the cluster is not new.
    pub(super) fn initial(&self) -> Option<Initial> {
        finish::initial(self.cluster.as_ref()?, &self.before, &self.prefix())
    }

    /// The run folder: that of the cluster, or a new one.
    pub(super) fn folder(
        &self,
        arguments: &LoadArguments,
        options: &Options,
    ) -> Result<Option<RunFolder>, Failure> {
        if !options.history {
            return Ok(None);
        }
        if let Some(folder) = &arguments.place.run {
            return RunFolder::existing(folder).map(Some);
        }
        let folder = RunFolder::create(&runs(), "load")?;
        let mut described = self.cluster.clone();
        if let Some(cluster) = &mut described {
            cluster.consistency = self.model;
        }
        folder.write_json("cluster.json", &described)?;
        Ok(Some(folder))
    }
}

/// The model that all replicas have.
fn common_model(cluster: &Cluster, answers: &Answers) -> Result<Consistency, Failure> {
    let mut common = None;
    for (replica, status) in cluster.replicas.iter().zip(answers.iter().flatten()) {
        let named = Status::get(status, "consistency").unwrap_or("");
        let model: Consistency = named.parse().map_err(|why| {
            let (id, address) = (replica.id, &replica.address);
            Failure::Usage(format!("replica {id} at {address}: {why}"))
        })?;
        if *common.get_or_insert(model) != model {
            let message = "the replicas are not of one model";
            return Err(Failure::Usage(message.into()));
        }
    }
    common.ok_or_else(|| Failure::Unreachable("no replica answers".into()))
}
