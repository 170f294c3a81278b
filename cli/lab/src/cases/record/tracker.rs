//! Which operations the requests of one client are.

use crate::cases::case::Request;
use crate::cases::clients::Exchange;
use crate::history::Call;
use holdback::command::{Kind, lookup};
use holdback::wire::value::Value;

/// What following one more request found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// An operation that is complete with this request.
    pub(super) call: Option<Call>,
    /// Commands that the format cannot say.
    pub(super) left_out: usize,
}

impl Found {
    fn of(call: Option<Call>, counts: bool) -> Self {
        let left_out = usize::from(call.is_none() && counts);
        Self { call, left_out }
    }
}

/// Follows one client through its requests: between MULTI and EXEC commands are queued, and together
/// they are one operation.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// Inside MULTI, the commands queued.
    queued: Option<Vec<Vec<String>>>,
}

impl Tracker {
    pub(super) fn track(&mut self, request: &Request, exchange: &Exchange) -> Found {
        let words = std::iter::once(&request.op).chain(&request.args);
        let command: Vec<String> = words.cloned().collect();
        let name = request.op.to_ascii_lowercase();
        let refused = matches!(exchange.outcome, Ok(Value::Error(_)));
        match (name.as_str(), &mut self.queued) {
            ("multi", queued) => {
                if !refused {
                    *queued = Some(Vec::new());
                }
                Found::default()
            }
            ("discard", queued) => {
                *queued = None;
                Found::default()
            }
            ("exec", queued) => match queued.take() {
                Some(commands) => Found::of(Call::transaction(&commands), true),
                None => Found::default(),
            },
            ("watch" | "unwatch", _) => Found::default(),
            (_, Some(queued)) => {
                if !refused {
                    queued.push(command);
                }
                Found::default()
            }
            (_, None) => Found::of(Call::of_command(&command), touches_data(&name)),
        }
    }
}

fn touches_data(name: &str) -> bool {
    lookup(name.as_bytes()).is_some_and(|spec| matches!(spec.kind, Kind::Read | Kind::Write))
}
