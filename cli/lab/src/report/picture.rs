//! A run as a picture shows it: lines for clients and replicas, and everything that happened on and between
//! them, put together from the history and the traces.

use super::asked::{Command, clip};
use super::bands::{Band, bands};
use super::entries::{Entries, EntryId};
use super::folder::Run;
use super::judged::Judged;
use super::messages::{Message, messages};
use super::pairing::{self, Pairing};
use super::queue::{Stay, stays};
use super::requests::{Request, requests};
use super::rows;
use super::trace::{Trace, What};
use crate::history::{History, Operation, Outcome};
use serde_json::Value as Json;

/// Nanoseconds from the start of the run; what happened before it is negative.
pub(super) type Moment = i64;

/// No moment is further from the start, 73 years, whatever a file says: so two of them can be subtracted.
const MOMENT_MAX: Moment = Moment::MAX / 4;

/// Everything that a picture of a run can show.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) name: String,
    /// What was run, in short: the case, if it was one.
    pub(super) title: String,
    /// What was run, for a person.
    pub(super) description: String,
    /// The consistency model that the replicas ran, if it is known.
    pub(super) consistency: Option<String>,
    /// What everything random was drawn from, if it is known.
    pub(super) seed: Option<u64>,
    pub(super) replicas: Vec<u16>,
    /// The clients' lines, by replica.
    pub(super) clients: Vec<Client>,
    /// What the clients did, in the order of the invocations.
    pub(super) bars: Vec<Bar>,
    pub(super) entries: Entries,
    pub(super) messages: Vec<Message>,
    /// Deliveries, in the order of time.
    pub(super) deliveries: Vec<Delivery>,
    pub(super) stays: Vec<Stay>,
    pub(super) bands: Vec<Band>,
    /// The wall time of moment zero, in nanoseconds; zero if nothing was traced.
    pub(super) zero: u64,
    /// Whether moments are time. Otherwise they are lines of the history, as milliseconds.
    pub(super) timed: bool,
    pub(super) judged: Judged,
    /// What a reader has to know of how the picture was made.
    pub(super) notes: Vec<String>,
}

/// A line for a client: one or more processes, each of which took the place of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) name: String,
    /// The replica that it is connected to, if it is known.
    pub(super) replica: Option<u16>,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// It happened.
    Ok,
    /// It certainly did not happen.
    Fail,
    /// It may have happened.
    #[default]
    Info,
}

/// One operation of a client.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bar {
    /// The client's line.
    pub(super) client: usize,
    pub(super) process: u64,
    /// When it was invoked.
    pub(super) invoked: Moment,
    /// When it was completed, if it was.
    pub(super) completed: Option<Moment>,
    /// How it ended.
    pub(super) end: End,
    pub(super) call: String,
    /// Whether that can change nothing.
    pub(super) is_read: bool,
    pub(super) answer: String,
    /// The replica that was asked, if it is known.
    pub(super) replica: Option<u16>,
    /// When the replica got the request, and when it replied: as far as it was traced.
    pub(super) at_replica: Option<(Moment, Option<Moment>)>,
    /// The entry that it became, if any.
    pub(super) entry: Option<EntryId>,
    /// More entries that it became: in the eventual model each key of an MSET is one.
    pub(super) others: Vec<EntryId>,
    /// The position at which it took effect or was read, if the history says so.
    pub(super) position: Option<u64>,
    /// Its line in the history; 0 if there is none.
    pub(super) line: usize,
    /// Whether it belongs to a counter-example.
    pub(super) is_marked: bool,
}

/// A replica delivers an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) replica: u16,
    /// When: wall time, in nanoseconds.
    pub(super) wall: u64,
    pub(super) entry: EntryId,
    pub(super) position: u64,
}

