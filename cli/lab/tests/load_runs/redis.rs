//! Plain Redis commands.

use crate::cluster::Cluster;
use holdback::wire::value::Value;
use holdback_testkit::processes::PATIENCE;

#[test]
fn plain_commands_are_sent_and_nothing_is_recorded() {
    let cluster = Cluster::up("sequential");
    let address = format!("127.0.0.1:{}", cluster.place.first_port);
    let mix = "get,set,setnx,getset,incr,append,del,mget,mset,txn";
    let arguments = format!(
        "load --redis --targets {address} --ops 2000 -P 16 --mix {mix} --value-size 100 --wait 2 --json --seed 1"
    );
    let answer = cluster.place.lab(&arguments).exits(0);
    let figures: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(figures["all"]["answered"], 2000);
    assert_eq!(figures["errors"], serde_json::json!([]));
    assert_eq!(figures["run"], serde_json::Value::Null);
    for kind in mix.split(',') {
        assert!(
            figures["kinds"][kind]["p99_us"].as_f64().unwrap() > 0.0,
            "{kind}"
        );
    }
    assert!(!cluster.run.join("history.jsonl").exists());
    let mut connection = cluster.place.connect(2);
    let reply = connection.call(&["STRLEN", "k1"], Some(PATIENCE)).unwrap();
    assert_eq!(reply, Value::Integer(100));
}

#[test]
fn writes_that_too_few_replicas_hold_are_errors() {
    let cluster = Cluster::up("sequential");
    let address = format!("127.0.0.1:{}", cluster.place.first_port);
    // There are only two others.
    let arguments = format!("load --redis --targets {address} --ops 10 --mix set --wait 3");
    let answer = cluster.place.lab(&arguments).exits(0);
    answer.prints("WAIT: held by 2 of 3 10 may have happened");
}
