//! What a case expects of a reply or of a value in the store.

use holdback::wire::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::fmt;

/// An expected value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Json", into = "Json")]
pub enum Expected {
    /// A string, whether it comes as `+OK` or as a bulk string.
    Text(String),
    /// An integer reply.
    Integer(i64),
    /// The null reply; in the store, an absent key.
    Null,
    /// An array reply.
    Array(Vec<Expected>),
    /// `{"error":"CODE"}`: an error reply with this code.
    Error(String),
    /// `{"any":[...]}`: any one of these.
    Any(Vec<Expected>),
    /// `{"anything":true}`: any reply but an error.
    Anything,
}

impl Expected {
    /// Whether a reply is what was expected.
    #[must_use]
    pub fn accepts(&self, reply: &Value) -> bool {
        match (self, reply) {
            (Self::Anything, reply) => !matches!(reply, Value::Error(_)),
            (Self::Any(choices), reply) => choices.iter().any(|choice| choice.accepts(reply)),
            (Self::Text(text), Value::Simple(found)) => text == found,
            (Self::Text(text), Value::Bulk(found)) => text.as_bytes() == found,
            (Self::Integer(number), Value::Integer(found)) => number == found,
            (Self::Null, Value::Null) => true,
            (Self::Error(code), Value::Error(found)) => found.split(' ').next() == Some(code),
            (Self::Array(items), Value::Array(found)) => {
                items.len() == found.len()
                    && items
                        .iter()
                        .zip(found)
                        .all(|(item, found)| item.accepts(found))
            }
            _ => false,
        }
    }
}

impl TryFrom<Json> for Expected {
    type Error = String;

    fn try_from(json: Json) -> Result<Self, String> {
        let list = |items: Vec<Json>| -> Result<Vec<Self>, String> {
            items.into_iter().map(Self::try_from).collect()
        };
        match json {
            Json::String(text) => Ok(Self::Text(text)),
            Json::Null => Ok(Self::Null),
            Json::Array(items) => Ok(Self::Array(list(items)?)),
            Json::Number(number) => number
                .as_i64()
                .map(Self::Integer)
                .ok_or_else(|| format!("{number} is not an integer; replies have no fractions")),
            Json::Bool(_) => Err("a reply is never true or false; Redis answers 1 or 0".into()),
            Json::Object(ref fields) => {
                let only = fields.iter().next().filter(|_| fields.len() == 1);
                match only.map(|(name, value)| (name.as_str(), value)) {
                    Some(("any", Json::Array(items))) => Ok(Self::Any(list(items.clone())?)),
                    Some(("error", Json::String(code))) => Ok(Self::Error(code.clone())),
                    Some(("anything", Json::Bool(true))) => Ok(Self::Anything),
                    _ => Err(format!(
                        "{json} is none of {{\"any\":[...]}}, {{\"error\":\"CODE\"}} and {{\"anything\":true}}"
                    )),
                }
            }
        }
    }
}

impl From<Expected> for Json {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::Text(text) => text.into(),
            Expected::Integer(number) => number.into(),
            Expected::Null => Self::Null,
            Expected::Array(items) => items.into(),
            Expected::Error(code) => json!({ "error": code }),
            Expected::Any(choices) => json!({ "any": choices }),
            Expected::Anything => json!({ "anything": true }),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Self], between: &str| {
            for (at, item) in items.iter().enumerate() {
                f.write_str(if at == 0 { "" } else { between })?;
                item.fmt(f)?;
            }
            Ok(())
        };
        match self {
            Self::Text(text) => {
                let mut line = String::new();
                holdback::wire::inline::escape_into(text.as_bytes(), &mut line);
                f.write_str(&line)
            }
            Self::Integer(number) => write!(f, "(integer) {number}"),
            Self::Null => f.write_str("(nil)"),
            Self::Error(code) => write!(f, "(error) {code}"),
            Self::Anything => f.write_str("anything but an error"),
            Self::Any(choices) => list(f, choices, " or "),
            Self::Array(items) => {
                f.write_str("[")?;
                list(f, items, ", ")?;
                f.write_str("]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(json: &str) -> Expected {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn each_form_accepts_its_replies_and_no_others() {
        let ok = Value::Simple("OK".into());
        let bulk = |text: &str| Value::Bulk(text.into());
        let replies = [
            ok,
            bulk("1"),
            Value::Integer(1),
            Value::Null,
            Value::Array(vec![bulk("a"), Value::Null]),
            Value::Error("TIMEOUT too late".into()),
        ];
        for (json, accepted) in [
            (r#""OK""#, &[0][..]),
            (r#""1""#, &[1]),
            ("1", &[2]),
            ("null", &[3]),
            (r#"["a",null]"#, &[4]),
            (r#"[{"anything":true},{"any":[null,"b"]}]"#, &[4]),
            (r#"["a"]"#, &[]),
            (r#"{"error":"TIMEOUT"}"#, &[5]),
            (r#"{"error":"TIME"}"#, &[]),
            (r#"{"any":["1",null]}"#, &[1, 3]),
            (r#"{"anything":true}"#, &[0, 1, 2, 3, 4]),
        ] {
            let expected = expected(json);
            let found: Vec<usize> = (0..replies.len())
                .filter(|&at| expected.accepts(&replies[at]))
                .collect();
            assert_eq!(found, accepted, "{json}");
            let written = serde_json::to_string(&expected).unwrap();
            assert_eq!(written, json, "written back");
        }
    }

    #[test]
    fn other_json_is_refused() {
        for json in ["1.5", "true", r#"{"some":[]}"#, r#"{"any":"x"}"#, "{}"] {
            assert!(serde_json::from_str::<Expected>(json).is_err(), "{json}");
        }
    }
}
