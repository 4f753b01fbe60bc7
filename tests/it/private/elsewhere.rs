//! To a stranger a private room is as one that never was, also where it is not asked about by its id: files, schedules, lists,
//! figures and records.

use adda::chat::{Identity, Source, sign_token};
use adda::model::{Author, Role, UserId, Username};
use serde_json::json;

use super::secrecy::{Secrets, answered, unused};
use super::{Person, cluster_with, path};
use crate::files::{Folder, form, post, send_form, upload};
use crate::harness::http::text;
use crate::harness::{DEADLINE, Dial, Node, Reply};

pub const SECRET: &str = "a secret of these tests alone, long enough";

/// A user with a role, who is a member of no room.
pub fn operator(role: Role) -> Person {
    let user_id = UserId::parse(role.as_str()).expect("a user id");
    let username = Username::parse(role.as_str(), 32).expect("a name");
    let author = Author { user_id, username };
    let identity = Identity { role, source: Source::Issuer, ..Identity::guest_with(author) };
    let token = sign_token(SECRET, &identity, DEADLINE * 60).token;
    Person { user_id: role.as_str().to_owned(), username: role.as_str().to_owned(), token }
}

async fn gets(node: &Node, person: Option<&Person>, url: &str, header: (&str, &str)) -> Reply {
    let call = node.http().call("GET", url).header(header.0, header.1);
    match person {
        Some(Person { token, .. }) => call.header("authorization", &format!("Bearer {token}")).send().await,
        None => call.send().await,
    }
}

#[tokio::test]
async fn a_stranger_finds_no_file_of_a_private_room_and_uploads_none() {
    let folder = Folder::new();
    let Some(cluster) = cluster_with(2, &[("files.url", folder.path()), ("auth.secret", SECRET)]).await
    else {
        return;
    };
    let mut secrets = Secrets::of(&cluster).await;
    let node = &cluster.nodes[1];
    let stranger = Person::register(node, "Karim").await;
    let strangers = [&stranger, &operator(Role::Moderator), &operator(Role::Admin)];
    for room in &secrets.rooms {
        let owner = &secrets.owner;
        let [posted, unposted] = [
            upload(node, &owner.token, room, "secret.txt", b"a secret").await,
            upload(node, &owner.token, room, "secret.txt", b"a secret").await,
        ];
        post(&mut secrets.sessions[0], room, &text(&posted["id"]), &[&posted]).await;
        assert_eq!(gets(node, Some(owner), &text(&posted["url"]), ("x", "x")).await.status, 200);
        for stranger in strangers {
            let upload = async |room: &str| {
                let reply = send_form(node, &stranger.token, room, form("a.txt", b"x")).await;
                answered(&reply, room)
            };
            let told = upload(room).await;
            assert_eq!(told, upload(&unused(room)).await);
            assert!(told.contains("room_not_found"), "{told}");
        }
        for file in [&posted, &unposted] {
            let never = uuid::Uuid::new_v4().to_string();
            let (id, url) = (text(&file["id"]), text(&file["url"]));
            for person in strangers.map(Some).into_iter().chain([None]) {
                for header in [("x", "x"), ("range", "bytes=0-0"), ("if-none-match", &format!("\"{id}\""))] {
                    let told = answered(&gets(node, person, &url, header).await, &id);
                    let of_none = gets(node, person, &url.replace(&id, &never), header).await;
                    assert_eq!(told, answered(&of_none, &never), "{header:?}");
                    assert!(told.contains("file_not_found"), "{told}");
                }
                // In a message to another room.
                let Some(person) = person else { continue };
                let posts = async |id: &str| {
                    let body = Some(json!({ "content": "x", "files": [id] }));
                    let reply = person.asks(node, "POST", "/api/rooms/general/messages", body).await;
                    answered(&reply, id)
                };
                assert_eq!(posts(&id).await, posts(&never).await);
            }
        }
    }
}

#[tokio::test]
async fn a_schedule_can_not_tell_of_a_private_room() {
    let Some(cluster) = cluster_with(2, &[("auth.secret", SECRET)]).await else { return };
    let secrets = Secrets::of(&cluster).await;
    let node = &cluster.nodes[0];
    let stranger = Person::register(node, "Karim").await;
    for (person, code) in [(&operator(Role::Admin), "room_not_found"), (&stranger, "forbidden")] {
        for room in &secrets.rooms {
            let schedules = async |room: &str| {
                let body = Some(json!({ "to": { "room_id": room }, "content": "x", "every_s": 1000 }));
                answered(&person.asks(node, "POST", "/api/schedules", body).await, room)
            };
            let told = schedules(room).await;
            assert_eq!(told, schedules(&unused(room)).await);
            assert!(told.contains(code), "{told}");
            // The id of a room is no user's: a notification to it goes nowhere, and nobody is told more.
            let notifies = async |room: &str| {
                let body = Some(json!({ "to": room, "content": "x" }));
                let reply = person.asks(node, "POST", "/api/notifications", body).await;
                let id = reply.json()["id"].as_str().unwrap_or("none").to_owned();
                answered(&reply, room).replace(&id, "ID")
            };
            assert_eq!(notifies(room).await, notifies(&unused(room)).await);
        }
    }
}

