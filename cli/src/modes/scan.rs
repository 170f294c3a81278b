//! `--scan`: the keys, by SCAN.

use super::Job;
use crate::exit::Verdict;
use crate::replicas::session::Outcome;
use holdback::wire::value::Value;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Lists the keys, a line each, page by page.
pub(crate) fn run(mut job: Job<'_>) -> anyhow::Result<u8> {
    let mut cursor = b"0".to_vec();
    loop {
        let mut command = vec![b"SCAN".to_vec(), cursor];
        if let Some(pattern) = &job.args.pattern {
            command.extend([b"MATCH".to_vec(), pattern.as_bytes().to_vec()]);
        }
        if let Some(count) = job.args.count {
            command.extend([b"COUNT".to_vec(), count.to_string().into_bytes()]);
        }
        let outcome = job.client.session.execute(&command, &mut |_| {});
        let (next, keys) = match outcome {
            Outcome::Reply(Value::Array(page), took) => match <[Value; 2]>::try_from(page) {
                Ok([Value::Bulk(next), Value::Array(keys)]) => (next, keys),
                other => {
                    let page = other.map_or_else(Value::Array, |page| Value::Array(page.into()));
                    job.client.output.reply(&command, &page, took)?;
                    return Ok(Verdict::Refused.code());
                }
            },
            other => return Ok(job.client.report(other, &command)?.code()),
        };
        for key in &keys {
            job.client.output.reply(&[], key, Duration::ZERO)?;
        }
        if next == b"0" {
            return Ok(0);
        }
        if job
            .client
            .interrupt
            .pause(job.args.interval.unwrap_or_default())
        {
            return Ok(Verdict::Interrupted.code());
        }
        cursor = next;
    }
}
