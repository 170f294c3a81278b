//! What one replica says of itself, in one round of questions.

use crate::replicas::head::Head;
use crate::replicas::status::Status;
use crate::text::printable;
use holdback::wire::value::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// One round of questions, to be sent in one go. `digest_at` is the position at which the replicas' digests
/// are to be compared.
pub(super) fn questions(digest_at: Option<u64>) -> Vec<Vec<String>> {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect();
    let mut questions: Vec<Vec<String>> =
        ["STATUS", "INFO stats holdback", "HOLDBACK 1", "FAULT LIST"]
            .map(words)
            .into();
    questions.extend(digest_at.map(|position| words(&format!("DIGEST {position}"))));
    questions
}

/// A replica's answers.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// When they came.
    pub(super) at: Instant,
    /// How many questions there were.
    pub(super) questions: u64,
    pub(super) model: String,
    /// Why it serves no data, if it does not.
    pub(super) unready: Option<String>,
    pub(super) position: u64,
    /// Of the order up to `position`; in the eventual model of the data.
    pub(super) digest: String,
    /// At a position that all replicas have reached.
    pub(super) digest_at: Option<(u64, String)>,
    /// Entries held back.
    pub(super) held: u64,
    /// How long the first of them has waited.
    pub(super) oldest: Duration,
    pub(super) head: Option<Head>,
    pub(super) keys: u64,
    pub(super) memory: u64,
    /// Commands since the start.
    pub(super) commands: u64,
    /// Frames from and to peers since the start.
    pub(super) frames: u64,
    /// What half, and 99 of 100, of the commands took at most; none if there were none lately.
    pub(super) latency: Option<[Duration; 2]>,
    /// By the peer's id.
    pub(super) links: BTreeMap<usize, Link>,
    pub(super) faults_allowed: bool,
}

/// One end of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// As STATUS says: `up`, `down`, `cut`, `silent 2.1s`, `refused (why)`.
    pub(super) state: String,
    pub(super) round_trip: Option<Duration>,
    /// Bytes that the network has not taken.
    pub(super) unsent: u64,
    /// The least and the longest time for which FAULT DELAY holds what goes to the peer.
    pub(super) delay: Option<[Duration; 2]>,
}

impl Report {
    /// Understands the answers to [`questions`].
    ///
    /// # Errors
    /// Why they are none of a replica's, for a person.
    pub(super) fn of(
        answers: &[Value],
        digest_at: Option<u64>,
        at: Instant,
    ) -> Result<Self, String> {
        let [status, info, holdback, faults, digest @ ..] = answers else {
            return Err("it did not answer everything".to_owned());
        };
        let Value::Bulk(status) = status else {
            return Err("it does not know STATUS: is it a replica?".to_owned());
        };
        let status = Status::parse(status);
        let info = match info {
            Value::Bulk(info) => Status::parse(info),
            _ => Status::default(),
        };
        let text = |name| status.get(name).unwrap_or_default().to_owned();
        let model = text("consistency");
        let ready = text("ready");
        let path = match model.as_str() {
            "eventual" => "local",
            _ => "ordered",
        };
        Ok(Self {
            at,
            questions: answers.len() as u64,
            model,
            unready: (ready != "yes").then(|| without_no(&ready).to_owned()),
            position: status.number("position"),
            digest: text("digest"),
            digest_at: digest_at.zip(digest.first().and_then(|answer| texts(answer).pop())),
            held: status.number("holdback"),
            oldest: Duration::from_millis(status.number("oldest_wait_ms")),
            head: Head::of(holdback),
            keys: status.number("keys"),
            memory: status.number("memory"),
            commands: info.number("total_commands_processed"),
            frames: info.number("frames_sent") + info.number("frames_received"),
            latency: latency(&info, path),
            links: links(&status, faults),
            faults_allowed: matches!(faults, Value::Array(_)),
        })
    }
}

/// `no (refused: why)` without what need not be said.
fn without_no(ready: &str) -> &str {
    let reason = ready
        .strip_prefix("no (")
        .and_then(|reason| reason.strip_suffix(')'));
    reason.unwrap_or(ready)
}

