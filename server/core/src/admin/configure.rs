//! CONFIG: this replica's settings by name, ours and those that Redis tools ask for.

use super::SlowLog;
use crate::command::subcommands::{subcommand_help, wrong_subcommand};
use crate::settings::Settings;
use crate::store::{Answer, glob_matches};
use crate::units::parse_bytes;
use crate::wire::arguments::{parse_integer, parse_unsigned};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;
use std::time::Duration;

/// What can be configured.
pub(crate) struct Configured<'a> {
    pub(crate) settings: &'a mut Settings,
    pub(crate) slow_log: &'a mut SlowLog,
}

/// Changes a setting; the error says what it takes.
type Change = fn(&mut Configured<'_>, &[u8]) -> Result<(), String>;

/// One name that CONFIG knows.
struct Setting {
    name: &'static str,
    get: fn(&Configured<'_>) -> String,
    /// `None` if it cannot be changed while the replica runs.
    set: Option<Change>,
}

const fn fixed(name: &'static str, get: fn(&Configured<'_>) -> String) -> Setting {
    Setting {
        name,
        get,
        set: None,
    }
}

const fn changeable(
    name: &'static str,
    get: fn(&Configured<'_>) -> String,
    set: Change,
) -> Setting {
    Setting {
        name,
        get,
        set: Some(set),
    }
}

/// Every setting, sorted by name. Times are in milliseconds (as in Redis the slow log's are in microseconds, and the
/// timeout in seconds), sizes in bytes.
const SETTINGS: &[Setting] = &[
    fixed("allow-faults", |r| yes_no(r.settings.allow_faults)),
    fixed("appendonly", |_| "no".into()),
    fixed("bind", |r| own_address(r).0),
    fixed("cluster", |r| r.settings.cluster.join(",")),
    fixed("cluster-enabled", |_| "no".into()),
    fixed("consistency", |r| r.settings.consistency.to_string()),
    fixed("databases", |_| "1".into()),
    fixed("id", |r| r.settings.id.to_string()),
    changeable(
        "link-timeout",
        |r| millis(r.settings.link_timeout),
        |r, value| {
            r.settings.link_timeout = positive_millis(value)?;
            r.settings.heartbeat = Settings::heartbeat_for(r.settings.link_timeout);
            Ok(())
        },
    ),
    changeable("max-clients", clients_max, set_clients_max),
    changeable("max-clients-memory", clients_memory, set_clients_memory),
    fixed("max-key", |r| r.settings.limits.key_bytes.to_string()),
    changeable(
        "max-memory",
        |r| r.settings.memory_bytes_max.to_string(),
        set_max_memory,
    ),
    changeable(
        "max-pending",
        |r| r.settings.pending_bytes_max.to_string(),
        |r, value| {
            r.settings.pending_bytes_max = count(value)?;
            Ok(())
        },
    ),
    changeable(
        "max-queue",
        |r| r.settings.queue_bytes_max.to_string(),
        |r, value| {
            r.settings.queue_bytes_max = count(value)?;
            Ok(())
        },
    ),
    fixed("max-value", |r| r.settings.limits.value_bytes.to_string()),
    changeable(
        "max-watches",
        |r| r.settings.watches_max.to_string(),
        |r, value| {
            r.settings.watches_max = count(value)?;
            Ok(())
        },
    ),
    changeable("maxclients", clients_max, set_clients_max),
    changeable(
        "maxmemory",
        |r| r.settings.memory_bytes_max.to_string(),
        set_max_memory,
    ),
    changeable("maxmemory-clients", clients_memory, set_clients_memory),
    fixed("maxmemory-policy", |_| "noeviction".into()),
    fixed("port", |r| own_address(r).1),
    fixed("proto-max-bulk-len", |r| {
        r.settings.limits.value_bytes.to_string()
    }),
    changeable(
        "request-timeout",
        |r| millis(r.settings.request_timeout),
        |r, value| {
            r.settings.request_timeout = positive_millis(value)?;
            Ok(())
        },
    ),
    fixed("save", |_| String::new()),
    fixed("seed", |r| r.settings.seed.to_string()),
    changeable("slowlog-log-slower-than", slow_threshold, |r, value| {
        let micros = parse_integer(value).ok_or("microseconds, or -1")?;
        r.slow_log.threshold = u64::try_from(micros).ok().map(Duration::from_micros);
        Ok(())
    }),
    changeable(
        "slowlog-max-len",
        |r| r.slow_log.length_max.to_string(),
        |r, value| {
            r.slow_log.length_max = count(value)?;
            Ok(())
        },
    ),
    changeable(
        "timeout",
        |r| r.settings.idle_timeout.as_secs().to_string(),
        |r, value| {
            let seconds = count(value)
                .ok()
                .and_then(|count| u32::try_from(count).ok());
            let seconds = seconds.ok_or("seconds, or 0 for no timeout")?;
            r.settings.idle_timeout = Duration::from_secs(seconds.into());
            Ok(())
        },
    ),
];

impl Configured<'_> {
    /// CONFIG, except for RESETSTAT.
    pub(crate) fn answer(&mut self, words: &[&[u8]], reply: &mut ReplyWriter<'_>) -> Answer {
        match (words[1].to_ascii_uppercase().as_slice(), &words[2..]) {
            (b"GET", patterns) if !patterns.is_empty() => self.show_settings(patterns, reply),
            (b"SET", pairs) if !pairs.is_empty() && pairs.len().is_multiple_of(2) => {
                self.change_settings(pairs)?;
                reply.ok();
            }
            (b"REWRITE", []) => {
                return Err(ErrorReply::err(
                    "The server is running without a config file",
                ));
            }
            (b"HELP", []) => subcommand_help("CONFIG", reply),
            (b"SET", [_, _, _, ..]) => return Err(ErrorReply::syntax()),
            _ => return Err(wrong_subcommand("CONFIG", words[1])),
        }
        Ok(())
    }

    fn show_settings(&self, patterns: &[&[u8]], reply: &mut ReplyWriter<'_>) {
        let patterns: Vec<Vec<u8>> = patterns.iter().map(|p| p.to_ascii_lowercase()).collect();
        let wanted = |setting: &&Setting| {
            patterns
                .iter()
                .any(|pattern| glob_matches(pattern, setting.name.as_bytes()))
        };
        let found: Vec<&Setting> = SETTINGS.iter().filter(wanted).collect();
        reply.map(found.len());
        for setting in found {
            reply.text(setting.name);
            reply.text(&(setting.get)(self));
        }
    }

    /// Changes all or none.
    fn change_settings(&mut self, pairs: &[&[u8]]) -> Result<(), ErrorReply> {
        let before = (
            self.settings.clone(),
            self.slow_log.threshold,
            self.slow_log.length_max,
        );
        for (index, pair) in pairs.chunks_exact(2).enumerate() {
            let mut earlier = pairs[..2 * index].iter().step_by(2);
            let changed = if earlier.any(|name| name.eq_ignore_ascii_case(pair[0])) {
                Err(setting_failed(pair[0], "duplicate parameter"))
            } else {
                self.change_setting(pair[0], pair[1])
            };
            if let Err(error) = changed {
                (
                    *self.settings,
                    self.slow_log.threshold,
                    self.slow_log.length_max,
                ) = before;
                return Err(error);
            }
        }
        Ok(())
    }

    fn change_setting(&mut self, name: &[u8], value: &[u8]) -> Result<(), ErrorReply> {
        let shown = String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned();
        let found = SETTINGS
            .iter()
            .find(|s| name.eq_ignore_ascii_case(s.name.as_bytes()));
        let Some(setting) = found else {
            return Err(ErrorReply::err(format!(
                "Unknown option or number of arguments for CONFIG SET - '{shown}'"
            )));
        };
        let failed = |what: &str| setting_failed(name, what);
        let Some(set) = setting.set else {
            // A tool that sets what is so already need not fail.
            let same = (setting.get)(self).as_bytes() == value;
            return if same {
                Ok(())
            } else {
                Err(failed("can't set immutable config"))
            };
        };
        set(self, value).map_err(|takes| failed(&format!("argument must be {takes}")))
    }
}

fn setting_failed(name: &[u8], what: &str) -> ErrorReply {
    let shown = String::from_utf8_lossy(&name[..name.len().min(64)]);
    ErrorReply::err(format!(
        "CONFIG SET failed (possibly related to argument '{shown}') - {what}"
    ))
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

fn positive_millis(value: &[u8]) -> Result<Duration, &'static str> {
    let millis = parse_unsigned(value).filter(|millis| (1..=86_400_000).contains(millis));
    millis
        .map(Duration::from_millis)
        .ok_or("milliseconds from 1 to 86400000")
}

fn set_max_memory(replica: &mut Configured<'_>, value: &[u8]) -> Result<(), String> {
    let bytes = std::str::from_utf8(value).map_err(|_| String::new());
    let bytes = bytes.and_then(parse_bytes).ok();
    replica.settings.memory_bytes_max = bytes.ok_or("a size, or 0 for none")?;
    Ok(())
}

fn count(value: &[u8]) -> Result<usize, &'static str> {
    let number = parse_unsigned(value).and_then(|number| usize::try_from(number).ok());
    number.ok_or("a number, not negative")
}

