//! What becomes of each Redis command: kept as it is, changed, or refused with a reason.

/// How a command compares with Redis 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// The same arguments, replies and errors.
    Same,
    /// It exists and does something else in places: how.
    Differs(&'static str),
    /// It does not exist here: why. This is the error that it is answered with.
    Refused(&'static str),
}

use Compatibility::{Differs, Refused, Same};

const NO_EXPIRY: &str = "keys do not expire";
const ONE_DATABASE: &str = "there is one database";
const NO_ACL: &str = "there are no users and passwords";
const NO_DISK: &str = "nothing is stored on disk";
const NO_REDIS_REPLICATION: &str = "replication is Holdback's own: see STATUS";
const NO_SCRIPTS: &str = "there are no scripts";
const NO_MODULES: &str = "there are no modules";
const NO_PUBSUB: &str = "there are no channels; MONITOR ORDER streams every write";

/// Every string, key, connection, server and transaction command of Redis 7, with its group there.
pub const REDIS_COMMANDS: &[(&str, &str, Compatibility)] = &[
    ("APPEND", "string", Same),
    ("DECR", "string", Same),
    ("DECRBY", "string", Same),
    ("GET", "string", Same),
    ("GETDEL", "string", Same),
    ("GETEX", "string", Refused(NO_EXPIRY)),
    ("GETRANGE", "string", Same),
    ("GETSET", "string", Same),
    ("INCR", "string", Same),
    ("INCRBY", "string", Same),
    (
        "INCRBYFLOAT",
        "string",
        Differs("decimals are added exactly up to 28 digits, as binary floating point beyond"),
    ),
    ("LCS", "string", Refused("it is not offered")),
    ("MGET", "string", Same),
    (
        "MSET",
        "string",
        Differs("not atomic in the eventual model"),
    ),
    ("MSETNX", "string", Same),
    ("PSETEX", "string", Refused(NO_EXPIRY)),
    (
        "SET",
        "string",
        Differs("the expiry options are refused: keys do not expire"),
    ),
    ("SETEX", "string", Refused(NO_EXPIRY)),
    ("SETNX", "string", Same),
    ("SETRANGE", "string", Same),
    ("STRLEN", "string", Same),
    ("SUBSTR", "string", Same),
    ("COPY", "generic", Differs("DB 0 only")),
    ("DEL", "generic", Same),
    (
        "DUMP",
        "generic",
        Refused("values are plain strings: GET them"),
    ),
    ("EXISTS", "generic", Same),
    ("EXPIRE", "generic", Refused(NO_EXPIRY)),
    ("EXPIREAT", "generic", Refused(NO_EXPIRY)),
    ("EXPIRETIME", "generic", Same),
    ("KEYS", "generic", Differs("the keys come sorted")),
    (
        "MIGRATE",
        "generic",
        Refused("values are plain strings: GET them"),
    ),
    ("MOVE", "generic", Refused(ONE_DATABASE)),
    (
        "OBJECT",
        "generic",
        Differs("REFCOUNT is 1 and IDLETIME 0, always"),
    ),
    ("PERSIST", "generic", Same),
    ("PEXPIRE", "generic", Refused(NO_EXPIRY)),
    ("PEXPIREAT", "generic", Refused(NO_EXPIRY)),
    ("PEXPIRETIME", "generic", Same),
    ("PTTL", "generic", Same),
    ("RANDOMKEY", "generic", Same),
    ("RENAME", "generic", Same),
    ("RENAMENX", "generic", Same),
    (
        "RESTORE",
        "generic",
        Refused("values are plain strings: SET them"),
    ),
    ("SCAN", "generic", Same),
    ("SORT", "generic", Refused("strings are the only type")),
    ("SORT_RO", "generic", Refused("strings are the only type")),
    ("TOUCH", "generic", Same),
    ("TTL", "generic", Same),
    ("TYPE", "generic", Same),
    ("UNLINK", "generic", Same),
    (
        "WAIT",
        "generic",
        Differs(
            "never waits: an answered write of the ordered models is held by all replicas; in the eventual model it counts those known to hold it",
        ),
    ),
    ("WAITAOF", "generic", Refused(NO_DISK)),
    (
        "AUTH",
        "connection",
        Differs("there is one user, `default`, and no password"),
    ),
    (
        "CLIENT",
        "connection",
        Differs("without CACHING, GETREDIR, PAUSE, TRACKING, TRACKINGINFO, UNBLOCK and UNPAUSE"),
    ),
    ("ECHO", "connection", Same),
    (
        "HELLO",
        "connection",
        Differs("the map has a field `consistency`"),
    ),
    ("PING", "connection", Same),
    ("QUIT", "connection", Same),
    ("RESET", "connection", Same),
    ("SELECT", "connection", Differs("database 0 only")),
    ("ACL", "server", Refused(NO_ACL)),
    ("BGREWRITEAOF", "server", Refused(NO_DISK)),
    ("BGSAVE", "server", Refused(NO_DISK)),
    (
        "COMMAND",
        "server",
        Differs("without GETKEYSANDFLAGS, and LIST without FILTERBY"),
    ),
    (
        "CONFIG",
        "server",
        Differs("the settings are Holdback's, and the names that Redis tools ask for"),
    ),
    ("DBSIZE", "server", Same),
    ("DEBUG", "server", Differs("always an error")),
    ("FAILOVER", "server", Refused(NO_REDIS_REPLICATION)),
    (
        "FLUSHALL",
        "server",
        Differs("the eventual model deletes the keys that this replica holds"),
    ),
    ("FLUSHDB", "server", Differs("as FLUSHALL")),
    (
        "INFO",
        "server",
        Differs("what has no meaning here is left out; there is a section Holdback"),
    ),
    ("LASTSAVE", "server", Refused(NO_DISK)),
    (
        "LATENCY",
        "server",
        Differs("no events are kept; without GRAPH and HISTOGRAM"),
    ),
    ("LOLWUT", "server", Refused("it is not offered")),
    (
        "MEMORY",
        "server",
        Differs("USAGE is an estimate; without MALLOC-STATS, PURGE and STATS"),
    ),
    ("MODULE", "server", Refused(NO_MODULES)),
    (
        "MONITOR",
        "server",
        Differs("MONITOR ORDER and MONITOR FRAMES show more"),
    ),
    ("PSYNC", "server", Refused(NO_REDIS_REPLICATION)),
    ("REPLCONF", "server", Refused(NO_REDIS_REPLICATION)),
    ("REPLICAOF", "server", Refused(NO_REDIS_REPLICATION)),
    ("ROLE", "server", Refused(NO_REDIS_REPLICATION)),
    ("SAVE", "server", Refused(NO_DISK)),
    (
        "SHUTDOWN",
        "server",
        Differs("without ABORT: it is not delayed"),
    ),
    ("SLAVEOF", "server", Refused(NO_REDIS_REPLICATION)),
    (
        "SLOWLOG",
        "server",
        Differs("a command's time is from its arrival to its reply"),
    ),
    ("SWAPDB", "server", Refused(ONE_DATABASE)),
    ("SYNC", "server", Refused(NO_REDIS_REPLICATION)),
    ("TIME", "server", Same),
    ("DISCARD", "transactions", Same),
    ("EXEC", "transactions", Same),
    (
        "MULTI",
        "transactions",
        Differs("only data commands, PING and ECHO may follow; anything else aborts EXEC"),
    ),
    ("UNWATCH", "transactions", Differs("not inside MULTI")),
    (
        "WATCH",
        "transactions",
        Differs("a key that was absent, was set and deleted again counts as unchanged"),
    ),
];

/// Commands of groups that are refused as a whole: the reason, and their names.
const REFUSED_GROUPS: &[(&str, &[&str])] = &[
    (
        NO_SCRIPTS,
        &[
            "EVAL",
            "EVALSHA",
            "EVALSHA_RO",
            "EVAL_RO",
            "FCALL",
            "FCALL_RO",
            "FUNCTION",
            "SCRIPT",
        ],
    ),
    (
        NO_PUBSUB,
        &[
            "PSUBSCRIBE",
            "PUBLISH",
            "PUBSUB",
            "PUNSUBSCRIBE",
            "SPUBLISH",
            "SSUBSCRIBE",
            "SUBSCRIBE",
            "SUNSUBSCRIBE",
            "UNSUBSCRIBE",
        ],
    ),
    (
        "this is not a Redis cluster: any replica takes any command",
        &["ASKING", "CLUSTER", "READONLY", "READWRITE"],
    ),
];

/// Commands on other types than strings.
const OTHER_TYPES: &[(&str, &[&str])] = &[
    (
        "bitmaps",
        &[
            "BITCOUNT",
            "BITFIELD",
            "BITFIELD_RO",
            "BITOP",
            "BITPOS",
            "GETBIT",
            "SETBIT",
        ],
    ),
    (
        "lists",
        &[
            "BLMOVE",
            "BLMPOP",
            "BLPOP",
            "BRPOP",
            "BRPOPLPUSH",
            "LINDEX",
            "LINSERT",
            "LLEN",
            "LMOVE",
            "LMPOP",
            "LPOP",
            "LPOS",
            "LPUSH",
            "LPUSHX",
            "LRANGE",
            "LREM",
            "LSET",
            "LTRIM",
            "RPOP",
            "RPOPLPUSH",
            "RPUSH",
            "RPUSHX",
        ],
    ),
    (
        "hashes",
        &[
            "HDEL",
            "HEXISTS",
            "HGET",
            "HGETALL",
            "HINCRBY",
            "HINCRBYFLOAT",
            "HKEYS",
            "HLEN",
            "HMGET",
            "HMSET",
            "HRANDFIELD",
            "HSCAN",
            "HSET",
            "HSETNX",
            "HSTRLEN",
            "HVALS",
        ],
    ),
    (
        "sets",
        &[
            "SADD",
            "SCARD",
            "SDIFF",
            "SDIFFSTORE",
            "SINTER",
            "SINTERCARD",
            "SINTERSTORE",
            "SISMEMBER",
            "SMEMBERS",
            "SMISMEMBER",
            "SMOVE",
            "SPOP",
            "SRANDMEMBER",
            "SREM",
            "SSCAN",
            "SUNION",
            "SUNIONSTORE",
        ],
    ),
    (
        "sorted sets",
        &[
            "BZMPOP",
            "BZPOPMAX",
            "BZPOPMIN",
            "ZADD",
            "ZCARD",
            "ZCOUNT",
            "ZDIFF",
            "ZDIFFSTORE",
            "ZINCRBY",
            "ZINTER",
            "ZINTERCARD",
            "ZINTERSTORE",
            "ZLEXCOUNT",
            "ZMPOP",
            "ZMSCORE",
            "ZPOPMAX",
            "ZPOPMIN",
            "ZRANDMEMBER",
            "ZRANGE",
            "ZRANGEBYLEX",
            "ZRANGEBYSCORE",
            "ZRANGESTORE",
            "ZRANK",
            "ZREM",
            "ZREMRANGEBYLEX",
            "ZREMRANGEBYRANK",
            "ZREMRANGEBYSCORE",
            "ZREVRANGE",
            "ZREVRANGEBYLEX",
            "ZREVRANGEBYSCORE",
            "ZREVRANK",
            "ZSCAN",
            "ZSCORE",
            "ZUNION",
            "ZUNIONSTORE",
        ],
    ),
    (
        "streams",
        &[
            "XACK",
            "XADD",
            "XAUTOCLAIM",
            "XCLAIM",
            "XDEL",
            "XGROUP",
            "XINFO",
            "XLEN",
            "XPENDING",
            "XRANGE",
            "XREAD",
            "XREADGROUP",
            "XREVRANGE",
            "XSETID",
            "XTRIM",
        ],
    ),
    (
        "geographical sets",
        &[
            "GEOADD",
            "GEODIST",
            "GEOHASH",
            "GEOPOS",
            "GEORADIUS",
            "GEORADIUSBYMEMBER",
            "GEORADIUSBYMEMBER_RO",
            "GEORADIUS_RO",
            "GEOSEARCH",
            "GEOSEARCHSTORE",
        ],
    ),
    (
        "HyperLogLogs",
        &["PFADD", "PFCOUNT", "PFDEBUG", "PFMERGE", "PFSELFTEST"],
    ),
];

/// Why a Redis command that does not exist here is refused; `None` if Redis does not know it either.
#[must_use]
pub fn refusal(name: &[u8]) -> Option<String> {
    let is = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
    let refused = REDIS_COMMANDS
        .iter()
        .find_map(|(known, _, compatibility)| match compatibility {
            Refused(reason) if is(known) => Some(format!("{known} is not supported: {reason}")),
            _ => None,
        });
    let group = || {
        REFUSED_GROUPS.iter().find_map(|(reason, names)| {
            names
                .iter()
                .find(|known| is(known))
                .map(|known| format!("{known} is not supported: {reason}"))
        })
    };
    let other = || {
        OTHER_TYPES.iter().find_map(|(kind, names)| {
            let known = names.iter().find(|known| is(known))?;
            Some(format!(
                "{known} works on {kind}: strings are the only type here"
            ))
        })
    };
    refused.or_else(group).or_else(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::lookup;

    #[test]
    fn the_table_agrees_with_the_commands() {
        for (name, group, compatibility) in REDIS_COMMANDS {
            let exists = lookup(name.as_bytes()).is_some();
            assert_eq!(
                exists,
                !matches!(compatibility, Refused(_)),
                "{name} ({group})"
            );
            assert_eq!(
                refusal(name.to_lowercase().as_bytes()).is_some(),
                !exists,
                "{name}"
            );
        }
        for (_, names) in REFUSED_GROUPS.iter().chain(OTHER_TYPES) {
            for name in *names {
                assert!(lookup(name.as_bytes()).is_none() && refusal(name.as_bytes()).is_some());
            }
        }
        assert_eq!(refusal(b"NOSUCH"), None);
    }
}