impl Picture {
    /// Puts a run together.
    pub(super) fn of(run: &Run) -> Self {
        let traced: Vec<Request> = run.traces.iter().flat_map(requests).collect();
        let entries = Entries::gather(&run.traces, &traced);
        let replicas = replicas(run);
        let judged = run.verdict.as_ref().map(Judged::read);
        let meta = |name: &str| run.history.as_ref()?.meta.as_ref()?.get(name);
        let recorded = meta("seed").and_then(Json::as_u64);
        let mut picture = Self {
            name: run.name.clone(),
            title: title(run, meta("case").and_then(Json::as_str)),
            description: run.description.clone(),
            consistency: consistency(run),
            seed: recorded.or_else(|| run.cluster.as_ref().and_then(|cluster| cluster.seed)),
            messages: messages(&run.traces, &entries),
            deliveries: deliveries(run, &entries),
            stays: stays(&run.traces, &entries, &replicas),
            bands: bands(&run.traces, &run.pauses, &replicas),
            replicas,
            entries,
            judged: judged.unwrap_or_default(),
            timed: true,
            ..Self::default()
        };
        picture.add_operations(run, &traced);
        // Links that go down as the replicas are stopped belong to no run.
        let end = picture.span().1;
        let zero = picture.zero;
        let began = |band: &Band| i128::from(band.from) - i128::from(zero);
        picture.bands.retain(|band| began(band) <= i128::from(end));
        picture.add_notes(run);
        picture
    }

    /// The moment of a wall time.
    pub(super) fn moment(&self, wall: u64) -> Moment {
        let (wall, zero) = (i128::from(wall), i128::from(self.zero));
        let most = i128::from(MOMENT_MAX);
        Moment::try_from((wall - zero).clamp(-most, most)).unwrap_or(MOMENT_MAX)
    }

    /// The first and the last moment of everything that clients caused.
    pub(super) fn span(&self) -> (Moment, Moment) {
        let bars = self.bars.iter();
        let bars = bars.flat_map(|bar| [Some(bar.invoked), bar.completed]);
        let messages = self.messages.iter();
        let messages = messages.filter(|message| message.entry.is_some());
        let messages = messages.flat_map(|message| [message.sent, message.received]);
        let delivered = self.deliveries.iter().map(|delivery| Some(delivery.wall));
        let walls = messages
            .chain(delivered)
            .flatten()
            .map(|wall| self.moment(wall));
        let all = || bars.clone().flatten().chain(walls.clone());
        match (all().min(), all().max()) {
            (Some(first), Some(last)) => (first, last.max(first + 1)),
            _ => (0, 1),
        }
    }

    fn add_operations(&mut self, run: &Run, traced: &[Request]) {
        let Some(history) = &run.history else {
            self.zero = traced.iter().map(|request| request.came).min().unwrap_or(0);
            let (clients, lines) = rows::of_requests(traced);
            self.clients = clients;
            let bars = traced.iter().zip(lines);
            self.bars = bars
                .map(|(request, client)| self.bar_of_request(request, client))
                .collect();
            self.bars.sort_by_key(|bar| bar.invoked);
            self.link_entries(traced, Some);
            return;
        };
        let Pairing { zero, request } = pairing::pair(history, traced);
        let first_event = run.traces.iter().filter_map(|trace| trace.events.first());
        let first_event = first_event.map(|event| event.wall).min();
        self.zero = zero.or(first_event).unwrap_or(0);
        self.timed = history.timed;
        let (clients, lines) = rows::of_history(history);
        self.clients = clients;
        for ((operation, client), request) in history.operations.iter().zip(lines).zip(&request) {
            let mut bar = bar(operation, client, history.timed);
            bar.is_marked = self.judged.names(operation.line, self.bars.len());
            if let Some(request) = request.map(|place| &traced[place]) {
                let replied = request.reply.as_ref().map(|(wall, _)| self.moment(*wall));
                bar.at_replica = Some((self.moment(request.came), replied));
                bar.replica = Some(request.replica);
                bar.entry = request.stamp.and_then(|stamp| self.entries.id(stamp));
            }
            self.bars.push(bar);
        }
        let mut of_request = vec![None; traced.len()];
        for (place, request) in request.iter().enumerate() {
            if let Some(request) = request {
                of_request[*request] = Some(place);
            }
        }
        self.link_entries(traced, |request| of_request[request]);
    }

    /// Links entries that no reply named to the bars whose requests made them.
    fn link_entries(&mut self, traced: &[Request], bar_of: impl Fn(usize) -> Option<usize>) {
        for (entry, id) in self.entries.list.iter().zip(0..) {
            let made_by = entry.request.filter(|request| *request < traced.len());
            if let Some(bar) = made_by.and_then(&bar_of) {
                let bar = &mut self.bars[bar];
                if *bar.entry.get_or_insert(id) != id {
                    bar.others.push(id);
                }
            }
        }
    }

