//! Against `holdback-server` itself.

use crate::cluster::Cluster;
use crate::repl::Person;

#[test]
fn scripts_talk_to_a_cluster() {
    let cluster = Cluster::start(3);
    assert_eq!(cluster.run(1, "SET x 1"), "OK\n");
    assert_eq!(cluster.run(2, "INCR x"), "2\n");
    assert_eq!(cluster.run(3, "--json CAS x 2 ten"), "1\n");
    assert_eq!(cluster.run(1, "@3 GET x"), "ten\n");
    let position = cluster.run(3, "--json DIGEST");
    assert!(position.starts_with("[3,\""), "{position}");
    // Replicas 1 and 2 may be a moment behind.
    assert_eq!(cluster.run(1, "AWAIT 3"), "3\n");
    assert_eq!(cluster.run(2, "AWAIT 3"), "3\n");
    let order = cluster.run(2, "--no-raw @all ORDER");
    assert!(order.ends_with("3 replicas agree\n"), "{order}");
    assert_eq!(
        cluster.run(1, "@all STORE"),
        "1\tx\n1\tten\n2\tx\n2\tten\n3\tx\n3\tten\n"
    );
    let status = cluster.run(1, "--no-raw @all STATUS");
    assert!(status.contains("│ link.3"), "{status}");
    assert!(cluster.run(1, "--json INFO").starts_with('"'));
}

#[test]
fn the_repl_learns_who_it_talks_to() {
    let cluster = Cluster::start(2);
    let mut person = Person::start(cluster.ports[1]);
    person.prompt = format!("127.0.0.1:{} (replica 2, sequential)> ", cluster.ports[1]);
    person.see_prompt();
    person.ask("SET greeting \"hello\\n\"", "OK\r\n");
    person.ask("GET greeting", "\"hello\\n\"\r\n");
    person.ask("GETT greeting", "(error) ERR unknown command");
    person.ask("STATUS", "id:2\r\n");
    person.ask("ORDER", "1 ");
    person.ask("@2 HELP GET", "");
    person.keys("CONSISTENCY linearizable\r");
    person.see("(replica 2, linearizable)> ");
    person.keys("MULTI\r");
    person.see("(TX)> ");
    person.keys("INCR a\r");
    person.see("QUEUED\r\n");
    person.keys("EXEC\r");
    person.see("1) (integer) 1\r\n");
    person.see("(replica 2, linearizable)> ");
    person.leave();
}

#[test]
fn deliveries_are_watched_until_control_c() {
    let cluster = Cluster::start(2);
    let mut person = Person::start(cluster.ports[0]);
    person.see_prompt();
    person.keys("MONITOR ORDER\r");
    person.see("OK\r\n");
    cluster.run(2, "SET watched 1");
    person.see("SET watched 1\r\n");
    person.control('c');
    person.see_prompt();
    person.ask("GET watched", "\"1\"\r\n");
    person.leave();
}

#[test]
fn a_write_that_waits_for_a_paused_replica_can_be_abandoned_and_happens_later() {
    let cluster = Cluster::start(3);
    let mut person = Person::start(cluster.ports[0]);
    person.see_prompt();
    cluster.signal(3, "-STOP");
    person.keys("SET patient 1\r");
    person.see("Still waiting (1.1 SET patient 1 waits for 3");
    person.control('c');
    person.see("may or may not have happened, and may still happen.\r\n");
    person.see_prompt();
    person.ask("GET patient", "(nil)\r\n");
    person.ask("HOLDBACK", "1.1 waits:3 SET patient 1\r\n");
    cluster.signal(3, "-CONT");
    person.ask("AWAIT 1", "(integer) 1\r\n");
    person.ask("GET patient", "\"1\"\r\n");
    person.leave();
}
