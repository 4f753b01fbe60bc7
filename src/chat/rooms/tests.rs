use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::delivery::buffer::MESSAGES as WAITING;
use super::room::{Action, Repair, Room};
use super::sink::{FlushSet, FrameSink, Pushed, RoomSession};
use super::throttle::TypingRule;
use crate::backend::{Continuity, Page};
use crate::model::{
    ConnectionId, EntryKind, Epoch, LoggedMessage, Member, Notice, NoticeKind, Position, RoomName, UserId,
    Username,
};
use crate::protocol::SessionKind;
use crate::protocol::server::{self, RoomFrame, encode};
use crate::websocket::{CloseCode, Frame};

const TYPING: TypingRule = TypingRule { every: Duration::ZERO, up_to: 200 };

/// An outbox that keeps what is pushed.
#[derive(Default)]
pub(super) struct Inbox(Mutex<Vec<Frame>>);

impl FrameSink for Inbox {
    fn push(&self, frame: &Frame) -> Pushed {
        self.0.lock().unwrap().push(frame.clone());
        Pushed::Queued
    }

    fn flush(&self) {}

    fn close(&self, _: CloseCode) {}

    fn is_closing(&self) -> bool {
        false
    }
}

/// A full session, and what it is given.
pub(super) fn session() -> (RoomSession, Arc<Inbox>) {
    let inbox = Arc::new(Inbox::default());
    let (id, user_id) = (ConnectionId::random(), UserId::guest());
    let member = Member { id, user_id, username: Username::from_trusted("x") };
    (RoomSession { member, kind: SessionKind::Full, sink: inbox.clone() }, inbox)
}

/// Lets a full session take part from `position` on.
fn attach(room: &Room, position: &Position) -> Arc<Inbox> {
    let (session, inbox) = session();
    room.attach(&session, position, &mut Vec::new()).unwrap();
    inbox
}

impl Inbox {
    /// The counts and notices that came, by their numbers of sessions.
    fn counts(&self) -> Vec<u64> {
        let frames = self.0.lock().unwrap();
        let texts = frames.iter().map(|frame| String::from_utf8_lossy(frame.as_bytes()).into_owned());
        let count =
            |text: String| text.split("\"client_count\":").nth(1)?.split(['}', ',']).next()?.parse().ok();
        texts.filter_map(count).collect()
    }
}

fn joins(session: &RoomSession, client_count: u64) -> Notice {
    Notice {
        kind: NoticeKind::Join { client_count },
        id: crate::model::MessageId::now(),
        connection: Some(session.member.id),
        user_id: session.member.user_id.clone(),
        username: session.member.username.clone(),
        timestamp: crate::model::Timestamp::now(),
    }
}

/// The frame that tells a full session of lost messages.
fn gap(room_id: &RoomName, from: u64, to: u64) -> Frame {
    encode(&RoomFrame::Gap { room_id, from, to }.into(), SessionKind::Full).unwrap()
}

fn repair(delivered: Position, buffered: usize) -> Repair {
    Repair { delivered, buffered, suspensions: 0 }
}

fn place(seq: u64) -> Position {
    Position { epoch: Epoch::new("e"), seq }
}

fn message(seq: u64) -> LoggedMessage {
    LoggedMessage { epoch: place(seq).epoch, seq, json: "{}".into(), kind: EntryKind::Text, taken_in: None }
}

/// The log's page after `after`, up to `head`.
fn page(after: u64, head: u64) -> Page {
    Page {
        head: place(head),
        messages: (after + 1..=head).map(message).collect(),
        end: head,
        unreadable: 0,
        continuity: Continuity { is_proven: true, resume_at: after, oldest: 1, oldest_text: 1 },
        has_more: false,
    }
}