#[tokio::test]
async fn lists_figures_and_records_are_those_without_the_private_room() {
    let settings = [("http.public_stats", "true"), ("auth.secret", SECRET)];
    let Some(cluster) = cluster_with(2, &settings).await else { return };
    let nodes = &cluster.nodes;
    let stranger = Person::register(&nodes[0], "Karim").await;
    let (moderator, admin) = (operator(Role::Moderator), operator(Role::Admin));
    let own =
        ["/api/me/search?q=secret", "/api/me/rooms", "/api/me/notifications", "/api/audit", "/api/rooms"];
    let asked = async || {
        let mut told = Vec::new();
        for node in nodes {
            for person in [&stranger, &moderator] {
                for route in own {
                    told.push(answered(&person.asks(node, "GET", route, None).await, "no id"));
                }
            }
        }
        told
    };
    let before = asked().await;
    let secrets = Secrets::of(&cluster).await;
    let room = &secrets.rooms[0];
    secrets.owner.does(&nodes[0], "PUT", &path(&["rooms", room, "lock"]), None, 204).await;
    assert_eq!(asked().await, before);
    // Figures count, and name nothing.
    let hidden = [secrets.rooms.iter().map(String::as_str).collect(), vec!["a secret"]].concat();
    for node in nodes {
        assert_eq!(node.http().metrics().await.value("adda_rooms"), 0.0, "private rooms are in no count");
        let mut told = String::from_utf8(node.http().get("/metrics").await.body.to_vec()).expect("text");
        for route in ["/api/stats", "/api/nodes"] {
            told += &node.http().json(route).await.to_string();
        }
        let mut screen = Dial::plain(node.port, "/ws/dashboard").open().await;
        told += &screen.next().await.to_string();
        for hidden in &hidden {
            assert!(!told.contains(hidden), "{hidden}: {told}");
        }
    }
    // An act of an admin in a room of others is recorded. The room is named to admins alone.
    let muted = path(&["rooms", room, "mutes", &secrets.member.user_id]);
    admin.does(&nodes[0], "PUT", &muted, Some(json!({ "for_s": 60 })), 204).await;
    let records = async |person: &Person| person.does(&nodes[1], "GET", "/api/audit", None, 200).await.json();
    assert_eq!(records(&admin).await["data"][0]["room_id"], json!(room));
    let told = records(&moderator).await;
    assert_eq!((&told["data"][0]["action"], &told["data"][0]["room_id"]), (&json!("mute"), &json!(null)));
    assert!(!told.to_string().contains(room.as_str()), "{told}");
}

#[tokio::test]
async fn acts_of_an_admin_in_the_room_of_another_are_recorded() {
    let Some(cluster) = cluster_with(2, &[("auth.secret", SECRET)]).await else { return };
    let nodes = &cluster.nodes;
    let owner = Person::register(&nodes[0], "Rahim").await;
    let stranger = Person::register(&nodes[0], "Karim").await;
    let (moderator, admin) = (operator(Role::Moderator), operator(Role::Admin));
    let room = owner.makes_room(&nodes[0], "one").await;
    let records = async |person: &Person| person.does(&nodes[1], "GET", "/api/audit", None, 200).await.json();
    // Changes of the owner are in no record, those of an admin are.
    let member = path(&["rooms", &room, "members", &stranger.user_id]);
    let room_path = path(&["rooms", &room]);
    let title = Some(json!({ "title": "two" }));
    owner.does(&nodes[0], "PUT", &member, None, 204).await;
    owner.does(&nodes[0], "DELETE", &member, None, 204).await;
    owner.does(&nodes[0], "PATCH", &room_path, title.clone(), 200).await;
    admin.does(&nodes[0], "PUT", &member, None, 204).await;
    admin.does(&nodes[0], "DELETE", &member, None, 204).await;
    admin.does(&nodes[0], "PATCH", &room_path, title, 200).await;
    admin.does(&nodes[0], "DELETE", &room_path, None, 204).await;
    let told = records(&admin).await;
    let acts: Vec<_> = told["data"].as_array().unwrap().iter().collect();
    let actions: Vec<_> = acts.iter().map(|act| act["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["delete_room", "describe_room", "remove_member", "add_member"]);
    assert!(acts.iter().all(|act| act["room_id"] == json!(room) && act["failed"].is_null()), "{told}");
    assert_eq!(
        (&acts[2]["user_id"], &acts[3]["user_id"]),
        (&json!(stranger.user_id), &json!(stranger.user_id))
    );
    let told = records(&moderator).await;
    assert!(!told.to_string().contains(room.as_str()), "{told}");
}

#[tokio::test]
async fn a_user_that_the_operator_has_named_is_a_member_as_others_are() {
    let Some(cluster) = cluster_with(2, &[("auth.secret", SECRET)]).await else { return };
    let nodes = &cluster.nodes;
    let owner = Person::register(&nodes[0], "Rahim").await;
    let (moderator, admin) = (operator(Role::Moderator), operator(Role::Admin));
    let room = owner.makes_room(&nodes[0], "one").await;
    let member = path(&["rooms", &room, "members", &moderator.user_id]);
    assert_eq!(
        owner.asks(&nodes[0], "PUT", &member, None).await.error(404),
        "not_found",
        "nobody has seen it"
    );
    moderator.session(&nodes[1]).await;
    owner.adds(&nodes[0], &room, &moderator).await;
    owner.converses(&nodes[0], &moderator).await;
    // A deletion there is recorded, and its room is named to admins alone.
    let seq = owner.posts(&nodes[0], &room, "a secret").await;
    let message = path(&["rooms", &room, "messages", &seq.to_string()]);
    moderator.does(&nodes[1], "DELETE", &message, None, 200).await;
    for (person, place) in [(&admin, (json!(room), json!(seq))), (&moderator, (json!(null), json!(null)))] {
        let told = person.does(&nodes[1], "GET", "/api/audit", None, 200).await.json();
        let act = &told["data"][0];
        assert_eq!((&act["action"], &act["user_id"]), (&json!("delete_message"), &json!(owner.user_id)));
        assert_eq!((act["room_id"].clone(), act["seq"].clone()), place, "{}", person.username);
    }
}
