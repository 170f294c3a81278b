//! What operators and their tools see and change: texts of figures, settings, slow commands.

mod configure;
mod fields;
mod latencies;
mod slowlog;

pub(crate) use configure::Configured;
pub use fields::Fields;
pub(crate) use latencies::Latencies;
pub(crate) use slowlog::SlowLog;

/// The version of Redis whose commands and replies are followed.
pub(crate) const REDIS_VERSION: &str = "7.2.0";
