//! The story of `server/tests/clients` with the `redis` crate, as a user would write it.
//!
//! Usage: `redis_story PORT MODEL`

use redis::{Commands, Connection, RedisResult};
use std::collections::BTreeSet;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, port, model] = arguments.as_slice() else {
        return Err("usage: redis_story PORT MODEL".into());
    };
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/"))?;
    let mut connection = client.get_connection()?;
    strings(&mut connection, port)?;
    if model == "eventual" {
        let refused: RedisResult<i64> = connection.incr("n", 1);
        let error = refused.expect_err("an eventual cluster does not count");
        assert_eq!(error.code(), Some("NEEDSORDER"));
        return Ok(());
    }
    transactions(&mut connection, &mut client.get_connection()?, port)
}

fn strings(connection: &mut Connection, port: &str) -> Result<(), Box<dyn Error>> {
    let key = |name: &str| format!("rust:{port}:{name}");
    let _: () = connection.set(key("a"), "1")?;
    assert_eq!(connection.get::<_, Option<i64>>(key("a"))?, Some(1));
    assert_eq!(connection.get::<_, Option<i64>>(key("none"))?, None);
    let binary: Vec<u8> = (0..=255).collect();
    let _: () = connection.set(key("binary"), &binary)?;
    assert_eq!(connection.get::<_, Vec<u8>>(key("binary"))?, binary);
    let _: () = connection.mset(&[(key("m1"), 1), (key("m2"), 2)])?;
    let both: Vec<Option<i64>> = connection.mget(&[key("m1"), key("none"), key("m2")])?;
    assert_eq!(both, [Some(1), None, Some(2)]);
    let found: BTreeSet<String> = connection
        .scan_match(key("*"))?
        .collect::<RedisResult<BTreeSet<String>>>()?;
    assert_eq!(
        found,
        ["a", "binary", "m1", "m2"].into_iter().map(key).collect()
    );
    assert_eq!(connection.del::<_, i64>(&[key("m1"), key("m2")])?, 2);
    let replies: (String, i64) = redis::pipe()
        .set(key("p"), 5)
        .get(key("p"))
        .query(connection)?;
    assert_eq!(replies, ("OK".to_owned(), 5));
    let refused: RedisResult<i64> = connection.lpush(key("l"), 1);
    let error = refused.expect_err("there are no lists");
    assert!(
        error.to_string().contains("strings are the only type"),
        "{error}"
    );
    Ok(())
}

fn transactions(
    connection: &mut Connection,
    other: &mut Connection,
    port: &str,
) -> Result<(), Box<dyn Error>> {
    let key = format!("rust:{port}:n");
    let _: i64 = connection.del(&key)?;
    assert_eq!(connection.incr::<_, _, i64>(&key, 2)?, 2);
    let counted: (i64, i64) = redis::pipe()
        .atomic()
        .incr(&key, 1)
        .incr(&key, 1)
        .query(connection)?;
    assert_eq!(counted, (3, 4));
    let _: () = redis::cmd("WATCH").arg(&key).query(connection)?;
    let _: () = other.set(&key, 9)?;
    let aborted: Option<Vec<String>> = redis::pipe().atomic().set(&key, 10).query(connection)?;
    assert_eq!(aborted, None, "a watched key changed");
    assert_eq!(connection.get::<_, i64>(&key)?, 9);
    Ok(())
}