#[test]
fn a_message_that_found_the_buffer_full_is_read_in_the_log_once_more() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    assert_eq!(room.begin(place(0), 0, &mut flushes), Action::None);
    let full = WAITING as u64 + 1;
    assert_eq!(room.on_message(message(2), &mut flushes), Action::CatchUp);
    for seq in 3..=full {
        assert_eq!(room.on_message(message(seq), &mut flushes), Action::None);
    }
    assert_eq!(room.catch_up_from(), Some(repair(place(0), WAITING)));
    // Comes after the log was read, and finds no room.
    assert_eq!(room.on_message(message(full + 1), &mut flushes), Action::None);
    assert_eq!(room.catch_up(&page(0, full), &repair(place(0), WAITING), &mut flushes), Action::CatchUp);
    assert_eq!(room.catch_up_from(), Some(repair(place(full), 0)));
    assert_eq!(room.catch_up(&page(full, full + 1), &repair(place(0), 0), &mut flushes), Action::None);
    assert_eq!(room.catch_up_from(), None, "nothing is missing any more");
}

/// The subscription breaks and is back while a page of the log is on its way: what was said meanwhile is
/// neither in the page nor published to this node.
#[test]
fn a_room_that_is_behind_after_its_repair_is_repaired_again() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    assert_eq!(room.begin(place(0), 0, &mut flushes), Action::None);
    assert_eq!(room.on_message(message(2), &mut flushes), Action::CatchUp);
    assert_eq!(room.catch_up_from(), Some(repair(place(0), 1)));
    assert_eq!(room.check_head(&place(3)), Action::None, "one repair at a time");
    assert_eq!(room.catch_up(&page(0, 2), &repair(place(0), 1), &mut flushes), Action::CatchUp);
    assert_eq!(room.catch_up_from(), Some(repair(place(2), 0)));
    assert_eq!(room.catch_up(&page(2, 3), &repair(place(0), 0), &mut flushes), Action::None);
}

#[test]
fn a_room_that_has_what_a_comparison_showed_is_read_once() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    assert_eq!(room.begin(place(0), 0, &mut flushes), Action::None);
    assert_eq!(room.on_message(message(2), &mut flushes), Action::CatchUp);
    assert_eq!(room.catch_up_from(), Some(repair(place(0), 1)));
    assert_eq!(room.check_head(&place(2)), Action::None);
    assert_eq!(room.catch_up(&page(0, 2), &repair(place(0), 1), &mut flushes), Action::None);
}

#[test]
fn a_room_that_is_behind_as_it_opens_is_repaired() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    assert_eq!(room.check_head(&place(1)), Action::None);
    assert_eq!(room.begin(place(0), 0, &mut flushes), Action::CatchUp);
    assert_eq!(room.catch_up_from(), Some(repair(place(0), 0)));
}

/// A node that was frozen finds a hole that the log can no longer fill, while sessions have joined it that read
/// the log's newest page by themselves.
#[test]
fn a_gap_is_told_only_to_who_was_not_given_what_it_covers() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    assert_eq!(room.begin(place(10), 0, &mut flushes), Action::None);
    let (behind, between, ahead) =
        (attach(&room, &place(10)), attach(&room, &place(15)), attach(&room, &place(20)));
    assert_eq!(room.check_head(&place(21)), Action::CatchUp);
    assert_eq!(room.catch_up_from(), Some(repair(place(10), 0)));
    let mut page = page(19, 21);
    page.continuity = Continuity { is_proven: true, resume_at: 10, oldest: 20, oldest_text: 20 };
    assert_eq!(room.catch_up(&page, &repair(place(0), 0), &mut flushes), Action::None);

    let gap = |from| gap(&room.name, from, 19);
    let message = |seq| server::message(&message(seq));
    assert_eq!(*behind.0.lock().unwrap(), [gap(11), message(20), message(21)]);
    assert_eq!(*between.0.lock().unwrap(), [gap(16), message(20), message(21)]);
    assert_eq!(*ahead.0.lock().unwrap(), [message(21)]);
}

