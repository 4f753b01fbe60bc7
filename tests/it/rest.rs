//! The REST API, on one node with the memory backend and on a cluster, where requests go to another node than the
//! sessions.

use serde_json::{Value, json};

use crate::harness::http::{encode, text};
use crate::harness::{Client, Cluster, Dial, Node, Reply};

/// Calls a check with two nodes that share their state: a node and itself, and two of a cluster.
macro_rules! on_every_backend {
    ($check:ident) => {
        #[tokio::test]
        async fn $check() {
            let node = Node::memory().await;
            checks::$check(&node, &node).await;
            let Some(cluster) = Cluster::start(2).await else { return };
            checks::$check(&cluster.nodes[0], &cluster.nodes[1]).await;
        }
    };
}

on_every_backend!(rooms_are_listed_while_they_are_occupied);
on_every_backend!(rooms_are_listed_page_by_page_and_by_prefix);
on_every_backend!(a_prefix_may_be_written_in_any_normal_form);
on_every_backend!(a_room_names_its_sessions);
on_every_backend!(the_sessions_of_a_room_come_page_by_page);
on_every_backend!(messages_come_page_by_page);
on_every_backend!(a_post_is_a_message_like_any_other);
on_every_backend!(a_bearer_posts_as_its_user);
on_every_backend!(an_idempotency_key_posts_once);

async fn post(node: &Node, room: &str, body: Value, headers: &[(&str, &str)]) -> Reply {
    let call = node.http().call("POST", &format!("/api/rooms/{}/messages", encode(room))).json(&body);
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
}

fn seqs(page: &Value) -> Vec<u64> {
    page["data"]
        .as_array()
        .expect("data")
        .iter()
        .map(|message| message["seq"].as_u64().expect("seq"))
        .collect()
}

mod checks {
    use super::*;

    pub async fn rooms_are_listed_while_they_are_occupied(home: &Node, other: &Node) {
        assert_eq!(other.http().json("/api/rooms").await, json!({ "data": [] }));
        let mut rahim = Client::full(home, "রহিম").await;
        let mut karim = Client::full(other, "করিম").await;
        rahim.join("চায়ের আড্ডা").await;
        rahim.join("cricket").await;
        karim.join("cricket").await;
        let rooms = other.http().json("/api/rooms").await;
        let tea = text(&rooms["data"][1]["id"]);
        assert_eq!(
            rooms,
            json!({ "data": [
                { "id": "cricket", "name": "cricket", "client_count": 2 },
                { "id": tea, "name": tea, "client_count": 1 },
            ] })
        );
        rahim.leave("cricket").await;
        karim.leave("cricket").await;
        assert_eq!(home.http().rooms().await, [(tea, 1)]);
    }

    pub async fn rooms_are_listed_page_by_page_and_by_prefix(home: &Node, other: &Node) {
        let mut rahim = Client::full(home, "রহিম").await;
        for room in ["b3", "a1", "b1", "c1", "b2", "a*"] {
            rahim.join(room).await;
        }
        let page = other.http().json("/api/rooms?limit=4").await;
        assert_eq!(page["data"].as_array().unwrap().len(), 4);
        let cursor = encode(&text(&page["next"]));
        let rest = other.http().json(&format!("/api/rooms?limit=4&cursor={cursor}")).await;
        assert!(rest.get("next").is_none(), "{rest}");
        let names: Vec<_> = [&page, &rest]
            .iter()
            .flat_map(|page| page["data"].as_array().unwrap())
            .map(|room| text(&room["name"]))
            .collect();
        assert_eq!(names, ["a*", "a1", "b1", "b2", "b3", "c1"]);
        for (prefix, expected) in [("b", 3), ("b2", 1), ("a*", 1), ("*", 0), ("B", 0), ("", 6)] {
            let found = other.http().json(&format!("/api/rooms?prefix={}", encode(prefix))).await;
            assert_eq!(found["data"].as_array().unwrap().len(), expected, "{prefix}: {found}");
        }
    }

    pub async fn a_prefix_may_be_written_in_any_normal_form(home: &Node, other: &Node) {
        let mut rahim = Client::full(home, "রহিম").await;
        rahim.join("আ\u{9a1}\u{9bc}ং").await;
        rahim.join("caf\u{e9}").await;
        for prefix in ["আ\u{9dc}", "আ\u{9a1}\u{9bc}", "caf\u{e9}", "cafe\u{301}"] {
            let found = other.http().json(&format!("/api/rooms?prefix={}", encode(prefix))).await;
            assert_eq!(found["data"].as_array().unwrap().len(), 1, "{prefix}: {found}");
        }
    }

