//! What types cannot say about a case.

use super::seconds::seconds_problem;
use super::{Case, Client, Expected, FaultKind, LinkDelay, Path, Seconds, joins};

use holdback::command::{CommandSpec, Kind, Name, lookup};
use holdback::entry::line::{Command, join_commands, same_command, split_commands};
use holdback::wire::error::ErrorCode;

/// The most replicas that a case may ask for.
const REPLICAS_MAX: usize = 32;

/// A place and what is wrong there.
type Found = (Path, String);

/// Everything that is wrong with a case, in the order of its parts.
pub(super) fn problems(case: &Case) -> Vec<Found> {
    let mut found = Findings::default();
    let root = Path::default();
    check_name(case, &mut found);
    if case.num_processes == 0 || case.num_processes > REPLICAS_MAX {
        let message = format!("a cluster has 1 to {REPLICAS_MAX} replicas");
        found.push(root.then("num_processes"), message);
    }
    check_ports(case, &mut found);
    if let Some(problem) = seconds_problem(case.output_sleep) {
        found.push(root.then("output_sleep"), problem);
    }
    check_delays(case, &mut found);
    check_faults(case, &mut found);
    check_clients(case, &mut found);
    check_expectations(case, &mut found);
    found.0
}

/// Collects what is found.
#[derive(Default)]
struct Findings(Vec<Found>);

impl Findings {
    fn push(&mut self, path: Path, message: impl Into<String>) {
        self.0.push((path, message.into()));
    }

    fn replica(&mut self, path: Path, id: usize, case: &Case) {
        let replicas = case.num_processes;
        if id == 0 || id > replicas {
            let message = format!("there is no replica {id}; ids go from 1 to {replicas}");
            self.push(path, message);
        }
    }

    fn pair(&mut self, path: &Path, pair: [usize; 2], case: &Case) {
        for (at, id) in pair.into_iter().enumerate() {
            self.replica(path.then(at), id, case);
        }
        if pair[0] == pair[1] {
            let message = format!("replica {} has no link to itself", pair[0]);
            self.push(path.clone(), message);
        }
    }

    fn link_delay(&mut self, path: &Path, delay: &LinkDelay, case: &Case) {
        self.replica(path.then("from"), delay.from, case);
        self.replica(path.then("to"), delay.to, case);
        if delay.from == delay.to {
            let message = format!("replica {} sends no frames to itself", delay.to);
            self.push(path.then("to"), message);
        }
        self.seconds(path.then("seconds"), &delay.seconds);
    }

    fn seconds(&mut self, path: Path, seconds: &Seconds) {
        if let Some(problem) = seconds.problem() {
            self.push(path, problem);
        }
    }
}

fn check_name(case: &Case, found: &mut Findings) {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if case.name.is_empty() || case.name.len() > 64 || !case.name.chars().all(fits) {
        let message = "a name has 1 to 64 letters, digits, `-` and `_`; it names the run folder";
        found.push(Path::default().then("name"), message);
    }
}

fn check_ports(case: &Case, found: &mut Findings) {
    let Some(ports) = &case.ports else {
        return;
    };
    let path = Path::default().then("ports");
    let (given, wanted) = (ports.len(), case.num_processes);
    if given != wanted {
        let message = format!("{given} ports for num_processes {wanted}");
        found.push(path.clone(), message);
    }
    for (at, port) in ports.iter().enumerate() {
        if *port == 0 {
            found.push(path.then(at), "port 0 is no port to listen on");
        } else if let Some(first) = ports[..at].iter().position(|other| other == port) {
            found.push(path.then(at), format!("port {port} is also ports[{first}]"));
        }
    }
}

fn check_delays(case: &Case, found: &mut Findings) {
    for (at, delay) in case.delays.iter().enumerate() {
        let path = Path::default().then("delays").then(at);
        found.link_delay(&path, delay, case);
        let same_link = |other: &LinkDelay| (other.from, other.to) == (delay.from, delay.to);
        if let Some(first) = case.delays[..at].iter().position(same_link) {
            found.push(
                path,
                format!("delays[{first}] has the same `from` and `to`"),
            );
        }
    }
}

fn check_faults(case: &Case, found: &mut Findings) {
    for (at, fault) in case.faults.iter().enumerate() {
        let path = Path::default().then("faults").then(at);
        if let Some(problem) = seconds_problem(fault.at) {
            found.push(path.then("at"), problem);
        }
        match fault.kind() {
            None => found.push(path, "a fault has exactly one of `cut`, `heal` and `delay`"),
            Some(FaultKind::Cut(pair)) => found.pair(&path.then("cut"), pair, case),
            Some(FaultKind::Delay(delay)) => found.link_delay(&path.then("delay"), &delay, case),
            Some(FaultKind::Heal(pair)) => {
                found.pair(&path.then("heal"), pair, case);
                if !is_impaired(case, pair, fault.at) {
                    let [a, b] = pair;
                    let message =
                        format!("the link between {a} and {b} is not cut or delayed before");
                    found.push(path.then("heal"), message);
                }
            }
        }
    }
}

/// Whether something was done to the link of `pair` before the time `at`.
fn is_impaired(case: &Case, pair: [usize; 2], at: f64) -> bool {
    let is_delayed = |delay: &LinkDelay| joins(pair, delay.from, delay.to);
    case.delays.iter().any(is_delayed)
        || (case
            .faults_in_time()
            .iter()
            .take_while(|(time, _)| *time < at))
        .any(|(_, kind)| match kind {
            FaultKind::Cut([a, b]) => joins(pair, *a, *b),
            FaultKind::Delay(delay) => is_delayed(delay),
            FaultKind::Heal(_) => false,
        })
}

