//! To a stranger a private room is as one that never was: the same answers over WebSocket and REST, and no word of it anywhere.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Person, cluster, path};
use crate::harness::{Client, Cluster, Dial, Node, Reply};

/// A private room and a conversation of two users, with messages and sessions in them.
pub(super) struct Secrets {
    pub owner: Person,
    pub member: Person,
    /// A member of the private room once.
    pub removed: Person,
    pub rooms: Vec<String>,
    pub sessions: Vec<Client>,
}

impl Secrets {
    pub async fn of(cluster: &Cluster) -> Self {
        let nodes = &cluster.nodes;
        let (owner, member) =
            (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[1], "Mita").await);
        let room = owner.makes_room(&nodes[0], "a secret title").await;
        owner.adds(&nodes[0], &room, &member).await;
        let removed = Person::register(&nodes[0], "Anu").await;
        owner.adds(&nodes[0], &room, &removed).await;
        owner.removes(&nodes[1], &room, &removed).await;
        let rooms = vec![room, owner.converses(&nodes[0], &member).await];
        let mut sessions = Vec::new();
        for (person, node) in [(&owner, &nodes[0]), (&member, &nodes[1])] {
            let mut session = person.session(node).await;
            for room in &rooms {
                session.join(room).await;
                session.posts(room, "a secret").await;
            }
            sessions.push(session);
        }
        Self { owner, member, removed, rooms, sessions }
    }
}

/// The id of a room of the same kind that never was.
pub(super) fn unused(room: &str) -> String {
    format!("{}{}", &room[..1], uuid::Uuid::new_v4().simple())
}

/// A request of a stranger about a room.
pub(super) struct Request {
    pub method: &'static str,
    /// The parts of the path before the room.
    before: &'static [&'static str],
    pub path: Vec<String>,
    query: &'static str,
    body: Option<Value>,
}

pub(super) fn requests(user: &str) -> Vec<Request> {
    let request = |method, path: &[&str], query, body| Request {
        method,
        before: &["rooms"],
        path: path.iter().map(|&part| part.to_owned()).collect(),
        query,
        body,
    };
    let text = || Some(json!({ "content": "x" }));
    vec![
        request("GET", &[], "", None),
        request("GET", &[], "?limit=1", None),
        request("GET", &["messages"], "", None),
        request("GET", &["messages"], "?before=2", None),
        request("GET", &["messages"], "?after=0&limit=1", None),
        request("POST", &["messages"], "", text()),
        request("PUT", &["messages", "1"], "", text()),
        request("DELETE", &["messages", "1"], "", None),
        request("PUT", &["messages", "1", "reactions", "👍"], "", None),
        request("DELETE", &["messages", "1", "reactions", "👍"], "", None),
        request("GET", &["search"], "?q=secret", None),
        request("GET", &["membership"], "", None),
        request("PATCH", &[], "", Some(json!({ "title": "x" }))),
        request("DELETE", &[], "", None),
        request("PUT", &["members", user], "", None),
        request("DELETE", &["members", user], "", None),
        request("POST", &["kick"], "", Some(json!({ "user_id": user }))),
        request("GET", &["mutes"], "", None),
        request("PUT", &["mutes", user], "", Some(json!({ "for_s": 60 }))),
        request("DELETE", &["mutes", user], "", None),
        request("POST", &["reports"], "", Some(json!({ "seq": 1, "reason": "x" }))),
        request("POST", &["reports"], "", Some(json!({ "user_id": user, "reason": "x" }))),
        request("GET", &["reports"], "", None),
        request("PUT", &["lock"], "", None),
        request("DELETE", &["lock"], "", None),
        Request { before: &["me", "rooms"], ..request("PUT", &["read"], "", Some(json!({ "seq": 1 }))) },
    ]
}

/// The whole answer about a room, with its id taken out.
pub(super) async fn answer(node: &Node, token: Option<&str>, request: &Request, room: &str) -> String {
    let parts: Vec<&str> =
        request.before.iter().copied().chain([room]).chain(request.path.iter().map(String::as_str)).collect();
    let call = node.http().call(request.method, &format!("{}{}", path(&parts), request.query));
    let call = match token {
        Some(token) => call.header("authorization", &format!("Bearer {token}")),
        None => call,
    };
    let reply = match &request.body {
        Some(body) => call.json(body).send().await,
        None => call.send().await,
    };
    answered(&reply, room)
}