    pub async fn a_room_names_its_sessions(home: &Node, other: &Node) {
        let missing = other.http().get("/api/rooms/nobody-here").await;
        assert_eq!(missing.error(404), "room_not_found");
        assert_eq!(missing.json()["error"], "Room not found");

        let mut rahim = Client::full(home, "রহিম").await;
        rahim.join("চা?/&").await;
        let detail = other.http().json(&format!("/api/rooms/{}", encode("চা?/&"))).await;
        let client = json!({ "id": rahim.connection_id, "user_id": rahim.user_id, "username": "রহিম" });
        assert_eq!(
            detail,
            json!({ "data": { "id": "চা?/&", "name": "চা?/&", "client_count": 1, "clients": [client] } })
        );
        rahim.leave("চা?/&").await;
        assert_eq!(
            other.http().get(&format!("/api/rooms/{}", encode("চা?/&"))).await.error(404),
            "room_not_found"
        );
    }

    pub async fn the_sessions_of_a_room_come_page_by_page(home: &Node, other: &Node) {
        let mut crowd = Vec::new();
        for number in 0..7 {
            let mut client = Client::full([home, other][number % 2], &format!("guest {number}")).await;
            client.join("crowd").await;
            crowd.push(client);
        }
        let mut ids = Vec::new();
        let mut query = "?limit=3".to_owned();
        let sizes = [3, 3, 1].map(|size| (size, size == 3));
        for (size, has_more) in sizes {
            let detail = other.http().json(&format!("/api/rooms/crowd{query}")).await["data"].clone();
            assert_eq!(
                (&detail["client_count"], detail["clients"].as_array().unwrap().len()),
                (&json!(7), size)
            );
            ids.extend(detail["clients"].as_array().unwrap().iter().map(|client| text(&client["id"])));
            assert_eq!(detail.get("next").is_some(), has_more, "{detail}");
            if has_more {
                query = format!("?limit=3&cursor={}", encode(&text(&detail["next"])));
            }
        }
        // Sorted by node; `backend_contract` tests the order.
        let mut expected: Vec<_> = crowd.iter().map(|client| client.connection_id.clone()).collect();
        ids.sort();
        expected.sort();
        assert_eq!(ids, expected);
    }

    pub async fn messages_come_page_by_page(home: &Node, other: &Node) {
        let mut rahim = Client::full(home, "রহিম").await;
        rahim.join("log").await;
        for number in 1..=8 {
            rahim.posts("log", &format!("message {number}")).await;
        }
        let received = rahim.texts(8).await;
        let all = other.http().json("/api/rooms/log/messages").await;
        assert_eq!(all["data"], json!(received), "the messages of the session, oldest first");
        assert!(all["epoch"].is_string() && all.get("next").is_none(), "{all}");
        for (query, expected, has_more) in [
            ("?limit=3", vec![6, 7, 8], true),
            ("?limit=3&before=6", vec![3, 4, 5], true),
            ("?limit=3&before=3", vec![1, 2], false),
            ("?limit=3&after=2", vec![3, 4, 5], true),
            ("?limit=3&after=5", vec![6, 7, 8], false),
            ("?after=8", vec![], false),
            ("?before=1", vec![], false),
        ] {
            let page = other.http().json(&format!("/api/rooms/log/messages{query}")).await;
            assert_eq!(seqs(&page), expected, "{query}");
            assert_eq!(page.get("next").is_some(), has_more, "{query}: {page}");
        }
        rahim.leave("log").await;
        assert_eq!(other.http().messages("log", "").await.len(), 8, "the log outlives its readers");
    }

    pub async fn a_post_is_a_message_like_any_other(home: &Node, other: &Node) {
        let mut rahim = Client::full(home, "রহিম").await;
        rahim.join("general").await;
        let reply = post(other, "general", json!({ "content": "from curl", "username": "curl" }), &[]).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let received = rahim.receives("from curl").await;
        assert_eq!(received["username"], "curl");
        assert_ne!(received["user_id"], rahim.user_id);
        let ack = reply.json();
        assert_eq!(
            (&ack["id"], &ack["seq"], &ack["room_id"]),
            (&received["id"], &json!(1), &json!("general"))
        );
        assert_eq!((&ack["duplicate"], &ack["timestamp"]), (&json!(false), &received["timestamp"]));
        assert!(ack["epoch"].is_string(), "{ack}");

        let nameless = post(other, "general", json!({ "content": "who?" }), &[]).await;
        assert_eq!(nameless.status, 201);
        assert_eq!(rahim.receives("who?").await["username"], "Anonymous");
        assert!(rahim.untaken("join").is_empty(), "posting is not joining");
        home.http().post("nobody-is-in-it", "kept all the same").await;
        assert_eq!(other.http().messages("nobody-is-in-it", "").await.len(), 1);
    }