fn check_clients(case: &Case, found: &mut Findings) {
    let path = Path::default().then("clients");
    if case.clients.is_empty() {
        found.push(path.clone(), "a case without clients shows nothing");
    }
    for (at, client) in case.clients.iter().enumerate() {
        let path = path.then(at);
        found.replica(path.then("process"), client.process, case);
        let path = path.then("requests");
        if client.requests.is_empty() {
            found.push(path.clone(), "a client without requests does nothing");
        }
        check_requests(client, &path, found);
    }
}

fn check_requests(client: &Client, path: &Path, found: &mut Findings) {
    for (at, request) in client.requests.iter().enumerate() {
        let path = path.then(at);
        found.seconds(path.then("delay"), &request.delay);
        let Some(spec) = lookup(request.op.as_bytes()) else {
            found.push(
                path.then("op"),
                format!("there is no command `{}`", request.op),
            );
            continue;
        };
        if let Some(reason) = unsuitable(spec) {
            found.push(path.then("op"), reason);
        } else if !spec.arity_fits(request.args.len() + 1) {
            found.push(path.then("args"), wrong_arity(spec));
        }
    }
}

fn wrong_arity(spec: &CommandSpec) -> String {
    match spec.arguments {
        "" => format!("{} takes no arguments", spec.name),
        arguments => format!("{} takes the arguments: {arguments}", spec.name),
    }
}

/// Why a client of a case cannot send this command, if it cannot.
fn unsuitable(spec: &CommandSpec) -> Option<String> {
    let name = spec.name;
    match spec.id {
        Name::Fault => Some("a case cuts and delays links with `faults` and `delays`".into()),
        Name::Peer => Some("PEER is for replicas, not for clients".into()),
        Name::Monitor => Some("MONITOR answers without end".into()),
        Name::Shutdown | Name::Quit => Some(format!("{name} would end what the case needs")),
        _ => None,
    }
}

fn check_expectations(case: &Case, found: &mut Findings) {
    let path = Path::default().then("expect");
    if let Some(orders) = &case.expect.orders {
        check_orders(case, orders, &path.then("orders"), found);
    }
    if let Some(replies) = &case.expect.replies {
        check_replies(case, replies, &path.then("replies"), found);
    }
    for (key, value) in case.expect.store.iter().flatten() {
        if !is_store_value(value) {
            let path = path.then("store").then(key.as_str());
            found.push(path, "a store holds strings (null: the key is absent)");
        }
    }
}

fn check_orders(case: &Case, orders: &[Vec<String>], path: &Path, found: &mut Findings) {
    if !case.consistency.is_ordered() {
        let message = "replicas of an eventual cluster agree on no order";
        found.push(path.clone(), message);
        return;
    }
    if orders.is_empty() {
        let message = "no order at all is allowed; leave `orders` out to allow any";
        found.push(path.clone(), message);
    }
    for (at, order) in orders.iter().enumerate() {
        for (entry_at, entry) in order.iter().enumerate() {
            let problems = match split_commands(entry.as_bytes()) {
                Err(what) => vec![what],
                Ok(commands) => commands
                    .iter()
                    .filter_map(|one| order_problem(case, one))
                    .collect(),
            };
            let path = path.then(at).then(entry_at);
            problems
                .into_iter()
                .for_each(|what| found.push(path.clone(), what));
        }
    }
}

/// Why a command cannot stand in an expected order, if it cannot.
fn order_problem(case: &Case, command: &Command) -> Option<String> {
    let name = command.first()?;
    let line = join_commands(std::slice::from_ref(command));
    let Some(spec) = lookup(name) else {
        return Some(format!("there is no command `{}`", name.escape_ascii()));
    };
    if !matches!(spec.kind, Kind::Read | Kind::Write) {
        return Some(format!("{} is never part of the order", spec.name));
    }
    let mut requests = case.clients.iter().flat_map(|client| &client.requests);
    let sent = requests.any(|request| same_command(&request.arguments(), command));
    (!sent).then(|| format!("no client sends `{line}`"))
}

fn check_replies(case: &Case, replies: &[Vec<Expected>], path: &Path, found: &mut Findings) {
    let (given, wanted) = (replies.len(), case.clients.len());
    if given != wanted {
        let message = format!("{given} lists of replies for {wanted} clients");
        found.push(path.clone(), message);
    }
    for (at, (replies, client)) in replies.iter().zip(&case.clients).enumerate() {
        let path = path.then(at);
        let (given, wanted) = (replies.len(), client.requests.len());
        if given != wanted {
            let message = format!("{given} replies for the {wanted} requests of clients[{at}]");
            found.push(path.clone(), message);
        }
        check_each(replies, &path, found);
    }
}

fn check_each(expected: &[Expected], path: &Path, found: &mut Findings) {
    for (at, expected) in expected.iter().enumerate() {
        check_expected(expected, &path.then(at), found);
    }
}

fn check_expected(expected: &Expected, path: &Path, found: &mut Findings) {
    match expected {
        Expected::Any(choices) if choices.is_empty() => {
            found.push(path.then("any"), "no reply at all is allowed");
        }
        Expected::Any(items) => check_each(items, &path.then("any"), found),
        Expected::Array(items) => check_each(items, path, found),
        Expected::Error(code) if ErrorCode::parse(code).is_none() => {
            let known: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.text()).collect();
            let known = known.join(", ");
            let message = format!("there is no error code {code:?}; there are {known}");
            found.push(path.then("error"), message);
        }
        _ => {}
    }
}

fn is_store_value(expected: &Expected) -> bool {
    match expected {
        Expected::Text(_) | Expected::Null | Expected::Anything => true,
        Expected::Any(choices) => !choices.is_empty() && choices.iter().all(is_store_value),
        _ => false,
    }
}
