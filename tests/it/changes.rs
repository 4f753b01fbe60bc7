//! Edits, deletions and reactions as clients see them, on several nodes, over WebSocket and REST.

use redis::from_redis_value;
use serde_json::{Value, json};

use crate::harness::http::encode;
use crate::harness::{Client, Cluster, Node};

impl Client {
    /// Changes a message and returns the ack or the error.
    pub async fn change(&mut self, kind: &str, target: u64, fields: Value) -> Value {
        let nonce = uuid::Uuid::new_v4().to_string();
        self.change_with(kind, target, fields, &nonce).await
    }

    pub async fn change_with(&mut self, kind: &str, target: u64, mut frame: Value, nonce: &str) -> Value {
        frame["type"] = kind.into();
        frame["room_id"] = "general".into();
        frame["ref"] = target.into();
        frame["nonce"] = nonce.into();
        self.send(frame).await;
        let is_answer =
            |reply: &Value| (reply["type"] == "ack" || reply["type"] == "error") && reply["nonce"] == nonce;
        self.expect_that("ack or error", is_answer).await
    }

    /// Changes a message; fails on an error.
    pub async fn changes(&mut self, kind: &str, target: u64, fields: Value) -> Value {
        let reply = self.change(kind, target, fields).await;
        assert_eq!(reply["type"], "ack", "{reply}");
        reply
    }
}

#[tokio::test]
async fn everybody_in_the_room_sees_changes_in_one_order() {
    let Some(cluster) = Cluster::start(3).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    let mut sima = Client::full(&cluster.nodes[2], "সীমা").await;
    for client in [&mut rahim, &mut mita, &mut sima] {
        client.join("general").await;
    }
    rahim.posts("general", "first words").await;
    let edited = rahim.changes("edit", 1, json!({"content": "other words"})).await;
    mita.changes("react", 1, json!({"emoji": "👍", "on": true})).await;
    let unchanged = mita.changes("react", 1, json!({"emoji": "👍", "on": true})).await;
    assert_eq!((&unchanged["unchanged"], unchanged.get("seq")), (&json!(true), None));
    sima.posts("general", "an answer").await;
    rahim.changes("delete", 1, json!({})).await;
    assert_eq!((&edited["seq"], &edited["duplicate"]), (&json!(2), &json!(false)));
    for client in [&mut rahim, &mut mita, &mut sima] {
        let mut told = Vec::new();
        while told.len() < 5 {
            told.push(client.next_of(&["text", "edit", "delete", "reaction"]).await);
        }
        let kinds: Vec<_> = told
            .iter()
            .map(|frame| (frame["type"].as_str().unwrap(), frame["seq"].as_u64().unwrap()))
            .collect();
        assert_eq!(kinds, [("text", 1), ("edit", 2), ("reaction", 3), ("text", 4), ("delete", 5)]);
        assert_eq!((&told[1]["content"], &told[1]["ref"]), (&json!("other words"), &json!(1)));
        assert_eq!((&told[2]["emoji"], &told[2]["on"]), (&json!("👍"), &json!(true)));
        assert_eq!(told[4]["ref"], 1);
    }
}

#[tokio::test]
async fn a_change_that_can_not_be_made_is_refused() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    let mut mita = Client::full(&node, "মিতা").await;
    rahim.join("general").await;
    mita.join("general").await;
    rahim.posts("general", "first words").await;
    for (kind, target, fields, code) in [
        ("edit", 1, json!({"content": "x"}), "forbidden"),
        ("delete", 1, json!({}), "forbidden"),
        ("react", 1, json!({"emoji": "x", "on": true}), "bad_emoji"),
        ("react", 1, json!({"emoji": "👍👍", "on": true}), "bad_emoji"),
        ("react", 7, json!({"emoji": "👍", "on": true}), "message_not_found"),
        ("edit", 1, json!({"content": " "}), "bad_content"),
        ("edit", 1, json!({"content": "x".repeat(4001)}), "content_too_long"),
    ] {
        let answer = mita.change(kind, target, fields).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{kind}");
    }
    let mut outside = Client::full(&node, "outside").await;
    assert_eq!(outside.change("delete", 1, json!({})).await["code"], "not_in_room");
    let nonce = uuid::Uuid::new_v4().to_string();
    let first = rahim.change_with("edit", 1, json!({"content": "y"}), &nonce).await;
    let again = rahim.change_with("edit", 1, json!({"content": "y"}), &nonce).await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&first["seq"], &json!(true)));
    let other = rahim.change_with("edit", 1, json!({"content": "z"}), &nonce).await;
    assert_eq!(other["code"], "nonce_reused");
}

