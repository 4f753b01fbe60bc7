//! The examples and tables of `docs/protocol.md` against the code: a client's examples are frames that a node takes, a
//! server's have the shape of frames that a node writes, and every type has one.

use std::collections::BTreeSet;

use adda::model::message::close_json;
use adda::model::{
    Audience, Author, Change, ChangeDraft, ChangeReceipt, ConnectionId, DeleteRights, Draft, Emoji, Epoch,
    FileInfo, InboxEntry, Member, MessageId, NodeId, Notice, NoticeKind, Notification, NotificationId,
    Position, ReadBy, Receipt, Role, RoomName, Timestamp, UserEvent, UserId, Username, Words,
};
use adda::protocol::server::{
    Entrance, ErrorFrame, FiguresJson, FrameRef, NodeFiguresJson, NoticeFrame, ReceiptJson, RoomFrame,
    RoomSize, RoomsFrame, ServerFrame, SessionFrame, Stats, UserFrame, WelcomeLimits, entrance, stats,
};
use adda::protocol::{ClientFrame, ErrorCode, Rejection, SessionKind};
use adda::telemetry::Figures;
use adda::websocket::{CloseCode, Frame};
use serde_json::Value;

use crate::harness::{Client, Node};

const DOCUMENT: &str = include_str!("../../docs/protocol.md");

/// The lines of the blocks that are marked so.
fn examples(mark: &str) -> Vec<&'static str> {
    let start = format!("```json {mark}");
    let mut is_inside = false;
    let mut found = Vec::new();
    for line in DOCUMENT.lines() {
        match line.starts_with("```") {
            true => is_inside = line == start,
            false if is_inside => found.push(line),
            false => {}
        }
    }
    found
}

fn type_of(example: &Value) -> String {
    example["type"].as_str().unwrap_or_else(|| panic!("a type in {example}")).to_owned()
}