fn latency(info: &Status, path: &str) -> Option<[Duration; 2]> {
    let micros = |share| info.number(&format!("{path}_{share}_us"));
    let (p50, p99) = (micros("p50"), micros("p99"));
    (p99 > 0).then(|| [p50, p99].map(Duration::from_micros))
}

fn links(status: &Status, faults: &Value) -> BTreeMap<usize, Link> {
    let states = status.fields().filter_map(|(name, state)| {
        let peer = name.strip_prefix("link.")?;
        let round_trip = status.get(&format!("rtt_us.{peer}"));
        let link = Link {
            state: printable(state),
            round_trip: round_trip
                .and_then(|micros| micros.parse().ok())
                .map(Duration::from_micros),
            unsent: status.number(&format!("unsent.{peer}")),
            delay: None,
        };
        Some((peer.parse().ok()?, link))
    });
    let mut links: BTreeMap<usize, Link> = states.collect();
    for fault in texts(faults) {
        let words: Vec<_> = fault.split(' ').collect();
        let ["DELAY", peer, least, longest] = words[..] else {
            continue;
        };
        let link = peer.parse().ok().and_then(|peer| links.get_mut(&peer));
        if let (Some(link), Ok(least), Ok(longest)) = (link, least.parse(), longest.parse()) {
            link.delay = Some([least, longest].map(Duration::from_millis));
        }
    }
    links
}

fn texts(value: &Value) -> Vec<String> {
    let Value::Array(items) = value else {
        return Vec::new();
    };
    let text = |item: &Value| match item {
        Value::Bulk(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdback_client::clock::now;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.as_bytes().to_vec())
    }

    #[test]
    fn the_answers_of_a_replica_are_understood() {
        let status = "id:1\r\nconsistency:sequential\r\nready:yes\r\nposition:17\r\ndigest:ab\r\n\
            holdback:2\r\noldest_wait_ms:1200\r\nkeys:3\r\nmemory:900\r\nlink.2:up\r\nrtt_us.2:310\r\n\
            unsent.2:0\r\nlink.3:silent 2.1s\r\n";
        let info = "total_commands_processed:40\r\nframes_sent:7\r\nframes_received:5\r\n\
            ordered_p50_us:300\r\nordered_p99_us:900\r\nlocal_p99_us:1\r\n";
        let answers = [
            bulk(status),
            bulk(info),
            Value::Array(vec![bulk("18.2 waits:3 SET b \"a b\"")]),
            Value::Array(vec![bulk("DELAY 2 100 200")]),
            Value::Array(vec![Value::Integer(16), bulk("cd")]),
        ];
        let report = Report::of(&answers, Some(16), now()).unwrap();
        assert_eq!((report.position, report.held, report.frames), (17, 2, 12));
        assert_eq!(report.digest_at, Some((16, "cd".to_owned())));
        assert_eq!(report.latency, Some([300, 900].map(Duration::from_micros)));
        assert_eq!(
            report.head,
            Some(Head {
                stamp: "18.2".to_owned(),
                origin: 2,
                waits_for: vec![3],
                command: "SET b \"a b\"".to_owned(),
            })
        );
        assert_eq!(
            report.links[&2],
            Link {
                state: "up".to_owned(),
                round_trip: Some(Duration::from_micros(310)),
                unsent: 0,
                delay: Some([100, 200].map(Duration::from_millis)),
            }
        );
        assert_eq!(report.links[&3].state, "silent 2.1s");
        assert!(report.faults_allowed && report.unready.is_none());
    }

    #[test]
    fn errors_are_no_answers() {
        let refused = || Value::Error("NOPERM faults are not allowed".to_owned());
        let status = bulk("consistency:eventual\r\nready:no (refused: restarted)\r\n");
        let answers = [status, refused(), refused(), refused(), refused()];
        let report = Report::of(&answers, Some(1), now()).unwrap();
        assert!(!report.faults_allowed && report.head.is_none() && report.digest_at.is_none());
        assert_eq!(report.unready.as_deref(), Some("refused: restarted"));
        assert!(Report::of(&[refused(), refused(), refused(), refused()], None, now()).is_err());
    }
}
