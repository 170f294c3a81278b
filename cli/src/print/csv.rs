//! Replies as comma-separated values (RFC 4180), a record each.

use holdback::wire::value::Value;

/// A reply as one record. Strings stand in double quotes, so that numbers, `NULL` and `ERROR` can be told
/// from them; what is nested stands in a row.
pub(crate) fn csv(value: &Value) -> Vec<u8> {
    let mut record = Vec::new();
    write(value, &mut record);
    record
}

/// A field for text.
pub(crate) fn field(text: &[u8], record: &mut Vec<u8>) {
    separate(record);
    record.push(b'"');
    for &byte in text {
        record.push(byte);
        if byte == b'"' {
            record.push(byte);
        }
    }
    record.push(b'"');
}

/// A field for what needs no quotes.
pub(crate) fn bare(text: &str, record: &mut Vec<u8>) {
    separate(record);
    record.extend_from_slice(text.as_bytes());
}

fn separate(record: &mut Vec<u8>) {
    if !record.is_empty() {
        record.push(b',');
    }
}

fn write(value: &Value, record: &mut Vec<u8>) {
    match value {
        Value::Simple(text) => field(text.as_bytes(), record),
        Value::Bulk(bytes) => field(bytes, record),
        Value::Error(text) => {
            bare("ERROR", record);
            field(text.as_bytes(), record);
        }
        Value::Integer(number) => bare(&number.to_string(), record),
        Value::Double(number) => bare(number, record),
        Value::Boolean(truth) => bare(if *truth { "true" } else { "false" }, record),
        Value::Null => bare("NULL", record),
        Value::Array(values) => values.iter().for_each(|value| write(value, record)),
        Value::Map(pairs) => {
            for (key, value) in pairs {
                write(key, record);
                write(value, record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_reply() {
        let value = Value::Array(vec![
            Value::Bulk(b"say \"a,b\"\n".to_vec()),
            Value::Integer(-3),
            Value::Array(vec![Value::Null, Value::Simple("OK".into())]),
            Value::Error("ERR no".into()),
            Value::Map(vec![(Value::Boolean(true), Value::Double("1.5".into()))]),
        ]);
        let record = String::from_utf8(csv(&value)).unwrap();
        assert_eq!(
            record,
            "\"say \"\"a,b\"\"\n\",-3,NULL,\"OK\",ERROR,\"ERR no\",true,1.5"
        );
    }
}