#[tokio::test]
async fn a_client_that_comes_back_gets_the_changes_that_it_missed() {
    let Some(cluster) = Cluster::with(2, &[("history.max_changes", "4")]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let ack = rahim.posts("general", "first words").await;
    rahim.changes("edit", 1, json!({"content": "other words"})).await;
    rahim.posts("general", "second").await;
    rahim.changes("react", 1, json!({"emoji": "👍", "on": true})).await;
    let mut back = Client::full(&cluster.nodes[1], "back").await;
    let joined = back.resume("general", &ack["epoch"], 1).await;
    assert_eq!(joined["recovered"], true);
    let kinds: Vec<_> = joined["messages"].as_array().unwrap().iter().map(|entry| &entry["type"]).collect();
    assert_eq!(kinds, ["edit", "text", "reaction"]);
    back.leave("general").await;
    for on in [false, true, false] {
        rahim.changes("react", 1, json!({"emoji": "👍", "on": on})).await;
    }
    let joined = back.resume("general", &ack["epoch"], 1).await;
    assert_eq!(joined["recovered"], false, "the edit was dropped");
    let texts = joined["messages"].as_array().unwrap();
    assert_eq!(texts.len(), 2);
    assert_eq!((&texts[0]["content"], &texts[0]["changed"]), (&json!("other words"), &json!(7)));
    assert_eq!(texts[0].get("reactions"), None);
}

#[tokio::test]
async fn plain_sessions_see_no_change() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let mut plain = Client::plain(&cluster.nodes[1], "general", "plain").await;
    for content in ["first", "second", "third"] {
        rahim.posts("general", content).await;
    }
    rahim.changes("edit", 1, json!({"content": "edited"})).await;
    rahim.changes("delete", 2, json!({})).await;
    rahim.changes("react", 3, json!({"emoji": "👍", "on": true})).await;
    rahim.posts("general", "the end").await;
    let mut told: Vec<String> = Vec::new();
    while told.last().is_none_or(|content| content != "the end") {
        let frame = plain.next().await;
        assert!(["text", "join"].contains(&frame["type"].as_str().unwrap()), "{frame}");
        told.push(frame["content"].as_str().unwrap().to_owned());
    }
    told.retain(|content| !content.ends_with("joined the room"));
    assert_eq!(told, ["first", "second", "third", "the end"]);
    let mut late = Client::plain(&cluster.nodes[1], "general", "late").await;
    let contents: Vec<_> = late.texts(3).await.iter().map(|text| text["content"].clone()).collect();
    assert_eq!(contents, ["edited", "third", "the end"]);
    // A change that is lost on the way comes from the log, and is told as ever.
    cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    rahim.changes("delete", 3, json!({})).await;
    rahim.posts("general", "after all").await;
    let frame = plain.next_of(&["text", "error", "delete"]).await;
    assert_eq!(frame["content"], "after all");
}

