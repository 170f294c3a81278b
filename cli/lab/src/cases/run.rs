//! A run of a case: from the first delay set to the last file written.

use super::case::Case;
use super::clients::{self, Seen};
use super::faults::Faults;
use super::verdict::Verdict;
use super::{plan::Plan, record};
use crate::check::{Evidence, Judgement, Limits, Order, OrderOfReplica};
use crate::history::{self, History};
use crate::kit::clock::{Clock, wall_nanoseconds};
use crate::kit::cluster::Cluster;
use crate::kit::collect::{Final, collect, store_json};
use crate::kit::failure::Failure;
use crate::kit::interrupt::{self, Then};
use crate::kit::print::show;
use crate::kit::run_folder::RunFolder;
use crate::kit::settle;
use crate::kit::status::positions;
use crate::order;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::time::Duration;

/// How long replicas may take until all links are up before a run.
const READY_PATIENCE: Duration = Duration::from_secs(10);

/// How long what was sent before the run may take to settle.
const IDLE_PATIENCE: Duration = Duration::from_secs(5);

/// How long a checker may take for one model.
const CHECK_PATIENCE: Duration = Duration::from_secs(10);

/// How often it is shown how far a run is.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What each client saw.
    pub seen: Vec<Seen>,
    /// What each replica holds.
    pub finals: Vec<Final>,
    /// How many entries the replicas had delivered before the run; they are not part of it.
    pub before: u64,
    /// When the clients started: wall time, in nanoseconds.
    pub started_wall_ns: u64,
    /// What the clients saw, as operations.
    pub history: History,
    /// The verdict.
    pub verdict: Verdict,
}

/// Runs a case against a cluster and writes everything into the run folder.
///
/// # Errors
/// [`Failure::Usage`] if the cluster is not what the case asks for, [`Failure::Unreachable`] if it is not
/// there, [`Failure::Other`] if files cannot be written. Whatever happens once the clients have started
/// is part of the verdict instead.
pub fn run(
    case: &Case,
    plan: &Plan,
    cluster: &Cluster,
    folder: &RunFolder,
) -> Result<Report, Failure> {
    let before = check_cluster(case, cluster)?;
    let mut faults = Faults::begin(case, cluster)?;
    let heal = faults.healer();
    let _handling = interrupt::handle(move |_| {
        heal();
        Then::End
    });
    let connections = clients::connect(case, cluster)?;

    let answered = progress(case);
    let started_wall_ns = wall_nanoseconds();
    let clock = Clock::start();
    let (seen, failed_faults) = std::thread::scope(|scope| {
        let faults = scope.spawn(|| faults.follow(case, clock));
        let seen = clients::run(case, plan, connections, clock, &answered);
        let failed = faults
            .join()
            .unwrap_or_else(|_| vec!["a fault failed".into()]);
        (seen, failed)
    });
    answered.finish_and_clear();

    let limit = Duration::from_secs_f64(case.output_sleep);
    let settled = settle::wait(cluster, case.consistency, limit);
    let finals = collect(cluster, &before);
    drop(faults);
    let before = before.iter().copied().max().unwrap_or(0);
    let mut history = record::history(case, plan.seed, &seen, &finals);
    let meta = history.meta.get_or_insert_default();
    meta.insert("before".into(), before.into());
    // Times are from the start of the clients; this lays them beside the replicas' traces.
    meta.insert("started_wall_ns".into(), started_wall_ns.into());
    let mut verdict = Verdict::judge(case, &seen, &finals, settled, failed_faults);
    verdict.checks = check(case, &history, &finals);
    let report = Report {
        seen,
        finals,
        before,
        started_wall_ns,
        history,
        verdict,
    };
    write(case, plan, &report, folder)?;
    Ok(report)
}

/// Shows, on standard error if it is a terminal, how many requests are answered.
fn progress(case: &Case) -> ProgressBar {
    let requests = case.clients.iter().map(|client| client.requests.len());
    let bar = ProgressBar::new(requests.sum::<usize>() as u64);
    let template = "{pos} of {len} requests answered, {seconds} s";
    if let Ok(style) = ProgressStyle::with_template(template) {
        let seconds = |state: &ProgressState, out: &mut dyn Write| {
            // What cannot be written is erased anyway.
            let _unseen = write!(out, "{:.1}", state.elapsed().as_secs_f64());
        };
        bar.set_style(style.with_key("seconds", seconds));
    }
    bar.enable_steady_tick(REDRAW_INTERVAL);
    bar
}

