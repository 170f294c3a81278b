//! The replica's program: read the command line, listen, serve.

use clap::Parser;
use holdback::settings::Settings;
use holdback::store::HashSecret;
use holdback_server::config::{Arguments, Config, Entropy, LogFormat, LogLevel};
use holdback_server::descriptors::Room;
use holdback_server::lines::{Lines, Place};
use holdback_server::net::{Ended, ServeError, serve};
use holdback_server::observe::Observer;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::level_filters::LevelFilter;

/// The command line is wrong.
const EXIT_USAGE: u8 = 64;
/// The address cannot be listened on, or a file not be written.
const EXIT_UNAVAILABLE: u8 = 69;
/// Ended by SIGINT.
const EXIT_INTERRUPTED: u8 = 130;
/// How long the end waits for the log, and for the trace, to be taken.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            drop(error.print());
            return if error.use_stderr() {
                EXIT_USAGE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match arguments.check(entropy()) {
        Ok(config) => run(&arguments, config),
        Err(what) => fail(EXIT_USAGE, &what),
    }
}

fn run(arguments: &Arguments, mut config: Config) -> ExitCode {
    let log = match begin_log(arguments) {
        Ok(log) => log,
        Err(what) => return fail(EXIT_UNAVAILABLE, &what),
    };
    let trace = match arguments.trace.as_deref().map(begin_trace).transpose() {
        Ok(trace) => trace,
        Err(error) => return fail(EXIT_UNAVAILABLE, &format!("--trace: {error}")),
    };
    if let Some(warning) = holdback::bugs::WARNING {
        tracing::warn!("{warning}");
    }
    tracing::info!("seed {}", config.settings.seed);
    let observer = Observer::new(config.settings.id, log.clone(), trace.clone());
    let ended = make_room(&mut config.settings)
        .map_err(ServeError::System)
        .and_then(|accepted_max| serve(config, accepted_max, observer));
    // The trace first: the log says what it lost.
    for lines in trace.iter().chain([&log]) {
        lines.finish(LAST_WORDS);
    }
    match ended {
        Ok(Ended::Stopped) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => EXIT_INTERRUPTED.into(),
        Err(ServeError::Bind(address, error)) => fail(
            EXIT_UNAVAILABLE,
            &format!("cannot listen on {address}: {error}"),
        ),
        Err(ServeError::System(error)) => fail(EXIT_UNAVAILABLE, &error.to_string()),
    }
}

/// Lowers what the limit of open files has no room for; how many connections may come in.
fn make_room(settings: &mut Settings) -> io::Result<usize> {
    let (limit, room) = Room::take(settings)?;
    if room.clients == 0 {
        let what = format!("the limit of {limit} open files is too low for links and a client");
        return Err(io::Error::other(what));
    }
    if room.clients < settings.clients_max {
        let (room, wanted) = (room.clients, settings.clients_max);
        tracing::warn!("the limit of {limit} open files has room for {room} clients, not {wanted}");
    }
    (settings.clients_max, settings.surplus_max) = (room.clients, room.surplus);
    settings.clients_possible = room.possible;
    Ok(room.accepted)
}

fn fail(code: u8, what: &str) -> ExitCode {
    // Nobody may be left to read it, and the exit code says enough.
    drop(writeln!(io::stderr(), "holdback-server: {what}"));
    code.into()
}

fn begin_log(arguments: &Arguments) -> Result<Lines, String> {
    let level = match arguments.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let place = match &arguments.log_file {
        None => Place::standard_error().map_err(|error| format!("standard error: {error}"))?,
        Some(path) => {
            Place::log(path).map_err(|error| format!("--log-file {}: {error}", path.display()))?
        }
    };
    let tell = |lost, reason: &str| tracing::warn!("{lost} lines were lost: {reason}");
    let lines = Lines::start("log", place, tell).map_err(|error| format!("the log: {error}"))?;
    let writer = lines.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(false)
        .log_internal_errors(false)
        .with_writer(move || writer.clone());
    match arguments.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(lines)
}

fn begin_trace(path: &Path) -> io::Result<Lines> {
    let tell = |lost, reason: &str| tracing::warn!("{lost} lines of the trace were lost: {reason}");
    Lines::start("trace", Place::trace(path)?, tell)
}

/// What differs from start to start.
#[allow(
    clippy::disallowed_methods,
    reason = "the edge of the core: time and randomness come from here"
)]
fn entropy() -> Entropy {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    // Its keys are random bits of the system's, and without them none of its hashes tells anything of another.
    let system = RandomState::new();
    let random = |number: u8| system.hash_one(number);
    Entropy {
        wall: wall.unwrap_or_default(),
        start: random(3),
        seed: random(0) >> 1,
        hash_secret: HashSecret::new([random(1), random(2)]),
    }
}
