//! A load from its first connection to its last file.

use super::client::{Client, Extras};
use super::command::{LoadArguments, Options};
use super::disturb::Disturber;
use super::driver::{Driver, Shared, State};
use super::follow::{Destination, Followed, Follower, GOING};
use super::pace::Pace;
use super::recorder::Recorder;
use super::sockets::Sockets;
use super::subject::Subject;
use super::tally::Tally;
use super::workload::{Author, Workload};
use super::{finish, print, progress};
use crate::kit::ask::PATIENCE;
use crate::kit::clock::{Clock, wall_nanoseconds};
use crate::kit::failure::{EXIT_NO, EXIT_YES, Failure};
use crate::kit::interrupt::{self, EXIT_INTERRUPTED, Handling, Then};
use crate::kit::run_folder::RunFolder;
use crate::kit::settle;
use crate::kit::status::{positions, query_all};
use serde_json::{Map, Value as Json, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

/// How long replicas may take to tell each other what is left, once they are healed.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);
/// The same, for somebody who has pressed Ctrl-C.
const HURRIED_PATIENCE: Duration = Duration::from_secs(2);
/// Files other than clients' connections that may be open.
const FILES: u64 = 200;

/// Everything about one load.
struct Load {
    subject: Subject,
    options: Options,
    folder: Option<RunFolder>,
    recorder: Recorder,
    shared: Arc<Shared>,
    /// Runs from before the first connection.
    clock: Clock,
}

/// Does what the arguments say.
pub(super) fn run(arguments: &LoadArguments) -> Result<u8, Failure> {
    let subject = Subject::find(arguments)?;
    let options = arguments.options(subject.cluster.as_ref(), subject.model)?;
    allow_files(options.clients as u64 + FILES)?;
    let folder = subject.folder(arguments, &options)?;
    let (clock, started) = (Clock::start(), wall_nanoseconds());
    let recorder = match &folder {
        None => Recorder::default(),
        Some(folder) => {
            let meta = meta(&subject, &options, started);
            let mut recorder = Recorder::create(&folder.path().join("history.jsonl"), &meta)?;
            if let Some(initial) = subject.initial() {
                recorder.initial(&initial);
            }
            recorder
        }
    };
    let load = Load {
        subject,
        options,
        folder,
        recorder,
        shared: Arc::default(),
        clock,
    };
    load.run()
}

fn allow_files(needed: u64) -> Result<(), Failure> {
    let allowed = rlimit::increase_nofile_limit(needed);
    if allowed.is_ok_and(|allowed| allowed < needed) {
        let message =
            format!("{needed} open files are needed, and the system allows fewer (ulimit -n)");
        return Err(Failure::Usage(message));
    }
    Ok(())
}

/// What the first line of the history says of the run.
fn meta(subject: &Subject, options: &Options, started: u64) -> Map<String, Json> {
    let replicas = subject.cluster.as_ref().map_or(0, |c| c.replicas.len());
    let meta = json!({
        "load": true, "consistency": subject.model, "replicas": replicas,
        "clients": options.clients, "seed": options.seed, "mix": options.mix.to_string(),
        "keys": options.keys, "pipeline": options.pipeline, "rate": options.rate,
        "value_size": options.value_size, "faults": options.faults.name(),
        "witness": options.witness, "before": subject.before.iter().max(),
        "started_wall_ns": started,
    });
    meta.as_object().cloned().unwrap_or_default()
}

impl Load {
    fn run(self) -> Result<u8, Failure> {
        if !self.options.json {
            anstream::print!("{}", print::head(&self.subject, &self.options));
        }
        let mut disturber = self.disturber()?;
        let _handling = self.stop_when_interrupted(disturber.as_ref());
        let (tally, problems) = self.follow_and_load(disturber.as_mut())?;
        let notes = disturber.map_or_else(Vec::new, |mut d| std::mem::take(&mut d.problems));
        let folder = self.folder.as_ref().map(RunFolder::path);
        if self.options.json {
            let object = print::json(&tally, &self.options, folder, &problems);
            anstream::println!("{object}");
        } else {
            anstream::print!("{}", print::outcome(&tally, folder, &problems, &notes));
        }
        let interrupted = self.shared.stop.load(Ordering::Relaxed);
        Ok(match problems.is_empty() {
            _ if interrupted => EXIT_INTERRUPTED,
            true => EXIT_YES,
            false => EXIT_NO,
        })
    }

    /// The first signal that asks to stop ends the load early; the second one ends the program, once it is healed.
    fn stop_when_interrupted(&self, disturber: Option<&Disturber>) -> Handling {
        let (shared, healer) = (Arc::clone(&self.shared), disturber.map(Disturber::healer));
        interrupt::handle(move |_| {
            if !shared.stop.swap(true, Ordering::Relaxed) {
                return Then::GoOn;
            }
            if let Some(heal) = &healer {
                heal();
            }
            Then::End
        })
    }

    fn disturber(&self) -> Result<Option<Disturber>, Failure> {
        let Some(cluster) = &self.subject.cluster else {
            return Ok(None);
        };
        let log = self.folder.as_ref().map(|f| f.path().join("faults.jsonl"));
        let (faults, seed) = (self.options.faults, self.options.seed);
        Disturber::new(cluster, faults, seed, self.clock, log.as_deref()).map(Some)
    }

    /// Loads, while the replicas' orders are followed to their end. Returns the figures, and what should not
    /// have happened.
    fn follow_and_load(
        &self,
        disturber: Option<&mut Disturber>,
    ) -> Result<(Tally, Vec<String>), Failure> {
        let followers = self.followers()?;
        let destinations = followers.iter().map(|_| Destination::new(GOING));
        let destinations: Vec<Destination> = destinations.collect();
        std::thread::scope(|scope| {
            let follow = |(follower, destination): (Follower, _)| {
                scope.spawn(move || follower.run(destination))
            };
            let followers: Vec<_> = followers
                .into_iter()
                .zip(&destinations)
                .map(follow)
                .collect();
            let loaded = self.load(disturber);
            let finished =
                loaded.and_then(|tally| Ok((tally, self.settle_and_save(&destinations)?)));
            if finished.is_err() {
                destinations
                    .iter()
                    .for_each(|d| d.store(0, Ordering::Release));
            }
            let followed = followers.into_iter().map(join);
            let followed = followed.collect::<Result<Vec<_>, _>>()?;
            let (tally, mut problems) = finished?;
            problems.extend(incomplete(&followed));
            Ok((tally, problems))
        })
    }

    fn followers(&self) -> Result<Vec<Follower>, Failure> {
        match (&self.subject.cluster, &self.folder) {
            (Some(cluster), Some(folder)) if self.options.witness => {
                let replicas = cluster.replicas.iter().zip(&self.subject.before);
                replicas
                    .map(|(replica, before)| Follower::new(replica, *before, folder.path()))
                    .collect()
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Drives the clients, on one thread or several, and disturbs the cluster.
    fn load(&self, disturber: Option<&mut Disturber>) -> Result<Tally, Failure> {
        let options = &self.options;
        let shared = &*self.shared;
        shared.sending.store(options.threads, Ordering::Relaxed);
        shared
            .next_process
            .store(options.clients as u64 + 1, Ordering::Relaxed);
        let barrier = Barrier::new(options.threads);
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for index in 0..options.threads {
                let driver = self.driver(index)?;
                let barrier = &barrier;
                threads.push(scope.spawn(move || driver.connect_and_run(barrier)));
            }
            let disturbing = disturber.map(|disturber| {
                scope.spawn(move || {
                    disturber.run(|| shared.sending.load(Ordering::Relaxed) == 0);
                    Ok(())
                })
            });
            progress::show(options.goal, shared, self.clock, || {
                threads.iter().all(ScopedJoinHandle::is_finished)
            });
            let mut tally = Tally::default();
            let mut failure = None;
            for thread in threads {
                match join(thread) {
                    Ok(part) => tally.merge(&part),
                    Err(why) => failure = Some(why),
                }
            }
            // A thread that failed never said that it sends no more.
            shared.sending.store(0, Ordering::Relaxed);
            disturbing.map_or(Ok(()), join)?;
            failure.map_or(Ok(tally), Err)
        })
    }

    fn driver(&self, index: usize) -> Result<Driver<'_>, Failure> {
        let options = &self.options;
        let ordered = self.subject.model.is_some_and(|model| model.is_ordered());
        let extras = Extras {
            position: options.witness && ordered,
            wait: options.wait,
            understand: options.history,
        };
        let mix = options.mix.clone();
        let numbers = (0..options.clients).filter(|at| at % options.threads == index);
        let client = |at: usize| {
            let number = at as u64 + 1;
            let author = Author::new(options.seed, number);
            Client::new(at % options.targets.len(), number, author, extras)
        };
        Ok(Driver {
            targets: &options.targets,
            clients: numbers.map(client).collect(),
            pipeline: options.pipeline,
            workload: Workload::new(
                mix,
                &self.subject.prefix(),
                options.keys,
                options.value_size,
            ),
            pace: Pace::new(options.goal, options.rate, index, options.threads),
            recorder: self.recorder.clone(),
            shared: &self.shared,
            clock: self.clock,
            sockets: Sockets::new().map_err(Failure::doing("cannot wait for sockets"))?,
            state: State::default(),
        })
    }

    /// Waits until the replicas have settled, sends the followers to the end, and saves the data.
    fn settle_and_save(&self, destinations: &[Destination]) -> Result<Vec<String>, Failure> {
        let (Some(cluster), Some(model), Some(folder)) =
            (&self.subject.cluster, self.subject.model, &self.folder)
        else {
            return Ok(Vec::new());
        };
        let hurried = self.shared.stop.load(Ordering::Relaxed);
        let patience = match hurried {
            true => HURRIED_PATIENCE,
            false => SETTLE_PATIENCE,
        };
        let settled = settle::wait(cluster, model, patience);
        let mut problems = Vec::new();
        if let Some(missing) = settled.missing {
            problems.push(format!("the replicas have not settled: {missing}"));
        }
        let reached = positions(&query_all(cluster, PATIENCE));
        for (destination, position) in destinations.iter().zip(&reached) {
            AtomicU64::store(destination, *position, Ordering::Release);
        }
        let mut recorder = self.recorder.clone();
        let prefix = self.subject.prefix();
        let lost = finish::save_stores(cluster, &reached, &prefix, folder, &mut recorder)?;
        problems.extend(lost);
        recorder.finish()?;
        Ok(problems)
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    let failed = |_| Err(Failure::Other("a thread failed".into()));
    thread.join().unwrap_or_else(failed)
}

/// What is missing of the orders.
fn incomplete(followed: &[Followed]) -> Vec<String> {
    let each = followed.iter().zip(1..);
    each.flat_map(|(followed, id)| {
        let problems = followed.problems.iter();
        problems.map(move |problem| format!("replica {id}'s order is not whole: {problem}"))
    })
    .collect()
}