    pub async fn a_bearer_posts_as_its_user(home: &Node, other: &Node) {
        let mut rahim = Client::full(home, "রহিম").await;
        rahim.join("general").await;
        let bearer = format!("Bearer {}", rahim.token);
        for (body, name) in [
            (json!({ "content": "one" }), "রহিম"),
            (json!({ "content": "two", "username": "রহিম ভাই" }), "রহিম ভাই"),
        ] {
            let reply = post(other, "general", body, &[("authorization", &bearer)]).await;
            assert_eq!(reply.status, 201, "{reply:?}");
            let received = rahim.expect("text").await;
            assert_eq!(text(&received["user_id"]), rahim.user_id);
            assert_eq!(received["username"], name);
        }

        let refused =
            post(other, "general", json!({ "content": "x" }), &[("authorization", "Bearer x")]).await;
        assert_eq!(refused.error(401), "bad_token");
    }

    pub async fn an_idempotency_key_posts_once(home: &Node, other: &Node) {
        let rahim = Client::full(home, "রহিম").await;
        let bearer = format!("Bearer {}", rahim.token);
        for (round, headers) in
            [&[("idempotency-key", "k-1")][..], &[("idempotency-key", "k-2"), ("authorization", &bearer)]]
                .into_iter()
                .enumerate()
        {
            let first = post(home, "general", json!({ "content": "once" }), headers).await;
            let again = post(other, "general", json!({ "content": "once" }), headers).await;
            assert_eq!(first.status, 201, "{first:?}");
            assert!(again.status == 200 || again.status == 201, "{again:?}");
            let (first, again) = (first.json(), again.json());
            assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
            assert_eq!((&first["nonce"], &again["nonce"]), (&json!(headers[0].1), &json!(headers[0].1)));
            assert_eq!((&first["id"], &first["seq"]), (&again["id"], &again["seq"]));
            let changed = post(other, "general", json!({ "content": "other words" }), headers).await;
            assert_eq!(changed.error(409), "nonce_reused", "an ack is of the logged content");
            assert_eq!(other.http().messages("general", "").await.len(), round + 1);
        }
        let bad = post(home, "general", json!({ "content": "x" }), &[("idempotency-key", "a b")]).await;
        assert_eq!(bad.error(400), "bad_nonce");
    }
}

#[tokio::test]
async fn every_mistake_is_json_with_a_code() {
    let node = Node::memory().await;
    let http = node.http();
    let messages = "/api/rooms/general/messages";
    let long_room = format!("/api/rooms/{}", "x".repeat(65));
    let many = "x".repeat(4001);
    let bad_name = json!({ "content": "x", "username": "x".repeat(33) });
    let json_type = ("content-type", "application/json");
    for (reply, status, code) in [
        (
            http.call("POST", messages).header(json_type.0, json_type.1).body("{").send().await,
            400,
            "bad_request",
        ),
        (http.call("POST", messages).json(&json!({ "content": 7 })).send().await, 400, "bad_request"),
        (http.call("POST", messages).json(&json!([])).send().await, 400, "bad_request"),
        (http.call("POST", messages).json(&json!({})).send().await, 400, "bad_request"),
        (http.call("POST", messages).json(&json!({ "content": "" })).send().await, 400, "bad_content"),
        (http.call("POST", messages).json(&json!({ "content": many })).send().await, 413, "content_too_long"),
        (http.call("POST", messages).json(&bad_name).send().await, 400, "bad_username"),
        (http.get(&long_room).await, 400, "bad_room_name"),
        (http.get("/api/rooms/a%00b").await, 400, "bad_room_name"),
        (http.get("/api/rooms/%ff").await, 400, "bad_request"),
        (http.get("/api/nothing").await, 404, "not_found"),
        (http.call("DELETE", "/api/rooms").send().await, 405, "method_not_allowed"),
        (http.call("PUT", messages).send().await, 405, "method_not_allowed"),
        (http.call("POST", "/healthz").send().await, 405, "method_not_allowed"),
    ] {
        assert_eq!(reply.error(status), code, "{reply:?}");
    }
    for path in [
        "/api/rooms?limit=many",
        "/api/rooms?limit=-1",
        "/api/rooms/general/messages?before=x",
        "/api/rooms/general/messages?after=99999999999999999999",
    ] {
        assert_eq!(http.get(path).await.error(400), "bad_request", "{path}");
    }
    let huge = http.call("POST", messages).json(&json!({ "content": "x".repeat(1 << 20) })).send().await;
    assert_eq!(huge.error(413), "content_too_long");
}

