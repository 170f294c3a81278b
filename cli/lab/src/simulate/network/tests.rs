//! Cases of the network that once went wrong.

use super::*;

fn narrow() -> (Network, Agenda) {
    let weather = Weather {
        distances: vec![vec![1]],
        client_distance: 1,
        jitter: 0,
        stall_permille: 0,
        stall_max: 0,
        split_permille: 0,
        window: 4,
    };
    (Network::new(1, weather, 1, 1), Agenda::default())
}

/// Seeds 2330 and 2442 of the sequential model: a client waited for room for its last command, the window
/// became larger at the end of the last fault, and nobody told the client.
#[test]
fn whoever_waits_for_room_is_known_when_the_window_becomes_larger() {
    let (mut network, mut agenda) = narrow();
    let wire = network.open(1, 0);
    assert_eq!(network.room(wire, 0, 6), 4);
    network.send(wire, 0, b"1234", &mut agenda);
    network.weather.clear_up();
    assert_eq!(network.stuck(), [(wire, 0)]);
    assert_eq!(network.room(wire, 0, 2), 2);
    network.send(wire, 0, b"56", &mut agenda);
    assert!(network.stuck().is_empty());
}

/// A replica that was held up did not read while the window became larger. When it read at last, the direction
/// no longer looked full, and so its sender was not told.
#[test]
fn a_read_wakes_a_stuck_sender_although_the_window_has_become_larger() {
    let (mut network, mut agenda) = narrow();
    let wire = network.open(1, 0);
    assert_eq!(network.room(wire, 0, 6), 4);
    network.send(wire, 0, b"1234", &mut agenda);
    network.weather.clear_up();
    while let Some(happening) = agenda.next() {
        assert_eq!(happening, Happening::Arrival { wire, side: 0 });
        assert!(network.arrive(wire, 0, &mut agenda));
    }
    assert!(network.read(wire, 0, 4, &mut Vec::new()));
}