/// Judges what the clients saw by the case's own model and by those stronger than it, the own one first.
fn check(case: &Case, history: &History, finals: &[Final]) -> Vec<Judgement> {
    let orders: Vec<OrderOfReplica> = finals
        .iter()
        .filter(|last| last.problem.is_none())
        .map(|last| OrderOfReplica {
            replica: last.replica as u64,
            entries: last.order.clone(),
        })
        .collect();
    let evidence = Evidence {
        history: history.clone(),
        order: case.consistency.is_ordered().then(|| Order::of(&orders)),
        promised: Some(case.consistency),
    };
    let limits = Limits::within(CHECK_PATIENCE);
    let models = Evidence::models_from(case.consistency).into_iter();
    models.map(|model| evidence.judge(model, &limits)).collect()
}

/// Checks that the cluster is there, idle, and what the case asks for. Returns each replica's position.
fn check_cluster(case: &Case, cluster: &Cluster) -> Result<Vec<u64>, Failure> {
    let (has, wants) = (cluster.replicas.len(), case.num_processes);
    if has != wants {
        let message = format!("the case wants {wants} replicas and the cluster has {has}");
        return Err(Failure::Usage(message));
    }
    let answers = cluster.wait_until_ready(READY_PATIENCE)?;
    for (replica, status) in cluster.replicas.iter().zip(answers.iter().flatten()) {
        let model = status.get("consistency").unwrap_or("unknown");
        if model != case.consistency.name() {
            return Err(Failure::Usage(format!(
                "the case wants a {} cluster and replica {} at {} is {model}",
                case.consistency, replica.id, replica.address
            )));
        }
    }
    let idle = settle::wait(cluster, case.consistency, IDLE_PATIENCE);
    if let Some(missing) = idle.missing {
        let message = format!("the cluster is busy before the case begins: {missing}");
        return Err(Failure::Unreachable(message));
    }
    Ok(positions(&cluster.wait_until_ready(READY_PATIENCE)?))
}

/// Writes what the scripts, the checkers and the report read later.
fn write(case: &Case, plan: &Plan, report: &Report, folder: &RunFolder) -> Result<(), Failure> {
    let Report {
        seen,
        finals,
        history,
        verdict,
        ..
    } = report;
    let mut as_run = case.clone();
    as_run.seed = Some(plan.seed);
    folder.write_json("case.json", &as_run)?;
    let mut text = Vec::new();
    history::write(history, &mut text).map_err(Failure::doing("cannot write the history"))?;
    folder.write("history.jsonl", &text)?;
    for last in finals.iter().filter(|last| last.problem.is_none()) {
        let lines: String = last
            .order
            .iter()
            .map(|entry| order::to_json(entry) + "\n")
            .collect();
        folder.write(&format!("replica-{}.order.jsonl", last.replica), &lines)?;
        folder.write_json(&last.store_file(), &store_json(&last.store))?;
    }
    for (number, log) in (1..).zip(client_logs(case, seen)) {
        folder.write(&format!("client-{number}.log"), &log)?;
    }
    folder.write_json("verdict.json", &verdict.to_json(case, plan.seed, history))
}

/// Each client's requests and replies with their times, as lines.
fn client_logs<'a>(case: &'a Case, seen: &'a [Seen]) -> impl Iterator<Item = String> + 'a {
    case.clients.iter().zip(seen).map(|(client, seen)| {
        let mut log = format!("connected to replica {}\n", client.process);
        for (request, exchange) in client.requests.iter().zip(seen) {
            log += &format!("{} > {}\n", show::moment(exchange.sent), request.line());
            let (answer, took) = (exchange.answer(), show::duration(exchange.took()));
            log += &format!("{} < {answer}  ({took})\n", show::moment(exchange.ended));
        }
        log
    })
}
