//! Cases of the network that once went wrong.

use super::*;

fn narrow() -> (Network, End) {
    let mut network = Network::new(2, 4, None);
    let end = End::dialler(network.open(1, 0));
    assert_eq!(network.write(end, b"123456").ok(), Some(4));
    network.want_room(end, true);
    (network, end)
}

/// Seeds 2330 and 2442 of the sequential model: a client waited for room for its last command, the window
/// became larger at the end of the last fault, and nobody told the client.
#[test]
fn whoever_waits_for_room_is_told_when_the_window_becomes_larger() {
    let (mut network, end) = narrow();
    network.set_window(64);
    assert_eq!(network.next_woken(), Some(end));
    assert_eq!(network.write(end, b"56").ok(), Some(2));
    assert!(!network.is_stuck());
}

/// A replica that was held up did not read while the window became larger. When it read at last, the direction
/// no longer looked full, and so its sender was not told.
#[test]
fn a_read_wakes_a_stuck_sender_although_the_window_has_become_larger() {
    let (mut network, end) = narrow();
    assert!(network.arrive(end, ALL, usize::MAX));
    network.window = 64;
    assert!(network.read(end.other(), 4).is_ok());
    assert_eq!(network.next_woken(), Some(end));
}
