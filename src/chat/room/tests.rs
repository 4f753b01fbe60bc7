use super::*;
use crate::backend::Continuity;
use crate::model::Epoch;

fn place(seq: u64) -> Position {
    Position { epoch: Epoch::new("e"), seq }
}

fn message(seq: u64) -> LoggedMessage {
    LoggedMessage { epoch: place(seq).epoch, seq, json: "{}".into() }
}

/// What the log gives after `after`, up to `head`.
fn page(after: u64, head: u64) -> Page {
    Page {
        head: place(head),
        messages: (after + 1..=head).map(message).collect(),
        continuity: Continuity { is_proven: true, resume_at: after, oldest: 1 },
        has_more: false,
    }
}

#[test]
fn what_no_room_was_left_for_is_read_in_the_log_once_more() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), Flushes::default());
    assert_eq!(room.begin(place(0), &mut flushes), Next::Go);
    let full = WAITING as u64 + 1;
    assert_eq!(room.take(message(2), &mut flushes), Next::Repair);
    for seq in 3..=full {
        assert_eq!(room.take(message(seq), &mut flushes), Next::Go);
    }
    assert_eq!(room.repair_from(), Some((place(0), WAITING)));
    // Comes after the log was read, and finds no room.
    assert_eq!(room.take(message(full + 1), &mut flushes), Next::Go);
    assert_eq!(room.repair(&page(0, full), WAITING, &mut flushes), Next::Repair);
    assert_eq!(room.repair_from(), Some((place(full), 0)));
    assert_eq!(room.repair(&page(full, full + 1), 0, &mut flushes), Next::Go);
    assert_eq!(room.repair_from(), None, "nothing is missing any more");
}

/// The subscription breaks and is back while a page of the log is on its way: what was said meanwhile is
/// neither in the page nor published to this node.
#[test]
fn a_room_that_is_behind_after_its_repair_is_repaired_again() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), Flushes::default());
    assert_eq!(room.begin(place(0), &mut flushes), Next::Go);
    assert_eq!(room.take(message(2), &mut flushes), Next::Repair);
    assert_eq!(room.repair_from(), Some((place(0), 1)));
    assert_eq!(room.compare(&place(3)), Next::Go, "one repair at a time");
    assert_eq!(room.repair(&page(0, 2), 1, &mut flushes), Next::Repair);
    assert_eq!(room.repair_from(), Some((place(2), 0)));
    assert_eq!(room.repair(&page(2, 3), 0, &mut flushes), Next::Go);
}

#[test]
fn a_room_that_has_what_a_comparison_showed_is_read_once() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), Flushes::default());
    assert_eq!(room.begin(place(0), &mut flushes), Next::Go);
    assert_eq!(room.take(message(2), &mut flushes), Next::Repair);
    assert_eq!(room.repair_from(), Some((place(0), 1)));
    assert_eq!(room.compare(&place(2)), Next::Go);
    assert_eq!(room.repair(&page(0, 2), 1, &mut flushes), Next::Go);
}

#[test]
fn a_room_that_is_behind_as_it_opens_is_repaired() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), Flushes::default());
    assert_eq!(room.compare(&place(1)), Next::Go);
    assert_eq!(room.begin(place(0), &mut flushes), Next::Repair);
    assert_eq!(room.repair_from(), Some((place(0), 0)));
}