/// An answer, but for what is of one request alone, with the id of a room taken out.
pub(super) fn answered(reply: &Reply, room: &str) -> String {
    let mut headers: Vec<String> = reply
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    let body = String::from_utf8_lossy(&reply.body).replace(room, "ROOM");
    format!("{} {headers:?} {body}", reply.status)
}

#[tokio::test]
async fn rest_answers_a_stranger_as_for_a_room_that_never_was() {
    let Some(cluster) = cluster(2).await else { return };
    let secrets = Secrets::of(&cluster).await;
    let stranger = Person::register(&cluster.nodes[0], "Karim").await;
    let guest = Client::full(&cluster.nodes[0], "x").await;
    let users = [stranger.user_id.as_str(), &secrets.member.user_id];
    for node in &cluster.nodes {
        for user in users {
            for request in requests(user) {
                let tokens = [&stranger.token, &guest.token, &secrets.removed.token];
                for token in tokens.map(|token| Some(token.as_str())).into_iter().chain([None]) {
                    for room in &secrets.rooms {
                        let told = answer(node, token, &request, room).await;
                        let of_none = answer(node, token, &request, &unused(room)).await;
                        assert_eq!(told, of_none, "{} {:?}", request.method, request.path);
                        let is_refused = token.is_some() || request.method == "GET";
                        assert!(
                            !is_refused || told.contains("room_not_found") || told.contains("auth_required"),
                            "{told}"
                        );
                    }
                    // An id that is none of the server's.
                    let of_none = answer(node, token, &request, &unused("!")).await;
                    for bad in [
                        "!",
                        "@",
                        "!x",
                        "@আড্ডা",
                        &format!("!{}", "X".repeat(32)),
                        &format!("!{}", "0".repeat(300)),
                    ] {
                        assert_eq!(answer(node, token, &request, bad).await, of_none, "{bad}");
                    }
                }
            }
        }
    }
}

/// The error that answers a frame about a room and all that comes with it, with its id taken out.
async fn frames(session: &mut Client, frame: &Value, room: &str) -> String {
    let mut frame = frame.clone();
    frame["room_id"] = room.into();
    session.send(frame).await;
    // A ping may be answered while a join is under way, so the answer is waited for first.
    let answer = session.expect("error").await;
    session.catch_up().await;
    format!("{answer} {}", Value::from(session.take_all())).replace(room, "ROOM")
}

/// The same for a file in one binary frame.
async fn file_frame(session: &mut Client, room: &str) -> String {
    let head = json!({ "room_id": room, "name": "a", "nonce": "n" }).to_string();
    session.send_message(Message::Binary([head.as_bytes(), b"\nx"].concat().into())).await;
    let answer = session.expect("error").await;
    session.catch_up().await;
    format!("{answer} {}", Value::from(session.take_all())).replace(room, "ROOM")
}

