//! Bytes and replies as JSON, as the files of a run folder have them.

use crate::resp;
use serde_json::{Value, json};

/// Bytes as a JSON string, or as `{"base64":"..."}` if they are not UTF-8.
#[must_use]
pub fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "base64": base64(bytes) }),
    }
}

/// A reply as JSON: strings, integers, null, arrays; an error as `{"error":"..."}`.
#[must_use]
pub fn reply(value: &resp::Value) -> Value {
    match value {
        resp::Value::Simple(text) | resp::Value::Double(text) => Value::from(text.as_str()),
        resp::Value::Error(text) => json!({ "error": text }),
        resp::Value::Integer(number) => Value::from(*number),
        resp::Value::Bulk(content) => bytes(content),
        resp::Value::Null => Value::Null,
        resp::Value::Boolean(yes) => Value::from(*yes),
        resp::Value::Array(values) => values.iter().map(reply).collect(),
        resp::Value::Map(pairs) => pairs
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

/// Standard base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for piece in bytes.chunks(3) {
        let byte = |n: usize| u32::from(piece.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit <= piece.len() {
                let index = bits >> (18 - 6 * digit) & 63;
                text.push(char::from(DIGITS[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standard_one() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(bytes(b"\xff\xfe"), json!({"base64": "//4="}));
        assert_eq!(bytes("é".as_bytes()), json!("é"));
    }
}