#[tokio::test]
async fn messages_are_changed_over_rest() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let bearer = format!("Bearer {}", rahim.token);
    let call = |method: &str, path: &str| {
        cluster.nodes[1]
            .http()
            .call(method, &format!("/api/rooms/general/messages{path}"))
            .header("authorization", &bearer)
    };
    let posted = call("POST", "").json(&json!({"content": "first words"})).send().await;
    assert_eq!(posted.status, 201);
    let edited = call("PUT", "/1").json(&json!({"content": "other words", "nonce": "n"})).send().await;
    assert_eq!((edited.status, &edited.json()["seq"]), (200, &json!(2)));
    let again = call("PUT", "/1").json(&json!({"content": "other words", "nonce": "n"})).send().await;
    assert_eq!(again.json()["duplicate"], true);
    assert_eq!((&edited.json()["nonce"], &again.json()["nonce"]), (&json!("n"), &json!("n")));
    let thumb = format!("/1/reactions/{}", encode("👍"));
    let reaction = call("PUT", &thumb).header("idempotency-key", "k").send().await.json();
    assert_eq!((&reaction["seq"], &reaction["nonce"]), (&json!(3), &json!("k")));
    assert_eq!(call("PUT", &thumb).send().await.json()["unchanged"], true);
    let messages = cluster.nodes[0].http().messages("general", "").await;
    assert_eq!(messages[0]["reactions"], json!({"👍": {"count": 1, "users": [rahim.user_id]}}));
    assert_eq!(call("DELETE", &thumb).send().await.status, 200);
    assert_eq!(call("DELETE", "/1").send().await.status, 200);
    assert_eq!(call("DELETE", "/1").send().await.error(404), "message_not_found");
    assert_eq!(call("PUT", "/1/reactions/x").send().await.error(400), "bad_emoji");
    let stranger = Client::full(&cluster.nodes[0], "stranger").await;
    call("POST", "").json(&json!({"content": "mine"})).send().await;
    let path = "/api/rooms/general/messages/6";
    let refused = cluster.nodes[0]
        .http()
        .call("DELETE", path)
        .header("authorization", &format!("Bearer {}", stranger.token));
    assert_eq!(refused.send().await.error(403), "forbidden");
}

/// All keys of Redis by their type, as text.
pub const DUMP: &str = "local found = {}
    for _, key in ipairs(redis.call('KEYS', '*')) do
      local commands = {string = {'GET', key}, hash = {'HGETALL', key}, zset = {'ZRANGE', key, 0, -1},
        set = {'SMEMBERS', key}, stream = {'XRANGE', key, '-', '+'}}
      found[#found + 1] = key .. ' ' .. cjson.encode(redis.call(unpack(commands[redis.call('TYPE', key).ok])))
    end
    return table.concat(found, '\\n')";

#[tokio::test]
async fn of_a_deleted_or_replaced_text_nothing_is_left() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "secret-replaced").await;
    rahim.posts("general", "secret-deleted").await;
    for target in [1, 2] {
        let reply = json!({"type": "text", "room_id": "general", "content": "a reply", "reply_to": target, "nonce": format!("r{target}")});
        rahim.send(reply).await;
        rahim
            .expect_that("ack", |frame| frame["type"] == "ack" && frame["nonce"] == format!("r{target}"))
            .await;
    }
    rahim.changes("edit", 2, json!({"content": "secret-edited"})).await;
    let dump = async || {
        let value = cluster.redis.command(&["EVAL", DUMP, "0"]).await;
        String::from_utf8_lossy(&from_redis_value::<Vec<u8>>(value).unwrap()).into_owned()
    };
    assert_eq!(dump().await.matches("secret-").count(), 2, "the texts alone: {}", dump().await);
    rahim.changes("edit", 1, json!({"content": "harmless"})).await;
    rahim.changes("delete", 2, json!({})).await;
    let kept = dump().await;
    assert!(kept.contains("harmless") && !kept.contains("secret-"), "{kept}");
    for node in &cluster.nodes {
        assert!(!node.log().contains("secret-") && !node.log().contains("harmless"));
        let pages = format!("{:?}", node.http().messages("general", "").await);
        assert!(!pages.contains("secret-"), "{pages}");
    }
    let mut back = Client::full(&cluster.nodes[1], "back").await;
    let epoch = rahim.posts("general", "next").await["epoch"].clone();
    let joined = back.resume("general", &epoch, 0).await;
    assert_eq!(joined["recovered"], true);
    assert!(!joined.to_string().contains("secret-"), "{joined}");
}