/// A repair finds that the log has dropped changes. Its texts are all there.
#[test]
fn a_plain_session_has_lost_nothing_where_changes_are_lost() {
    let gap_frame = |room_id: &RoomName, from, to| {
        encode(&RoomFrame::Gap { room_id, from, to }.into(), SessionKind::Plain).unwrap()
    };
    for (oldest_text, is_told) in [(4, false), (11, false), (12, true)] {
        let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
        assert_eq!(room.begin(place(10), 0, &mut flushes), Action::None);
        let (session, inbox) = session();
        let plain = RoomSession { kind: SessionKind::Plain, ..session };
        room.attach(&plain, &place(10), &mut Vec::new()).unwrap();
        let full = attach(&room, &place(10));
        assert_eq!(room.check_head(&place(14)), Action::CatchUp);
        assert_eq!(room.catch_up_from(), Some(repair(place(10), 0)));
        let mut page = page(13, 14);
        page.continuity = Continuity { is_proven: true, resume_at: 10, oldest: 14, oldest_text };
        assert_eq!(room.catch_up(&page, &repair(place(10), 0), &mut flushes), Action::None);
        let text = server::message(&message(14));
        assert_eq!(*full.0.lock().unwrap(), [gap(&room.name, 11, 13), text.clone()]);
        let told = is_told.then(|| gap_frame(&room.name, 11, 13));
        assert_eq!(*inbox.0.lock().unwrap(), told.into_iter().chain([text]).collect::<Vec<_>>());
    }
}

/// An entry that can't be read stands in the log between two messages, and another one at its end.
#[test]
fn a_gap_is_told_where_the_log_holds_what_can_not_be_read() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    room.begin(place(0), 0, &mut flushes);
    let sink = attach(&room, &place(0));
    assert_eq!(room.check_head(&place(4)), Action::CatchUp);
    assert_eq!(room.catch_up_from(), Some(repair(place(0), 0)));
    let mut page = page(0, 4);
    page.messages.retain(|message| message.seq % 2 == 1);
    page.unreadable = 2;
    assert_eq!(room.catch_up(&page, &repair(place(0), 0), &mut flushes), Action::None);
    let gap = |seq| gap(&room.name, seq, seq);
    let message = |seq| server::message(&message(seq));
    assert_eq!(*sink.0.lock().unwrap(), [message(1), gap(2), message(3), gap(4)]);
    assert_eq!(room.check_head(&place(4)), Action::None, "nothing is left to be read");
}

/// Somebody who can write to Redis has published a number that no log has.
#[test]
fn a_message_that_was_never_logged_is_dropped_after_one_look() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    room.begin(place(3), 0, &mut flushes);
    assert_eq!(room.on_message(message(1000), &mut flushes), Action::CatchUp);
    assert_eq!(room.catch_up_from(), Some(repair(place(3), 1)));
    assert_eq!(room.catch_up(&page(3, 3), &repair(place(0), 1), &mut flushes), Action::None);
    assert_eq!(room.on_message(message(4), &mut flushes), Action::None);
    assert_eq!(room.catch_up_from(), None);
}

/// `joined` is as of the entrance, but the session is attached later.
#[test]
fn a_session_is_told_who_came_and_went_between_its_entrance_and_its_attachment() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    room.begin(place(0), 0, &mut flushes);
    let ((early, sink), (other, _)) = (session(), session());
    let mut tell = |notice: &Notice| room.notify(notice, TYPING, &mut flushes);
    room.add_member(&early);
    tell(&joins(&other, 1));
    tell(&joins(&early, 2));
    tell(&joins(&other, 3));
    room.attach(&early, &place(0), &mut Vec::new()).unwrap();
    tell(&joins(&other, 4));
    assert_eq!(sink.counts(), [3, 4], "neither what `joined` has told nor its own entrance");
}