#[tokio::test]
async fn a_session_of_a_stranger_is_answered_as_for_a_room_that_never_was() {
    let Some(cluster) = cluster(2).await else { return };
    let secrets = Secrets::of(&cluster).await;
    let stranger = Person::register(&cluster.nodes[0], "Karim").await;
    for (node, person) in cluster.nodes.iter().flat_map(|node| [(node, &stranger), (node, &secrets.removed)])
    {
        let mut session = person.session(node).await;
        session.take_all();
        for frame in [
            json!({ "type": "join" }),
            json!({ "type": "read", "seq": 1 }),
            json!({ "type": "text", "content": "x", "files": [uuid::Uuid::new_v4()] }),
            json!({ "type": "join", "history": 10 }),
            json!({ "type": "join", "since": { "epoch": "e", "seq": 1 } }),
            json!({ "type": "text", "content": "x", "nonce": "n" }),
            json!({ "type": "text", "content": "x", "reply_to": 1 }),
            json!({ "type": "edit", "ref": 1, "content": "x" }),
            json!({ "type": "delete", "ref": 1 }),
            json!({ "type": "react", "ref": 1, "emoji": "👍", "on": true }),
            json!({ "type": "typing" }),
            json!({ "type": "leave" }),
        ] {
            for room in &secrets.rooms {
                let told = frames(&mut session, &frame, room).await;
                assert_eq!(told, frames(&mut session, &frame, &unused(room)).await, "{frame}");
                assert!(told.contains("room_not_found"), "{frame}: {told}");
            }
            let of_none = frames(&mut session, &frame, &unused("!")).await;
            for bad in ["!", "@x", " !x", "!আড্ডা"] {
                assert_eq!(frames(&mut session, &frame, bad).await, of_none, "{frame} {bad}");
            }
        }
        // A file in one frame.
        for room in &secrets.rooms {
            let told = file_frame(&mut session, room).await;
            assert_eq!(told, file_frame(&mut session, &unused(room)).await);
            assert!(told.contains("room_not_found"), "{told}");
        }
        // In the address of the upgrade.
        for room in &secrets.rooms {
            let bearer = format!("Bearer {}", person.token);
            for bearer in [Some(&bearer), None] {
                let mut told = Vec::new();
                for room in [room, &unused(room)] {
                    let address = format!("/ws?room={}", crate::harness::http::encode(room));
                    let dial = Dial::plain(node.port, address);
                    let dial = bearer.into_iter().fold(dial, |dial, it| dial.header("authorization", it));
                    let mut plain = dial.open().await;
                    let code = plain.closed().await;
                    told.push((code, Value::from(plain.take_all()).to_string()));
                }
                assert_eq!(told[0], told[1]);
            }
        }
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one step a door")]
async fn no_list_count_or_frame_tells_a_stranger_of_a_private_room() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let stranger = Person::register(&nodes[0], "Karim").await;
    let mut watchers = Vec::new();
    for node in nodes {
        let mut session = stranger.session(node).await;
        session.join("general").await;
        session.send(json!({ "type": "rooms", "watch": true })).await;
        session.expect("rooms").await;
        watchers.push(session);
    }
    let mut secrets = Secrets::of(&cluster).await;
    let room = secrets.rooms[0].clone();
    // Each kind of event.
    let [first, second] = secrets.sessions.as_mut_slice() else { panic!("there are two") };
    first.send(json!({ "type": "typing", "room_id": room })).await;
    second.expect("typing").await;
    second.leave(&room).await;
    second.join(&room).await;
    let mention = json!({ "type": "text", "room_id": room, "content": "x", "mentions": [stranger.user_id] });
    first.send(mention).await;
    first.expect("ack").await;
    let topic = Some(json!({ "topic": "tea" }));
    secrets.owner.does(&nodes[0], "PATCH", &path(&["rooms", &room]), topic, 200).await;
    secrets.owner.does(&nodes[0], "PUT", &path(&["rooms", &room, "lock"]), None, 204).await;
    for (node, watcher) in nodes.iter().zip(&mut watchers) {
        // A public room that is occupied afterwards is listed: so what came before would be.
        let mut public = Client::full(node, "x").await;
        public.join("afterwards").await;
        let is_it =
            |frame: &Value| frame["type"] == "rooms_changed" && frame.to_string().contains("afterwards");
        watcher.expect_that("the public room", is_it).await;
        for prefix in ["", "!", "@", room.as_str()] {
            watcher.send(json!({ "type": "rooms", "prefix": prefix })).await;
            let found = watcher.expect("rooms").await;
            let ids: Vec<&str> = found["rooms"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(|room| room["id"].as_str())
                .collect();
            assert!(ids.iter().all(|id| !id.starts_with(['!', '@'])), "{prefix}: {ids:?}");
        }
        let listed = node.http().rooms().await;
        assert!(listed.iter().all(|(name, _)| !name.starts_with(['!', '@'])), "{listed:?}");
        let counted: u64 = node.http().json("/api/nodes").await["data"]
            .as_array()
            .expect("nodes")
            .iter()
            .map(|node| node["rooms"].as_u64().unwrap())
            .sum();
        assert!(counted <= 4, "general and the public room on each node: {counted}");
    }
    secrets.owner.removes(&nodes[0], &room, &secrets.member).await;
    secrets.owner.does(&nodes[1], "DELETE", &path(&["rooms", &room]), None, 204).await;
    for watcher in &mut watchers {
        watcher.catch_up().await;
        let frames = Value::from(watcher.take_all()).to_string();
        for secret in secrets.rooms.iter().map(String::as_str).chain(["secret", "inbox", "my_rooms_changed"])
        {
            assert!(!frames.contains(secret), "{secret}: {frames}");
        }
    }
}