fn clients_max(replica: &Configured<'_>) -> String {
    replica.settings.clients_max.to_string()
}

fn set_clients_max(replica: &mut Configured<'_>, value: &[u8]) -> Result<(), String> {
    let possible = replica.settings.clients_possible;
    let wanted = count(value).ok().filter(|wanted| *wanted > 0);
    replica.settings.clients_max = wanted.ok_or("a number, not negative and not 0")?;
    if replica.settings.clients_max > possible {
        return Err(format!(
            "{possible} at the most: the limit of open files has room for no more"
        ));
    }
    Ok(())
}

fn clients_memory(replica: &Configured<'_>) -> String {
    replica.settings.clients_memory_max.to_string()
}

fn set_clients_memory(replica: &mut Configured<'_>, value: &[u8]) -> Result<(), String> {
    let bytes = std::str::from_utf8(value).map_err(|_| String::new());
    let bytes = bytes.and_then(parse_bytes).ok();
    let least = Settings::CLIENTS_MEMORY_LEAST;
    let bytes = bytes.filter(|bytes| *bytes >= least);
    replica.settings.clients_memory_max =
        bytes.ok_or_else(|| format!("a size, and {least} bytes at the least"))?;
    Ok(())
}

fn slow_threshold(replica: &Configured<'_>) -> String {
    replica
        .slow_log
        .threshold
        .map_or("-1".to_owned(), |threshold| {
            threshold.as_micros().to_string()
        })
}

fn own_address(replica: &Configured<'_>) -> (String, String) {
    let own = replica.settings.cluster.get(replica.settings.id.index());
    let parts = own.and_then(|address| address.rsplit_once(':'));
    parts.map_or_else(Default::default, |(host, port)| {
        (host.to_owned(), port.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::SETTINGS;

    #[test]
    fn settings_are_sorted() {
        assert!(SETTINGS.is_sorted_by(|a, b| a.name < b.name));
    }
}
