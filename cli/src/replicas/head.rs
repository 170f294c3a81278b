//! The first entry that a replica holds back.

use crate::text::printable;
use holdback::wire::value::Value;

/// A row of HOLDBACK's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) stamp: String,
    /// The replica that stamped it.
    pub(crate) origin: usize,
    /// The replicas that are not known to hold it.
    pub(crate) waits_for: Vec<usize>,
    pub(crate) command: String,
}

impl Head {
    /// Whom it waits for, as in `2,3`, if for anybody.
    pub(crate) fn whom(&self) -> Option<String> {
        let ids: Vec<_> = self.waits_for.iter().map(usize::to_string).collect();
        (!ids.is_empty()).then(|| ids.join(","))
    }

    /// Understands the answer to `HOLDBACK 1`, a line such as `4.1 waits:2,3 SET b 2`.
    pub(crate) fn of(holdback: &Value) -> Option<Self> {
        let Value::Array(lines) = holdback else {
            return None;
        };
        let Value::Bulk(line) = lines.first()? else {
            return None;
        };
        let line = String::from_utf8_lossy(line);
        let (stamp, rest) = line.split_once(" waits:")?;
        let (waits_for, command) = rest.split_once(' ')?;
        let waits_for = waits_for.split(',').filter_map(|id| id.parse().ok());
        Some(Self {
            stamp: printable(stamp),
            origin: stamp.split_once('.')?.1.parse().ok()?,
            waits_for: waits_for.collect(),
            command: printable(command),
        })
    }
}
