//! What clients' connections take, and how much of it there can be.

use crate::world::World;
use holdback::consistency::Consistency::Sequential;
use holdback::settings::Settings;

#[test]
fn clients_are_bounded_by_what_there_can_be() {
    let change = |settings: &mut Settings| settings.clients_possible = 20;
    let mut world = World::with(Sequential, 1, change);
    for name in ["max-clients", "maxclients"] {
        let mut set = |value: &str| world.inspect(1, &format!("CONFIG SET {name} {value}"));
        assert!(set("0").ends_with("argument must be a number, not negative and not 0"));
        assert!(set("21").ends_with(
            "argument must be 20 at the most: the limit of open files has room for no more"
        ));
        assert_eq!(set("20"), "+OK");
    }
    assert_eq!(
        world.inspect(1, "CONFIG GET max-clients"),
        "[max-clients 20]"
    );
}
