//! Numbers as a person reads them, in few columns.

use std::time::Duration;

/// A size, as in `1.5M`.
pub(crate) fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, 1024.0, &["B", "K", "M", "G", "T"])
}

/// A count or a rate, as in `12.3k`; up to 9999 as it is.
pub(crate) fn count(count: f64) -> String {
    if count < 10_000.0 {
        return format!("{count:.0}");
    }
    scaled(count, 1000.0, &["", "k", "M", "G", "T"])
}

fn scaled(mut number: f64, step: f64, units: &[&str]) -> String {
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for larger in units {
        // 999.95 would be printed as 1000.0.
        if number < step - 0.05 {
            break;
        }
        number /= step;
        unit = larger;
    }
    if unit.is_empty() || unit == "B" {
        format!("{number:.0}{unit}")
    } else {
        format!("{number:.1}{unit}")
    }
}

/// A time, as in `0.31ms`, `12ms`, `3.2s` or `5m10s`.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_millis() {
        0..10 => format!("{:.2}ms", seconds * 1000.0),
        10..1000 => format!("{:.0}ms", seconds * 1000.0),
        1000..100_000 => format!("{seconds:.1}s"),
        _ => format!("{}m{:02}s", time.as_secs() / 60, time.as_secs() % 60),
    }
}

/// Milliseconds with three decimals, for programs.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_columns_are_enough() {
        for (size, expected) in [
            (0, "0B"),
            (1023, "1023B"),
            (1536, "1.5K"),
            (10 << 20, "10.0M"),
            (5 << 40, "5.0T"),
        ] {
            assert_eq!(bytes(size), expected);
        }
        for (number, expected) in [
            (0.4, "0"),
            (9999.0, "9999"),
            (12_345.0, "12.3k"),
            (999_960.0, "1.0M"),
        ] {
            assert_eq!(count(number), expected);
        }
        for (micros, expected) in [
            (310, "0.31ms"),
            (12_400, "12ms"),
            (3_240_000, "3.2s"),
            (310_000_000, "5m10s"),
        ] {
            assert_eq!(time(Duration::from_micros(micros)), expected);
        }
    }
}