/// The types that a node names to a client whose type it does not know.
fn client_types() -> BTreeSet<String> {
    let error = ClientFrame::parse(r#"{"type":"unheard-of"}"#, SessionKind::Full).unwrap_err();
    let (_, known) = error.rejection.message.split_once("known are ").expect("the known types");
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn a_node_takes_the_examples_of_a_client_and_every_type_has_one() {
    let mut types = BTreeSet::new();
    for example in examples("client") {
        let parsed = ClientFrame::parse(example, SessionKind::Full);
        assert!(parsed.is_ok(), "{example}: {parsed:?}");
        types.insert(type_of(&serde_json::from_str(example).unwrap()));
    }
    assert_eq!(types, client_types());
}

#[tokio::test]
async fn a_session_takes_the_examples_of_a_client_one_after_another() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    for example in examples("client") {
        rahim.send(serde_json::from_str(example).unwrap()).await;
        rahim.catch_up().await;
        for frame in rahim.take_all() {
            let is_no_frame = ["bad_frame", "unknown_type"].iter().any(|code| frame["code"] == *code);
            assert!(!is_no_frame, "{example}: {frame}");
        }
    }
}

#[test]
fn the_examples_of_a_server_have_the_shape_of_its_frames_and_every_type_has_one() {
    let frames = frames();
    let known: BTreeSet<String> = frames.iter().map(type_of).collect();
    let mut types = BTreeSet::new();
    for example in examples("server") {
        let example: Value =
            serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
        let same_type: Vec<&Value> =
            frames.iter().filter(|frame| type_of(frame) == type_of(&example)).collect();
        assert!(
            same_type.iter().any(|frame| is_like(&example, frame)),
            "{example}\nis like none of {same_type:?}"
        );
        types.insert(type_of(&example));
    }
    assert_eq!(types, known);
}

/// Whether two values have the same fields with the same kinds of values. An empty list is like any.
fn is_like(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| is_like(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.first().zip(b.first()).is_none_or(|(a, b)| is_like(a, b)),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

#[test]
fn another_field_or_another_kind_of_value_is_another_shape() {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let shape = value(r#"{"a":1,"b":[{"c":"x"}]}"#);
    assert!(is_like(&value(r#"{"b":[{"c":""},{"c":"y"}],"a":7}"#), &shape));
    for other in
        [r#"{"a":1}"#, r#"{"a":"1","b":[]}"#, r#"{"a":1,"b":[{"d":"x"}]}"#, r#"{"a":1,"b":[],"c":1}"#]
    {
        assert!(!is_like(&value(other), &shape), "{other}");
    }
}

#[test]
fn the_table_of_close_codes_has_those_of_the_code() {
    let table = DOCUMENT
        .split("## Close codes")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("the table");
    let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok());
    let documented: Vec<u16> = cells.collect();
    let codes: BTreeSet<u16> = CloseCode::ALL.into_iter().map(CloseCode::as_u16).collect();
    assert_eq!(documented.iter().copied().collect::<BTreeSet<_>>(), codes);
    assert_eq!(documented.len(), codes.len(), "each has one row");
}

#[test]
fn the_list_of_error_codes_has_those_of_the_code() {
    let list = DOCUMENT.split("## Error codes").nth(1).expect("the list");
    // Words in brackets explain the code before them.
    let mut depth = 0;
    let mut outside = String::new();
    for c in list.split("\n## ").next().unwrap_or_default().chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    let documented: BTreeSet<&str> = outside.split('`').skip(1).step_by(2).collect();
    assert_eq!(documented, ErrorCode::ALL.into_iter().map(ErrorCode::as_str).collect());
}

/// Frames of a server: of each type one with all fields, and those that differ from it in documented examples.
fn frames() -> Vec<Value> {
    let room = RoomName::from_trusted("general");
    let author = Author { user_id: UserId::guest(), username: Username::from_trusted("রহিম") };
    let mut frames = server_frames(&room, &author);
    let read_by = ReadBy { user: author.user_id.clone(), seq: 5 };
    frames.extend([None, Some(&read_by)].map(|read_by| joined(&room, &author, read_by)));
    frames.extend(logged(&room, &author));
    frames.push(figures());
    frames
}

/// A frame of `/ws/dashboard`.
fn figures() -> Value {
    let figures = Figures::read("1000 5 7 2 1 3 0 4 4 0 3:4 3:4").expect("figures as they are stored");
    let (node_id, timestamp) = (NodeId::random(), Timestamp::now());
    let of_node = || FiguresJson::sum(std::iter::once(&figures));
    let node = NodeFiguresJson { node_id, timestamp, seconds: 1.0, figures: of_node() };
    object(&stats(&Stats { timestamp, cluster: of_node(), nodes: vec![node] }))
}

/// The object in a frame.
fn object(frame: &Frame) -> Value {
    let start = frame.as_bytes().iter().position(|byte| *byte == b'{').expect("an object");
    serde_json::from_slice(&frame.as_bytes()[start..]).unwrap()
}

#[allow(clippy::too_many_lines, reason = "one example a frame")]
fn server_frames(room: &RoomName, author: &Author) -> Vec<Value> {
    let position = Position { epoch: Epoch::new("e"), seq: 7 };
    let receipt = Receipt {
        id: "m".into(),
        epoch: Epoch::new("e"),
        seq: 7,
        timestamp: "t".into(),
        is_duplicate: false,
    };
    let unchanged = ChangeReceipt::Unchanged {
        id: "m".into(),
        epoch: Epoch::new("e"),
        timestamp: "t".into(),
        is_duplicate: false,
    };
    let rooms = [RoomSize { id: room, client_count: 3 }];
    let rejection = Rejection::new(ErrorCode::Unavailable, "no");
    let reference = FrameRef { nonce: Some("n"), room_id: Some("general") };
    let id = NotificationId::now();
    let words = Words { to: Audience::All, title: Some("t".into()), content: "c".into() };
    let now = Timestamp::now();
    let notification = Notification { id: id.clone(), words, timestamp: now, expires_at: now };
    let inbox =
        InboxEntry { room: room.clone(), seq: 7, from: author.clone(), preview: "p".into(), mention: true };
    let events = [
        UserEvent::Inbox(inbox),
        UserEvent::Read { room: room.clone(), seq: 7 },
        UserEvent::ReadBy { room: room.clone(), by: ReadBy { user: author.user_id.clone(), seq: 7 } },
        UserEvent::RoomsChanged,
        UserEvent::ReportsChanged,
        UserEvent::Notification(notification),
        UserEvent::Seen(id),
    ];
    let notices =
        [NoticeKind::Join { client_count: 1 }, NoticeKind::Leave { client_count: 1 }, NoticeKind::Typing];
    let notices = notices.map(|kind| Notice {
        kind,
        id: MessageId::now(),
        connection: None,
        user_id: author.user_id.clone(),
        username: author.username.clone(),
        timestamp: now,
    });
    let mut frames: Vec<ServerFrame<'_>> = vec![
        welcome(author).into(),
        SessionFrame::AuthSuccess {
            user_id: &author.user_id,
            username: &author.username,
            role: Role::Member,
            token: "t",
        }
        .into(),
        SessionFrame::Pong.into(),
        RoomFrame::Left { room_id: room, reason: Some("kicked") }.into(),
        RoomFrame::Ack { receipt: ReceiptJson::new(room, Some("n"), &receipt) }.into(),
        RoomFrame::Ack { receipt: ReceiptJson::of_change(room, Some("n"), &unchanged) }.into(),
        RoomFrame::Count { room_id: room, client_count: 3 }.into(),
        RoomFrame::Gap { room_id: room, from: 2, to: 4 }.into(),
        RoomFrame::reset(room, &position).into(),
        RoomsFrame::Rooms { prefix: None, rooms: &rooms, total: Some(1) }.into(),
        RoomsFrame::Rooms { prefix: Some("ge"), rooms: &rooms, total: None }.into(),
        RoomsFrame::RoomsChanged { rooms: &rooms, total: 1 }.into(),
        ErrorFrame::new(&rejection, reference).into(),
    ];
    frames.extend(events.iter().map(|event| ServerFrame::from(UserFrame::from(event))));
    frames.extend(notices.iter().map(|notice| ServerFrame::from(NoticeFrame::new(room, notice))));
    frames.iter().for_each(is_listed);
    frames.iter().map(|frame| serde_json::to_value(frame).unwrap()).collect()
}

/// A frame that is not named here has no example above: add both.
fn is_listed(frame: &ServerFrame<'_>) {
    match frame {
        ServerFrame::Session(
            SessionFrame::Welcome { .. } | SessionFrame::AuthSuccess { .. } | SessionFrame::Pong,
        )
        | ServerFrame::Room(
            RoomFrame::Left { .. }
            | RoomFrame::Ack { .. }
            | RoomFrame::Count { .. }
            | RoomFrame::Gap { .. }
            | RoomFrame::Reset { .. },
        )
        | ServerFrame::Rooms(RoomsFrame::Rooms { .. } | RoomsFrame::RoomsChanged { .. })
        | ServerFrame::User(
            UserFrame::Inbox { .. }
            | UserFrame::Read { .. }
            | UserFrame::ReadBy { .. }
            | UserFrame::MyRoomsChanged
            | UserFrame::ReportsChanged
            | UserFrame::Notification(_)
            | UserFrame::Seen { .. },
        )
        | ServerFrame::Notice(_)
        | ServerFrame::Error(_) => {}
    }
}

fn welcome(author: &Author) -> SessionFrame<'_> {
    SessionFrame::Welcome {
        connection_id: ConnectionId::random(),
        user_id: Some(&author.user_id),
        username: Some(&author.username),
        role: Some(Role::Guest),
        node_id: NodeId::random(),
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
            files_bytes_per_day: Some(7),
        },
        build: "b",
        timestamp: Timestamp::now(),
    }
}

fn joined(room: &RoomName, author: &Author, read_by: Option<&ReadBy>) -> Value {
    let member = Member {
        id: ConnectionId::random(),
        user_id: author.user_id.clone(),
        username: author.username.clone(),
    };
    let answer = Entrance {
        room,
        position: &Position { epoch: Epoch::new("e"), seq: 7 },
        is_recovered: true,
        read_seq: Some(5),
        read_by,
        client_count: 2,
        members: &[member],
        messages: &[],
        notice: None,
    };
    object(&entrance(&answer, SessionKind::Full)[0])
}

/// The entries of a log, as it gives them.
fn logged(room: &RoomName, author: &Author) -> Vec<Value> {
    let file = FileInfo {
        id: "f".into(),
        name: "photo.png".into(),
        r#type: "image/png".into(),
        size: 1,
        width: Some(1),
        height: Some(1),
        url: "u".into(),
    };
    let mut draft = Draft::new(room.clone(), author.clone(), "হ্যালো".into());
    draft.mentions = vec![author.user_id.clone()];
    draft.files = vec![file];
    let emoji = Emoji::parse("👍").expect("an emoji");
    let changes = [
        Change::Edit { content: "x".into() },
        Change::Delete { rights: DeleteRights::Own },
        Change::React { emoji, on: true },
    ];
    let changes = changes.map(|change| {
        // The log puts the content of an edit behind it.
        let content = if matches!(change, Change::Edit { .. }) { "\"x\"" } else { "" };
        ChangeDraft::new(room.clone(), author.clone(), 42, change).open_json() + content
    });
    let open = [draft.open_json()].into_iter().chain(changes);
    open.map(|open| serde_json::from_str(&close_json(&open, "t", 7)).unwrap()).collect()
}