#[tokio::test]
async fn the_state_of_texts_expires_also_where_there_was_none_before() {
    let Some(cluster) = Cluster::with(1, &[("history.max_messages", "2")]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let like = json!({"emoji": "👍", "on": true});
    let seq_of = |ack: &Value| ack["seq"].as_u64().expect("a number");
    let mut newest = seq_of(&rahim.posts("general", "a text").await);
    for _ in 0..3 {
        rahim.changes("react", newest, like.clone()).await;
        let names = cluster.redis.command(&["KEYS", "*:state"]).await;
        let [key] =
            <[String; 1]>::try_from(from_redis_value::<Vec<String>>(names).unwrap()).expect("one room");
        let left: i64 = from_redis_value(cluster.redis.command(&["PTTL", &key]).await).unwrap();
        assert!(left > 0, "{left}");
        // The text that was reacted to leaves the log.
        for _ in 0..3 {
            newest = seq_of(&rahim.posts("general", "another text").await);
        }
        let exists: i64 = from_redis_value(cluster.redis.command(&["EXISTS", &key]).await).unwrap();
        assert_eq!(exists, 0, "no text of the log has changed");
    }
}

/// Writes what the log has of changes as the version before did: their JSON whole, and the number of moved texts in `state`.
const AS_BEFORE: &str =
    "local newest, moved = string.match(redis.call('HGET', KEYS[1], 'changed'), '^(%d+) (%d+)$')
redis.call('HSET', KEYS[1], 'changed', newest)
redis.call('HSET', KEYS[3], 'moved', moved)
local entries = redis.call('XRANGE', KEYS[2], '-', '+')
redis.call('DEL', KEYS[2])
for _, entry in ipairs(entries) do
  local has = {}
  for at = 1, #entry[2], 2 do has[entry[2][at]] = entry[2][at + 1] end
  local fields = {'t', '1795334400007', 'm', has.m .. (has.e and '\"\"' or '') .. has.a, 'v', '1', 'p', has.p}
  if has.e then fields[9], fields[10] = 'e', has.e end
  redis.call('XADD', KEYS[2], entry[1], unpack(fields))
end
return moved";

/// The answer to a client that resumes behind the fourth message, and the newest page.
async fn read_back(node: &Node, epoch: &Value) -> [Value; 3] {
    let mut back = Client::full(node, "back").await;
    let joined = back.resume("general", epoch, 4).await;
    back.leave("general").await;
    let page = node.http().messages("general", "").await;
    [joined["recovered"].clone(), joined["messages"].clone(), Value::from(page)]
}

#[tokio::test]
async fn changes_that_the_version_before_has_stored_are_read_and_counted() {
    let settings = [("redis.prefix", "adda:"), ("history.max_messages", "4")];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let [head, changes, state] = ["head", "changes", "state"].map(|key| format!("adda:{{general}}:{key}"));
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let mut epoch = Value::Null;
    for content in ["one", "two", "three", "four"] {
        epoch = rahim.posts("general", content).await["epoch"].clone();
    }
    rahim.changes("edit", 1, json!({"content": "ONE"})).await;
    rahim.changes("delete", 2, json!({})).await;
    rahim.changes("react", 3, json!({"emoji": "👍", "on": true})).await;

    let now = read_back(&cluster.nodes[1], &epoch).await;
    let moved = cluster.redis.command(&["EVAL", AS_BEFORE, "3", &head, &changes, &state]).await;
    assert_eq!(from_redis_value::<String>(moved).unwrap(), "2");
    assert_eq!(read_back(&cluster.nodes[1], &epoch).await, now);

    rahim.changes("edit", 3, json!({"content": "THREE"})).await;
    let counted = cluster.redis.command(&["HGET", &head, "changed"]).await;
    assert_eq!(from_redis_value::<String>(counted).unwrap(), "8 3");
    rahim.posts("general", "five").await;
    let page = cluster.nodes[1].http().messages("general", "").await;
    let contents: Vec<_> =
        page.iter().map(|message| message["content"].as_str().unwrap_or_default()).collect();
    assert_eq!(contents, ["", "THREE", "four", "five"], "the oldest is dropped, wherever it is");
}
