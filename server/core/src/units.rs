//! Durations and sizes as people write them.

use std::time::Duration;

/// Parses `5`, `2.5s`, `500ms` or `1m`.
///
/// # Errors
/// What a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("'{unit}' is not a unit of time (ms, s, m, h)")),
    };
    let seconds: f64 = number
        .parse()
        .map_err(|_| format!("'{text}' is not a duration"))?;
    Duration::try_from_secs_f64(seconds * factor)
        .ok()
        .filter(|duration| *duration <= Duration::from_secs(86_400 * 365))
        .ok_or_else(|| format!("'{text}' is out of range"))
}

/// Parses `1048576`, `64kb`, `64mb` or `1gb`; units are powers of 1024.
///
/// # Errors
/// What a size looks like.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(format!("'{unit}' is not a unit of size (kb, mb, gb)")),
    };
    let number: usize = number
        .parse()
        .map_err(|_| format!("'{text}' is not a size"))?;
    number
        .checked_mul(factor)
        .ok_or_else(|| format!("'{text}' is out of range"))
}