#[tokio::test]
async fn limits_far_out_of_range_are_brought_back_into_it() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    for number in 0..210 {
        rahim.posts("general", &format!("message {number}")).await;
    }
    for path in [
        "/api/rooms/general/messages?limit=1000000",
        "/api/rooms/general/messages?limit=18446744073709551615",
    ] {
        let page = node.http().json(path).await;
        assert_eq!(page["data"].as_array().unwrap().len(), 200, "history.max_page");
    }
}

#[tokio::test]
async fn the_living_nodes_are_listed_alike_on_all_of_them() {
    let Some(cluster) = Cluster::start(3).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let _plain = Dial::plain(cluster.nodes[0].port, "/ws/general/x").open().await;
    let mut listed = Vec::new();
    for node in &cluster.nodes {
        let nodes = node.http().json("/api/nodes").await;
        let nodes = nodes["data"].as_array().unwrap().clone();
        assert_eq!(nodes.len(), 3);
        for node in &nodes {
            assert_eq!(node["version"], env!("CARGO_PKG_VERSION"));
            assert!(
                node["uptime_s"].is_u64() && node["sessions"].is_u64() && node["rooms"].is_u64(),
                "{node}"
            );
        }
        listed.push(nodes.iter().map(|node| text(&node["id"])).collect::<Vec<_>>());
    }
    assert_eq!(listed[0], listed[1]);
    assert_eq!(listed[1], listed[2]);
}

#[tokio::test]
async fn a_body_is_one_object_and_may_begin_with_a_mark() {
    let node = Node::memory().await;
    let path = "/api/rooms/general/messages";
    let send = async |kind: &str, body: &str| {
        node.http().call("POST", path).header("content-type", kind).body(body.to_owned()).send().await
    };
    for body in
        [r#"["arr","name"]"#, r#""text""#, "7", "null", "", "[]", "[{\"content\":\"x\"}]", "\u{feff}[]"]
    {
        assert_eq!(send("application/json", body).await.error(400), "bad_request", "{body}");
    }
    for kind in
        ["text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"]
    {
        assert_eq!(send(kind, r#"{"content":"x"}"#).await.error(400), "bad_request", "{kind}");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
        assert_eq!(send(kind, "\u{feff} {\"content\":\"x\"}").await.status, 201, "{kind}");
    }
    let long = format!(r#"{{"content":["{}"]}}"#, "x".repeat(2000));
    let refused = send("application/json", &long).await;
    assert_eq!(refused.error(400), "bad_request");
    assert!(refused.body.len() < 300, "no more of what was sent than helps: {refused:?}");
}

#[tokio::test]
async fn only_a_bearer_is_asked_for_its_token() {
    let node = Node::memory().await;
    let body = json!({ "content": "x" });
    for other in ["Basic YTpi", "Digest username=\"x\"", "Negotiate abc"] {
        assert_eq!(
            post(&node, "general", body.clone(), &[("authorization", other)]).await.status,
            201,
            "{other}"
        );
    }
    for malformed in ["Bearer", "Bearer ", "bearer \u{9}", "Bearer a b", "Bearer a.b.c"] {
        let refused = post(&node, "general", body.clone(), &[("authorization", malformed)]).await;
        assert_eq!(refused.error(401), "bad_token", "{malformed}");
        assert!(refused.header("www-authenticate").starts_with("Bearer"), "{refused:?}");
    }
}

#[tokio::test]
async fn every_route_answers_400_requests_at_once() {
    let node = Node::memory().await;
    let mut witness = Client::full(&node, "witness").await;
    witness.join("corner").await;
    for (path, status) in [
        ("/api/rooms", 200),
        ("/api/rooms/corner", 200),
        ("/api/rooms/corner/messages", 200),
        ("/api/nodes", 200),
        ("/api/nothing", 404),
        ("/healthz", 200),
        ("/metrics", 200),
        ("/", 200),
        ("/ws", 426),
    ] {
        let calls: Vec<_> = (0..400).map(|_| tokio::spawn(node.http().call("GET", path).send())).collect();
        for call in calls {
            let reply = call.await.expect("the call ends");
            // Under load a node may refuse, with an error.
            assert!(reply.status == status || reply.status == 503, "{path}: {reply:?}");
        }
        witness.posts("corner", path).await;
        witness.receives(path).await;
    }
}