#[test]
fn a_session_that_is_attached_before_its_entrance_is_observed_is_told_nothing_older() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    room.begin(place(0), 0, &mut flushes);
    let ((quick, sink), (other, _)) = (session(), session());
    room.add_member(&quick);
    room.attach(&quick, &place(0), &mut Vec::new()).unwrap();
    room.notify(&joins(&other, 1), TYPING, &mut flushes);
    room.count(2, Some(quick.member.id), &mut flushes);
    room.notify(&joins(&other, 3), TYPING, &mut flushes);
    assert_eq!(sink.counts(), [3]);
    // A session whose entrance is told to nobody, or was lost, must not wait for it.
    for release in [|room: &Room, id| room.assume_joined(id), |room: &Room, _| room.assume_all_joined()] {
        let (again, sink) = session();
        room.add_member(&again);
        release(&room, again.member.id);
        room.notify(&joins(&other, 4), TYPING, &mut flushes);
        room.attach(&again, &place(0), &mut Vec::new()).unwrap();
        assert_eq!(sink.counts(), [4]);
    }
}

#[test]
fn a_count_that_was_asked_for_before_a_newer_one_arrived_is_not_told() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    room.begin(place(0), 0, &mut flushes);
    let sink = attach(&room, &place(0));
    let (other, _) = session();
    let before = room.counts_received();
    room.notify(&joins(&other, 6), TYPING, &mut flushes);
    room.correct_count(5, before, &mut flushes);
    assert_eq!(sink.counts(), [6]);
    room.correct_count(5, room.counts_received(), &mut flushes);
    assert_eq!(sink.counts(), [6, 5]);
}

/// Anybody who can publish could name a number that no log will ever reach.
#[test]
fn a_number_above_the_head_of_the_log_was_never_given() {
    for (epoch, seq) in [("e", 1000), ("e", u64::MAX), ("other", 7)] {
        let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
        assert_eq!(room.begin(place(2), 0, &mut flushes), Action::None);
        let sink = attach(&room, &place(2));
        let forged = LoggedMessage { epoch: Epoch::new(epoch), seq, ..message(1) };
        assert_eq!(room.on_message(forged, &mut flushes), Action::CatchUp);
        assert_eq!(room.catch_up_from(), Some(repair(place(2), 1)));
        assert_eq!(
            room.catch_up(&page(2, 2), &repair(place(0), 1), &mut flushes),
            Action::None,
            "{epoch} {seq}"
        );
        assert_eq!(room.on_message(message(3), &mut flushes), Action::None);
        assert_eq!(*sink.0.lock().unwrap(), [server::message(&message(3))], "{epoch} {seq}");
    }
}

#[test]
fn the_last_number_has_no_successor_and_a_page_from_before_no_gap() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    assert_eq!(room.begin(place(u64::MAX), 0, &mut flushes), Action::None);
    assert_eq!(room.on_message(message(1), &mut flushes), Action::None);
    assert_eq!(room.on_message(message(u64::MAX), &mut flushes), Action::None);
    assert_eq!(room.begin(place(10), 0, &mut flushes), Action::None);
    let sink = attach(&room, &place(10));
    assert_eq!(room.check_head(&place(11)), Action::CatchUp);
    assert!(room.catch_up_from().is_some());
    let mut page = page(10, 11);
    page.continuity = Continuity { is_proven: true, resume_at: 3, oldest: 6, oldest_text: 6 };
    assert_eq!(room.catch_up(&page, &repair(place(0), 0), &mut flushes), Action::None);
    assert_eq!(*sink.0.lock().unwrap(), [server::message(&message(11))]);
}

#[test]
fn nobody_is_told_who_types_in_a_large_room() {
    let (room, mut flushes) = (Room::new(RoomName::from_trusted("general")), FlushSet::default());
    room.begin(place(0), 0, &mut flushes);
    let sink = attach(&room, &place(0));
    let (other, _) = session();
    let types = || Notice { kind: NoticeKind::Typing, ..joins(&other, 0) };
    for (count, told) in [(200, 1), (201, 1), (200, 2)] {
        room.count(count, None, &mut flushes);
        assert_eq!(room.tells_typing(&other.member.user_id, TYPING), count <= 200);
        room.notify(&types(), TYPING, &mut flushes);
        let frames = sink.0.lock().unwrap();
        let typing =
            frames.iter().filter(|frame| frame.as_bytes().windows(8).any(|bytes| bytes == b"\"typing\""));
        assert_eq!(typing.count(), told, "{count} sessions");
    }
}
