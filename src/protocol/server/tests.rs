//! The bytes of each frame: clients rely on them.

use std::time::Duration;

use super::*;
use crate::model::{
    Author, ConnectionId, EntryKind, Epoch, LoggedMessage, Member, MessageId, NodeId, Notice, NoticeKind,
    Position, Receipt, Role, RoomName, Timestamp, UserId, Username,
};
use crate::protocol::ErrorCode;

fn full<'a>(frame: impl Into<ServerFrame<'a>>) -> String {
    text(&encode(&frame.into(), SessionKind::Full).unwrap())
}

fn plain<'a>(frame: impl Into<ServerFrame<'a>>) -> Option<String> {
    encode(&frame.into(), SessionKind::Plain).as_ref().map(text)
}

fn text(frame: &Frame) -> String {
    let bytes = frame.as_bytes();
    let header = match bytes[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    String::from_utf8(bytes[header..].to_vec()).unwrap()
}

#[test]
fn frames_of_a_room_keep_their_bytes() {
    let room = RoomName::from_trusted("general");
    let position = Position { epoch: Epoch::new("e1"), seq: 7 };
    let left = |reason| full(RoomFrame::Left { room_id: &room, reason });
    assert_eq!(left(None), r#"{"type":"left","room_id":"general"}"#);
    assert_eq!(left(Some("kicked")), r#"{"type":"left","room_id":"general","reason":"kicked"}"#);
    assert_eq!(
        full(RoomFrame::Count { room_id: &room, client_count: 3 }),
        r#"{"type":"count","room_id":"general","client_count":3}"#
    );
    assert_eq!(
        full(RoomFrame::Gap { room_id: &room, from: 2, to: 4 }),
        r#"{"type":"gap","room_id":"general","from":2,"to":4}"#
    );
    assert_eq!(
        full(RoomFrame::reset(&room, &position)),
        r#"{"type":"reset","room_id":"general","epoch":"e1","seq":7}"#
    );
    let author =
        Author { user_id: UserId::parse("u1").unwrap(), username: Username::from_trusted("রহিম") };
    assert_eq!(
        full(SessionFrame::AuthSuccess {
            user_id: &author.user_id,
            username: &author.username,
            role: Role::Moderator,
            token: "t",
        }),
        r#"{"type":"auth_success","user_id":"u1","username":"রহিম","role":"moderator","token":"t"}"#
    );
    assert_eq!(full(SessionFrame::Pong), r#"{"type":"pong"}"#);
    let messages = [LoggedMessage {
        epoch: Epoch::new("e1"),
        seq: 7,
        json: "{\"seq\":7}".into(),
        kind: EntryKind::Text,
        taken_in: None,
    }];
    assert_eq!(text(&message(&messages[0])), r#"{"seq":7}"#);
    let id = ConnectionId::random();
    let member = Member { id, user_id: author.user_id.clone(), username: author.username.clone() };
    let answer = Entrance {
        room: &room,
        position: &position,
        is_recovered: true,
        read_seq: Some(5),
        read_by: None,
        client_count: 2,
        members: &[member],
        messages: &messages,
        notice: None,
    };
    let expected = format!(
        "{{\"type\":\"joined\",\"room_id\":\"general\",\"epoch\":\"e1\",\"seq\":7,\"recovered\":true,\"read_seq\":5,\"client_count\":2,\
         \"members\":[{{\"id\":\"{id}\",\"user_id\":\"u1\",\"username\":\"রহিম\"}}],\"messages\":[{{\"seq\":7}}]}}"
    );
    assert_eq!(text(&entrance(&answer, SessionKind::Full)[0]), expected);
}

#[test]
fn receipts_and_notices_keep_their_bytes() {
    let room = RoomName::from_trusted("general");
    let receipt = Receipt {
        id: "m1".into(),
        epoch: Epoch::new("e1"),
        seq: 7,
        timestamp: "2026-11-22T08:00:00.007Z".into(),
        is_duplicate: false,
    };
    let ack = |nonce| RoomFrame::Ack { receipt: ReceiptJson::new(&room, nonce, &receipt) };
    assert_eq!(plain(ack(None)), None);
    let ending = r#""id":"m1","room_id":"general","epoch":"e1","seq":7,"timestamp":"2026-11-22T08:00:00.007Z","duplicate":false}"#;
    assert_eq!(full(ack(Some("n"))), format!(r#"{{"type":"ack","nonce":"n",{ending}"#));
    assert_eq!(full(ack(None)), format!(r#"{{"type":"ack",{ending}"#));
    let (id, timestamp) = (MessageId::now(), Timestamp::now());
    for (kind, content, r#type, end) in [
        (NoticeKind::Join { client_count: 1 }, "রহিম joined the room", "join", ",\"client_count\":1"),
        (NoticeKind::Leave { client_count: 0 }, "রহিম left the room", "leave", ",\"client_count\":0"),
        (NoticeKind::Typing, "", "typing", ""),
    ] {
        let user_id = UserId::parse("u1").unwrap();
        let username = Username::from_trusted("রহিম");
        let shown = Notice { kind, id, connection: None, user_id, username, timestamp };
        let expected = format!(
            "{{\"id\":\"{id}\",\"room_id\":\"general\",\"user_id\":\"u1\",\"username\":\"রহিম\",\"content\":\"{content}\",\
             \"type\":\"{type}\",\"timestamp\":{}{end}}}",
            serde_json::to_string(&timestamp).unwrap()
        );
        assert_eq!(full(NoticeFrame::new(&room, &shown)), expected);
        assert_eq!(plain(NoticeFrame::new(&room, &shown)), Some(expected));
    }
}

#[test]
fn rooms_and_errors_keep_their_bytes() {
    let room = RoomName::from_trusted("general");
    let sizes = [RoomSize { id: &room, client_count: 3 }];
    let listed = r#""rooms":[{"id":"general","client_count":3}]"#;
    assert_eq!(
        full(RoomsFrame::Rooms { prefix: None, rooms: &sizes, total: Some(9) }),
        format!(r#"{{"type":"rooms",{listed},"total":9}}"#)
    );
    assert_eq!(
        full(RoomsFrame::Rooms { prefix: Some("ge"), rooms: &sizes, total: None }),
        format!(r#"{{"type":"rooms","prefix":"ge",{listed}}}"#)
    );
    assert_eq!(
        full(RoomsFrame::RoomsChanged { rooms: &sizes, total: 9 }),
        format!(r#"{{"type":"rooms_changed",{listed},"total":9}}"#)
    );
    let long = "আ".repeat(200);
    let rejection = Rejection {
        code: ErrorCode::Unavailable,
        message: "no".into(),
        retry_after: Some(Duration::from_millis(700)),
        reason: None,
    };
    let frame = FrameRef { nonce: Some("n"), room_id: Some(&long) };
    let expected = format!(
        r#"{{"type":"error","code":"unavailable","content":"no","nonce":"n","room_id":"{}","retry_after_ms":700}}"#,
        "আ".repeat(100)
    );
    assert_eq!(full(ErrorFrame::new(&rejection, frame)), expected);
    let bare = Rejection { retry_after: None, ..rejection };
    let expected = r#"{"type":"error","code":"unavailable","content":"no"}"#;
    assert_eq!(full(ErrorFrame::new(&bare, FrameRef::default())), expected);
    assert_eq!(
        plain(ErrorFrame::new(&bare, frame)).as_deref(),
        Some(expected),
        "it names no room to a plain session"
    );
    assert_eq!(
        error_body(&Rejection::new(ErrorCode::BadToken, "no")),
        r#"{"error":"no","code":"bad_token"}"#
    );
    let banned = Rejection { reason: Some("spam".into()), ..Rejection::new(ErrorCode::Banned, "no") };
    assert_eq!(error_body(&banned), r#"{"error":"no","code":"banned","reason":"spam"}"#);
    let expected = r#"{"type":"error","code":"banned","content":"no","reason":"spam"}"#;
    assert_eq!(full(ErrorFrame::new(&banned, FrameRef::default())), expected);
}

#[test]
fn a_plain_session_is_told_of_lost_messages_by_an_error_and_of_nothing_else_that_is_full() {
    let room = RoomName::from_trusted("general");
    let gap = RoomFrame::Gap { room_id: &room, from: 2, to: 4 };
    let expected =
        r#"{"type":"error","code":"messages_skipped","content":"3 messages were lost and can't be shown"}"#;
    assert_eq!(plain(gap).as_deref(), Some(expected));
    assert_eq!(plain(RoomFrame::Count { room_id: &room, client_count: 3 }), None);
    assert_eq!(plain(SessionFrame::Pong), None);
    assert_eq!(plain(RoomsFrame::RoomsChanged { rooms: &[], total: 9 }), None);
}

#[test]
fn a_welcome_keeps_its_bytes() {
    let author = Author { user_id: UserId::parse("u1").unwrap(), username: Username::from_trusted("x") };
    let (id, node) = (ConnectionId::random(), NodeId::random());
    let welcome = full(SessionFrame::Welcome {
        connection_id: id,
        user_id: Some(&author.user_id),
        username: Some(&author.username),
        role: Some(Role::Guest),
        node_id: node,
        token: Some("t"),
        auth_required: false,
        heartbeat_s: 25,
        limits: WelcomeLimits {
            room_name_chars: 1,
            username_chars: 2,
            content_chars: 3,
            messages_editable_s: 9,
            frame_bytes: 4,
            rooms_per_session: 5,
            file_bytes: Some(6),
            files_bytes_per_day: None,
        },
        build: "b1",
        timestamp: Timestamp::now(),
    });
    let expected = format!(
        "{{\"type\":\"welcome\",\"connection_id\":\"{id}\",\"user_id\":\"u1\",\"username\":\"x\",\"role\":\"guest\",\
         \"node_id\":\"{node}\",\"token\":\"t\",\"heartbeat_s\":25,\"limits\":{{\"room_name_chars\":1,\"username_chars\":2,\"content_chars\":3,\"messages_editable_s\":9,\
         \"frame_bytes\":4,\"rooms_per_session\":5,\"file_bytes\":6}},\"build\":\"b1\",\"timestamp\":\""
    );
    assert!(welcome.starts_with(&expected), "{welcome}\n{expected}");
}
