//! How far the other user of a conversation has read: shown to both, unless one of them does not share it.

use serde_json::{Value, json};

use super::{Person, cluster, cluster_with, path};
use crate::harness::{Client, Cluster, Node};

/// A conversation of two users on two nodes.
struct Talk {
    rahim: Person,
    mita: Person,
    room: String,
}

impl Talk {
    async fn of(cluster: &Cluster) -> Self {
        let nodes = &cluster.nodes;
        let (rahim, mita) =
            (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
        let room = rahim.converses(&nodes[0], &mita).await;
        Self { rahim, mita, room }
    }

    /// The frame that tells one user how far another has read.
    fn told(&self, reader: &Person, seq: u64) -> Value {
        json!({ "type": "read_by", "room_id": self.room, "user_id": reader.user_id, "seq": seq })
    }

    /// The cursor of the other one in the list of a user's rooms.
    async fn listed(&self, person: &Person, node: &Node) -> Value {
        let rooms = person.rooms(node).await;
        rooms.into_iter().find(|one| one["id"] == self.room).expect("the conversation is listed")["read_by"]
            .clone()
    }

    async fn reads(&self, session: &mut Client, seq: u64) {
        session.send(json!({ "type": "read", "room_id": self.room, "seq": seq })).await;
        session.catch_up().await;
    }
}

impl Person {
    async fn shares(&self, node: &Node, is_on: bool) {
        let body = json!({ "share_reading": is_on });
        self.does(node, "PUT", "/api/me/settings", Some(body.clone()), 204).await;
        assert_eq!(self.does(node, "GET", "/api/me/settings", None, 200).await.json(), body);
    }
}

/// Each has what it was given until now.
async fn assert_untold(session: &mut Client) {
    session.catch_up().await;
    assert_eq!(session.untaken("read_by"), Vec::<Value>::new());
}

#[tokio::test]
async fn the_other_user_of_a_conversation_is_told_on_every_node_how_far_one_has_read() {
    let Some(cluster) = cluster(2).await else { return };
    let (nodes, talk) = (&cluster.nodes, Talk::of(&cluster).await);
    let mut mine = [talk.rahim.session(&nodes[0]).await, talk.rahim.session(&nodes[1]).await];
    let mut theirs = talk.mita.session(&nodes[1]).await;
    assert_eq!(mine[0].join(&talk.room).await["read_by"], Value::Null, "nothing was read yet");
    for content in ["one", "two", "three"] {
        mine[0].posts(&talk.room, content).await;
    }
    talk.reads(&mut theirs, 2).await;
    // Also a session that is not in the room.
    for session in &mut mine {
        assert_eq!(session.expect("read_by").await, talk.told(&talk.mita, 2));
    }
    // Backwards: nobody is told. The next one shows that.
    talk.reads(&mut theirs, 1).await;
    let read = path(&["me", "rooms", &talk.room, "read"]);
    talk.mita.does(&nodes[0], "PUT", &read, Some(json!({ "seq": 9 })), 204).await;
    for session in &mut mine {
        assert_eq!(session.expect("read_by").await, talk.told(&talk.mita, 3));
        assert_untold(session).await;
    }
    assert_untold(&mut theirs).await;
    let read_by = json!({ "user_id": talk.mita.user_id, "seq": 3 });
    let mut late = talk.rahim.session(&nodes[1]).await;
    assert_eq!(late.join(&talk.room).await["read_by"], read_by);
    for node in nodes {
        assert_eq!(talk.listed(&talk.rahim, node).await, read_by);
        assert_eq!(talk.listed(&talk.mita, node).await, Value::Null, "the other one has not read");
    }
}

#[tokio::test]
async fn a_user_that_does_not_share_its_reading_shows_nothing_and_sees_nothing() {
    let Some(mut cluster) = cluster(2).await else { return };
    let talk = Talk::of(&cluster).await;
    let mut mine = talk.rahim.session(&cluster.nodes[0]).await;
    let mut theirs = talk.mita.session(&cluster.nodes[1]).await;
    for content in ["one", "two", "three"] {
        talk.rahim.posts(&cluster.nodes[0], &talk.room, content).await;
    }
    talk.reads(&mut theirs, 1).await;
    assert_eq!(mine.expect("read_by").await, talk.told(&talk.mita, 1));
    theirs.take_all();
    talk.mita.shares(&cluster.nodes[0], false).await;
    theirs.expect("my_rooms_changed").await;
    talk.reads(&mut theirs, 2).await;
    talk.reads(&mut mine, 2).await;
    assert_untold(&mut mine).await;
    assert_untold(&mut theirs).await;
    // The setting is the cluster's: another node, also one that starts anew, knows it.
    cluster.nodes[1].restart().await;
    for node in &cluster.nodes {
        for person in [&talk.rahim, &talk.mita] {
            assert_eq!(talk.listed(person, node).await, Value::Null);
            let mut session = person.session(node).await;
            assert_eq!(session.join(&talk.room).await["read_by"], Value::Null);
        }
    }
    talk.mita.shares(&cluster.nodes[1], true).await;
    let mut theirs = talk.mita.session(&cluster.nodes[1]).await;
    let joined = theirs.join(&talk.room).await;
    assert_eq!(joined["read_by"], json!({ "user_id": talk.rahim.user_id, "seq": 2 }));
    talk.reads(&mut theirs, 3).await;
    assert_eq!(mine.expect("read_by").await, talk.told(&talk.mita, 3));
}

#[tokio::test]
async fn nobody_else_learns_who_has_read_what() {
    let Some(cluster) = cluster(2).await else { return };
    let (nodes, talk) = (&cluster.nodes, Talk::of(&cluster).await);
    let stranger = Person::register(&nodes[0], "Karim").await;
    let mut other = stranger.session(&nodes[1]).await;
    let mut mine = talk.rahim.session(&nodes[0]).await;
    let mut theirs = talk.mita.session(&nodes[1]).await;
    // In rooms of more than two nobody is told.
    let private = talk.rahim.makes_room(&nodes[0], "one").await;
    talk.rahim.adds(&nodes[0], &private, &talk.mita).await;
    for room in [private.as_str(), "general"] {
        theirs.join(room).await;
        talk.rahim.posts(&nodes[0], room, "hello").await;
        assert_eq!(mine.join(room).await["read_by"], Value::Null);
        theirs.send(json!({ "type": "read", "room_id": room, "seq": 1 })).await;
        theirs.expect("read").await;
    }
    talk.rahim.posts(&nodes[0], &talk.room, "a secret").await;
    talk.reads(&mut theirs, 1).await;
    assert_eq!(mine.expect("read_by").await, talk.told(&talk.mita, 1));
    assert_untold(&mut mine).await;
    // A stranger that says it has read the conversation is told what it is told of any other room.
    other.send(json!({ "type": "read", "room_id": talk.room, "seq": 1 })).await;
    assert_eq!(other.expect("error").await["code"], "room_not_found");
    assert_untold(&mut other).await;
    assert_untold(&mut theirs).await;
}

#[tokio::test]
async fn guests_share_what_they_have_read_where_they_may_whisper() {
    let Some(cluster) = cluster(1).await else { return };
    let guest = Client::full(&cluster.nodes[0], "Guest").await;
    let put = async |node: &Node, token: &str| {
        let call = node.http().call("PUT", "/api/me/settings");
        let call = call.header("authorization", &format!("Bearer {token}"));
        call.json(&json!({ "share_reading": false })).send().await
    };
    assert_eq!(put(&cluster.nodes[0], &guest.token).await.error(403), "forbidden");
    assert_eq!(
        cluster.nodes[0].http().call("GET", "/api/me/settings").send().await.error(401),
        "auth_required"
    );
    let Some(cluster) = cluster_with(1, &[("auth.guests_may_whisper", "true")]).await else { return };
    let node = &cluster.nodes[0];
    let rahim = Person::register(node, "Rahim").await;
    let mut guest = Client::full(node, "Guest").await;
    guest.join("general").await;
    let body = Some(json!({ "user_id": guest.user_id }));
    let made = rahim.does(node, "POST", "/api/conversations", body, 200).await.json();
    let room = made["id"].as_str().expect("an id").to_owned();
    let mut mine = rahim.session(node).await;
    rahim.posts(node, &room, "one").await;
    rahim.posts(node, &room, "two").await;
    guest.send(json!({ "type": "read", "room_id": room, "seq": 1 })).await;
    assert_eq!(mine.expect("read_by").await["user_id"], guest.user_id);
    assert_eq!(put(node, &guest.token).await.status, 204);
    guest.send(json!({ "type": "read", "room_id": room, "seq": 2 })).await;
    guest.expect("read").await;
    guest.catch_up().await;
    assert_untold(&mut mine).await;
}
