//! Which operation of the history format a command is.

use crate::lab::case::Request;
use crate::lab::clients::{Exchange, Outcome};
use crate::lab::json;
use crate::resp::Value;
use serde_json::{Map, Value as Json};
use std::time::Duration;

/// One operation, as its invocation describes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) f: &'static str,
    pub(super) key: Option<Json>,
    pub(super) value: Json,
}

impl Operation {
    /// The operation that a command is, if the format has it.
    pub(super) fn of(command: &[String]) -> Option<Self> {
        let (name, arguments) = command.split_first()?;
        let name = name.to_ascii_lowercase();
        let keyed = |f, key: &str, value| {
            Some(Self {
                f,
                key: Some(Json::from(key)),
                value,
            })
        };
        let text = |value: &String| Json::from(value.as_str());
        match (name.as_str(), arguments) {
            ("get", [key]) => keyed("get", key, Json::Null),
            ("set", [key, value]) => keyed("set", key, text(value)),
            ("set", [key, value, option]) if option.eq_ignore_ascii_case("nx") => {
                keyed("setnx", key, text(value))
            }
            ("set", [key, value, option]) if option.eq_ignore_ascii_case("get") => {
                keyed("getset", key, text(value))
            }
            ("setnx", [key, value]) => keyed("setnx", key, text(value)),
            ("getset", [key, value]) => keyed("getset", key, text(value)),
            ("cas", [key, old, new]) => {
                keyed("cas", key, [old, new].into_iter().map(text).collect())
            }
            ("incr", [key]) => keyed("incr", key, Json::Null),
            ("append", [key, value]) => keyed("append", key, text(value)),
            ("del", [key]) => keyed("del", key, Json::Null),
            ("mget", keys) => Some(Self {
                f: "mget",
                key: None,
                value: keys.iter().map(text).collect(),
            }),
            ("mset", pairs) if pairs.len() % 2 == 0 => Some(Self {
                f: "mset",
                key: None,
                value: Json::Object(
                    pairs
                        .chunks_exact(2)
                        .map(|pair| (pair[0].clone(), text(&pair[1])))
                        .collect::<Map<String, Json>>(),
                ),
            }),
            _ => None,
        }
    }

    /// Fills in what a reply adds: the value of a read, the result of others.
    pub(super) fn complete(&self, reply: &Value, value: &mut Json, result: &mut Option<Json>) {
        match self.f {
            "get" => *value = json::reply(reply),
            "set" | "mset" => {}
            "txn" => *result = Some(transaction_results(&self.value, reply)),
            _ => *result = Some(single_result(self.f, reply)),
        }
    }

    /// Whether a reply that is no error says that nothing was done: EXEC after a watched key changed.
    pub(super) fn was_refused(&self, reply: &Value) -> bool {
        self.f == "txn" && *reply == Value::Null
    }
}

/// What the format has for a reply: `setnx`, `cas` and `del` say whether they did it.
fn single_result(f: &str, reply: &Value) -> Json {
    match (f, reply) {
        ("setnx", Value::Simple(_)) => Json::from(true),
        ("setnx", Value::Null) => Json::from(false),
        ("setnx" | "cas" | "del", Value::Integer(done)) => Json::from(*done > 0),
        _ => json::reply(reply),
    }
}

fn transaction_results(commands: &Json, reply: &Value) -> Json {
    let (Json::Array(commands), Value::Array(replies)) = (commands, reply) else {
        return json::reply(reply);
    };
    let results = commands.iter().zip(replies).map(|(command, reply)| {
        let f = command.get(0).and_then(Json::as_str).unwrap_or_default();
        single_result(f, reply)
    });
    results.collect()
}

/// What following one more request found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// An operation and when it was sent.
    pub(super) operation: Option<(Operation, Duration)>,
    /// Commands that the format cannot say.
    pub(super) left_out: usize,
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
        let command: Vec<String> = std::iter::once(&request.op)
            .chain(&request.args)
            .cloned()
            .collect();
        let name = request.op.to_ascii_lowercase();
        let refused = matches!(exchange.outcome, Outcome::Reply(Value::Error(_)));
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
                Some(commands) => Self::transaction(&commands, exchange),
                None => Found::default(),
            },
            ("watch" | "unwatch", _) => Found::default(),
            (_, Some(queued)) => {
                if !refused {
                    queued.push(command);
                }
                Found::default()
            }
            (_, None) => match Operation::of(&command) {
                Some(operation) => Found {
                    operation: Some((operation, exchange.sent)),
                    left_out: 0,
                },
                None => Found {
                    operation: None,
                    left_out: usize::from(touches_data(&name)),
                },
            },
        }
    }

    fn transaction(commands: &[Vec<String>], exchange: &Exchange) -> Found {
        if !commands
            .iter()
            .all(|command| Operation::of(command).is_some())
        {
            return Found {
                operation: None,
                left_out: 1,
            };
        }
        let lower = |(at, word): (usize, &String)| {
            Json::from(if at == 0 {
                word.to_ascii_lowercase()
            } else {
                word.clone()
            })
        };
        let words = |command: &Vec<String>| command.iter().enumerate().map(lower).collect::<Json>();
        let operation = Operation {
            f: "txn",
            key: None,
            value: commands.iter().map(words).collect(),
        };
        Found {
            operation: Some((operation, exchange.sent)),
            left_out: 0,
        }
    }
}

fn touches_data(name: &str) -> bool {
    use holdback::protocol::command::{Kind, lookup};
    lookup(name.as_bytes()).is_some_and(|spec| matches!(spec.kind, Kind::Read | Kind::Write))
}
