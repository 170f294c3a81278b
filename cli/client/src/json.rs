//! Bytes and replies as JSON, as the files of a run folder have them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use holdback::protocol::value;
use serde_json::{Value, json};

/// Bytes as a JSON string, or as `{"base64":"..."}` if they are not UTF-8.
#[must_use]
pub fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

/// The bytes of `{"base64":"..."}`, the form that [`bytes`] gives to what is not UTF-8.
#[must_use]
pub fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        value => STANDARD.decode(value.get("base64")?.as_str()?).ok(),
    }
}

/// A reply as JSON: strings, integers, null, arrays; an error as `{"error":"..."}`.
#[must_use]
pub fn reply(value: &value::Value) -> Value {
    match value {
        value::Value::Simple(text) | value::Value::Double(text) => Value::from(text.as_str()),
        value::Value::Error(text) => json!({ "error": text }),
        value::Value::Integer(number) => Value::from(*number),
        value::Value::Bulk(content) => bytes(content),
        value::Value::Null => Value::Null,
        value::Value::Boolean(yes) => Value::from(*yes),
        value::Value::Array(values) => values.iter().map(reply).collect(),
        value::Value::Map(pairs) => pairs
            .iter()
            .flat_map(|(key, value)| [reply(key), reply(value)])
            .collect(),
    }
}

/// Bytes as a JSON object's key, which has to be text: what is not UTF-8 is replaced.
#[must_use]
pub fn key(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_base64() {
        assert_eq!(bytes("grün".as_bytes()), json!("grün"));
        assert_eq!(bytes(b"\xff\0"), json!({"base64": "/wA="}));
    }
}