    fn bar_of_request(&self, request: &Request, client: usize) -> Bar {
        let came = self.moment(request.came);
        let replied = request.reply.as_ref().map(|(wall, _)| self.moment(*wall));
        let answer = request.reply.as_ref().map(|(_, text)| text.to_string());
        let answer = answer.unwrap_or_default();
        let failed = answer.starts_with('-');
        Bar {
            client,
            process: request.client.into(),
            invoked: came,
            completed: replied,
            end: match replied {
                Some(_) if failed => End::Fail,
                Some(_) => End::Ok,
                None => End::Info,
            },
            call: request.command.text.to_string(),
            is_read: request.stamp.is_none() && matches!(&*request.command.name, "GET" | "MGET"),
            answer: clip(&answer.replace("\\r\\n", " ")),
            replica: Some(request.replica),
            at_replica: Some((came, replied)),
            entry: request.stamp.and_then(|stamp| self.entries.id(stamp)),
            ..Bar::default()
        }
    }

    fn add_notes(&mut self, run: &Run) {
        let traced = !run.traces.is_empty();
        let mut note = |applies: bool, text: &str| {
            self.notes.extend(applies.then(|| text.to_owned()));
        };
        note(
            !traced,
            "No replica was traced, so only what the clients saw is shown.",
        );
        note(
            run.history.is_none(),
            "There is no history: operations are the requests that the replicas traced.",
        );
        note(
            !self.timed,
            "The history has no times: one millisecond stands for one of its lines.",
        );
        for Trace { replica, torn, .. } in &run.traces {
            let text = format!("The trace of replica {replica} ends within a line.");
            note(*torn, &text);
        }
        let unpaired = self.bars.iter().filter(|bar| bar.at_replica.is_none());
        let (missing, all) = (unpaired.count(), self.bars.len());
        note(
            traced && missing > 0,
            &format!("{missing} of {all} operations were not found in the traces."),
        );
    }
}

fn bar(operation: &Operation, client: usize, timed: bool) -> Bar {
    let moment = |time: u64| {
        let unit = if timed { 1 } else { 1_000_000 };
        let from_start = Moment::try_from(time.saturating_mul(unit));
        from_start.map_or(MOMENT_MAX, |moment| moment.min(MOMENT_MAX))
    };
    let (end, answer) = match &operation.outcome {
        Outcome::Ok(answer) => (End::Ok, answer.to_string()),
        Outcome::Fail => (End::Fail, "failed".into()),
        Outcome::Info => (End::Info, "unknown".into()),
    };
    Bar {
        client,
        process: operation.process,
        invoked: moment(operation.invoked),
        completed: operation.completed.map(moment),
        end,
        call: Command::of_call(&operation.call).text.into(),
        is_read: operation.call.is_read(),
        answer: clip(&answer),
        replica: operation.replica.and_then(|id| u16::try_from(id).ok()),
        position: operation.position,
        line: operation.line,
        ..Bar::default()
    }
}

fn deliveries(run: &Run, entries: &Entries) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for trace in &run.traces {
        for event in &trace.events {
            if let What::Deliver {
                position, stamp, ..
            } = &event.what
                && let Some(entry) = entries.id(*stamp)
            {
                deliveries.push(Delivery {
                    replica: trace.replica,
                    wall: event.wall,
                    entry,
                    position: *position,
                });
            }
        }
    }
    deliveries.sort_by_key(|delivery| (delivery.wall, delivery.replica, delivery.position));
    deliveries
}

/// The replicas that anything speaks of.
fn replicas(run: &Run) -> Vec<u16> {
    let mut ids: Vec<u16> = run.traces.iter().map(|trace| trace.replica).collect();
    let cluster = run.cluster.iter().flat_map(|cluster| &cluster.replicas);
    ids.extend(cluster.filter_map(|replica| u16::try_from(replica.id).ok()));
    let asked = run.history.iter().flat_map(|history| &history.operations);
    ids.extend(asked.filter_map(|operation| u16::try_from(operation.replica?).ok()));
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn consistency(run: &Run) -> Option<String> {
    let cluster = run.cluster.as_ref().and_then(|cluster| cluster.consistency);
    let history = || run.history.as_ref().and_then(History::consistency);
    cluster.or_else(history).map(|model| model.to_string())
}

/// The name of the case; without one, that of the folder without its time.
fn title(run: &Run, case: Option<&str>) -> String {
    let is_time = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = run.name.split('-').take_while(|part| !is_time(part));
    case.map_or_else(|| parts.collect::<Vec<_>>().join("-"), str::to_owned)
}
