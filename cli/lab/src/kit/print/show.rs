//! Values and times as text.

use holdback::wire::value::Value;
use std::time::Duration;

/// A string in double quotes, escaped as redis-cli does.
#[must_use]
pub fn bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    holdback::wire::inline::escape_into(bytes, &mut text);
    text
}

/// A reply on one line, as redis-cli prints it.
#[must_use]
pub fn reply(value: &Value) -> String {
    match value {
        Value::Simple(text) | Value::Double(text) => text.clone(),
        Value::Error(text) => format!("(error) {text}"),
        Value::Integer(number) => format!("(integer) {number}"),
        Value::Bulk(content) => bytes(content),
        Value::Null => "(nil)".into(),
        Value::Boolean(yes) => format!("({yes})"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(reply).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(pairs) => {
            let pair = |(key, value): &(Value, Value)| format!("{}: {}", reply(key), reply(value));
            let pairs: Vec<String> = pairs.iter().map(pair).collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

/// A length of time with about three digits.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.000_999_5 {
        format!("{:.0} us", seconds * 1e6)
    } else if seconds < 0.0995 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// A point in time from the start of the clients, in seconds.
#[must_use]
pub fn moment(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_about_three_digits() {
        for (microseconds, text) in [
            (0, "0 us"),
            (183, "183 us"),
            (999, "999 us"),
            (1_000, "1.0 ms"),
            (12_345, "12.3 ms"),
            (99_600, "100 ms"),
            (902_400, "902 ms"),
            (999_600, "1.00 s"),
            (2_003_000, "2.00 s"),
        ] {
            assert_eq!(duration(Duration::from_micros(microseconds)), text);
        }
    }

    #[test]
    fn replies_are_shown_on_one_line() {
        let value = Value::Array(vec![
            Value::Bulk(b"a\nb".to_vec()),
            Value::Null,
            Value::Integer(3),
        ]);
        assert_eq!(reply(&value), r#"["a\nb", (nil), (integer) 3]"#);
        assert_eq!(reply(&Value::Error("ERR no".into())), "(error) ERR no");
    }
}
