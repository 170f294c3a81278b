//! Replies as JSON.

use holdback::protocol::value::Value;
use holdback_client::json::bytes;
use serde_json::{Map, Number, Value as Json, json};

/// A reply as JSON. An error is `{"error":"..."}`, what is not UTF-8 `{"base64":"..."}`.
pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::Simple(text) => Json::from(text.as_str()),
        Value::Error(text) => json!({ "error": text }),
        Value::Integer(number) => Json::from(*number),
        Value::Double(text) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            number.map_or_else(|| Json::from(text.as_str()), Json::Number)
        }
        Value::Boolean(truth) => Json::from(*truth),
        Value::Null => Json::Null,
        Value::Bulk(content) => bytes(content),
        Value::Array(values) => values.iter().map(json).collect(),
        Value::Map(pairs) => map(pairs),
    }
}

/// An object, or an array of pairs if a key is no text.
fn map(pairs: &[(Value, Value)]) -> Json {
    let mut object = Map::new();
    for (key, value) in pairs {
        let key = match key {
            Value::Simple(text) => Some(text.clone()),
            Value::Bulk(bytes) => String::from_utf8(bytes.clone()).ok(),
            Value::Integer(number) => Some(number.to_string()),
            _ => None,
        };
        match key {
            Some(key) => object.insert(key, json(value)),
            None => {
                let pair = |(key, value)| json!([json(key), json(value)]);
                return pairs
                    .iter()
                    .map(|(key, value)| pair((key, value)))
                    .collect();
            }
        };
    }
    Json::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_reply() {
        let bulk = |bytes: &[u8]| Value::Bulk(bytes.to_vec());
        let value = Value::Array(vec![
            Value::Simple("OK".into()),
            bulk("grün".as_bytes()),
            bulk(b"\xff\0"),
            Value::Integer(3),
            Value::Null,
            Value::Error("ERR no".into()),
            Value::Double("1.5".into()),
            Value::Double("inf".into()),
            Value::Boolean(true),
            Value::Map(vec![(bulk(b"k"), Value::Null)]),
            Value::Map(vec![(bulk(b"\xff"), Value::Integer(1))]),
        ]);
        assert_eq!(
            json(&value).to_string(),
            r#"["OK","grün",{"base64":"/wA="},3,null,{"error":"ERR no"},1.5,"inf",true,{"k":null},[[{"base64":"/w=="},1]]]"#
        );
    }
}
