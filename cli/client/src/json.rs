//! Bytes and replies as JSON, as the files of a run folder have them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use holdback::wire::value;
use serde_json::{Map, Number, Value, json};

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

/// A reply as JSON. An error is `{"error":"..."}`, what is not UTF-8 `{"base64":"..."}`.
#[must_use]
pub fn reply(value: &value::Value) -> Value {
    match value {
        value::Value::Simple(text) => Value::from(text.as_str()),
        value::Value::Error(text) => json!({ "error": text }),
        value::Value::Integer(number) => Value::from(*number),
        value::Value::Double(text) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            number.map_or_else(|| Value::from(text.as_str()), Value::Number)
        }
        value::Value::Boolean(truth) => Value::from(*truth),
        value::Value::Null => Value::Null,
        value::Value::Bulk(content) => bytes(content),
        value::Value::Array(values) => values.iter().map(reply).collect(),
        value::Value::Map(pairs) => map(pairs),
    }
}

/// An object, or an array of pairs if a key is no text.
fn map(pairs: &[(value::Value, value::Value)]) -> Value {
    let member = |(key, value): &(value::Value, value::Value)| {
        let key = match key {
            value::Value::Simple(text) => text.clone(),
            value::Value::Bulk(bytes) => String::from_utf8(bytes.clone()).ok()?,
            value::Value::Integer(number) => number.to_string(),
            _ => return None,
        };
        Some((key, reply(value)))
    };
    let pair = |(key, value): &(value::Value, value::Value)| json!([reply(key), reply(value)]);
    let members: Option<Map<String, Value>> = pairs.iter().map(member).collect();
    members.map_or_else(|| pairs.iter().map(pair).collect(), Value::Object)
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

    #[test]
    fn every_kind_of_reply_is_json() {
        let bulk = |bytes: &[u8]| value::Value::Bulk(bytes.to_vec());
        let value = value::Value::Array(vec![
            value::Value::Simple("OK".into()),
            bulk("grün".as_bytes()),
            bulk(b"\xff\0"),
            value::Value::Integer(3),
            value::Value::Null,
            value::Value::Error("ERR no".into()),
            value::Value::Double("1.5".into()),
            value::Value::Double("inf".into()),
            value::Value::Boolean(true),
            value::Value::Map(vec![(bulk(b"k"), value::Value::Null)]),
            value::Value::Map(vec![(bulk(b"\xff"), value::Value::Integer(1))]),
        ]);
        assert_eq!(
            reply(&value).to_string(),
            r#"["OK","grün",{"base64":"/wA="},3,null,{"error":"ERR no"},1.5,"inf",true,{"k":null},[[{"base64":"/w=="},1]]]"#
        );
    }
}
