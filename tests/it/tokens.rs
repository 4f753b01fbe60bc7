//! Tokens of this cluster and of another issuer: valid ones are accepted over WebSocket and REST, bad ones are refused, and no log has either.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::http::text;
use crate::harness::jwt::{encode, seconds_from_now};
use crate::harness::{Client, Dial, LONG_DEADLINE, Launch, Node, Signer, eventually};
use crate::registration::register;

const SECRET: &str = "76543210fedcba9876543210fedcba98";
const ISSUER: &str = "https://login.example";

/// A file of public keys; removed at the end.
struct Keys(PathBuf);

impl Keys {
    fn new(name: &str, keys: &[Value]) -> Self {
        let file = Self(
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.json", std::process::id())),
        );
        file.write(keys);
        file
    }

    fn write(&self, keys: &[Value]) {
        std::fs::write(&self.0, json!({ "keys": keys }).to_string()).unwrap();
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn own(changes: Value) -> Value {
    let now = seconds_from_now(0);
    let claims = json!({
        "iss": "adda", "sub": "u-1", "name": "রহিম", "role": "member", "gen": 0, "iat": now, "exp": now + 600,
    });
    changed(claims, changes)
}

fn foreign(changes: Value) -> Value {
    let claims = json!({
        "iss": ISSUER, "aud": "adda", "sub": "auth0|7", "name": "মিতা", "iat": seconds_from_now(0),
        "exp": seconds_from_now(600),
    });
    changed(claims, changes)
}

/// The claims with some set, or taken away by null.
fn changed(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// The answers to a token, by the user that it proves: header and frame of a session, REST, and the cookie.
async fn answers(node: &Node, token: &str) -> [Result<String, String>; 4] {
    let bearer = format!("Bearer {token}");
    let origin = format!("http://127.0.0.1:{}", node.port);
    let mut by_header = Dial::full(node.port, "/ws").header("authorization", &bearer).open().await;
    let welcome = by_header.welcomed().await;
    by_header.send(json!({ "type": "ping" })).await;
    let answer = by_header.next_of(&["error", "pong"]).await;
    let by_header = match answer["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(text(&welcome["user_id"])),
    };
    let mut by_frame = Dial::full(node.port, "/ws").open().await;
    by_frame.welcomed().await;
    by_frame.send(json!({ "type": "auth", "token": token })).await;
    let answer = by_frame.next_of(&["error", "auth_success"]).await;
    let by_frame = match answer["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(text(&answer["user_id"])),
    };
    let post = || node.http().call("POST", "/api/rooms/tokens/messages").json(&json!({ "content": "hello" }));
    let by_rest = posted(node, post().header("authorization", &bearer).send().await).await;
    let cookie = format!("adda_session={token}");
    let by_cookie =
        posted(node, post().header("cookie", &cookie).header("origin", &origin).send().await).await;
    [by_header, by_frame, by_rest, by_cookie]
}

async fn posted(node: &Node, reply: crate::harness::Reply) -> Result<String, String> {
    if reply.status != 201 {
        return Err(reply.error(401));
    }
    let messages = node.http().messages("tokens", "?limit=1").await;
    Ok(text(&messages[0]["user_id"]))
}

async fn assert_taken(node: &Node, token: &str, user: &str) {
    assert_eq!(answers(node, token).await, [(); 4].map(|()| Ok(user.to_owned())), "{token}");
}

async fn assert_refused(node: &Node, name: &str, token: &str) {
    assert_eq!(answers(node, token).await, [(); 4].map(|()| Err("bad_token".to_owned())), "{name}: {token}");
}

fn assert_unlogged(node: &Node, tokens: &[&str]) {
    let log = node.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log has all levels");
    for part in tokens.iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 12) {
        // Every token begins like this.
        let is_header = part.starts_with("eyJ") && part.len() < 40;
        assert!(is_header || !log.contains(part), "the log has {part}");
    }
}

#[tokio::test]
async fn a_bad_token_of_the_cluster_is_refused_everywhere_and_not_logged() {
    let node = Node::with(&[("auth.secret", SECRET), ("log.level", "trace")]).await;
    let signer = Signer::secret(SECRET);
    let good = signer.token(&own(json!({})));
    let (body, signature) = good.rsplit_once('.').unwrap();
    let other_body = signer.token(&own(json!({ "role": "admin" })));
    let other_body = other_body.rsplit_once('.').unwrap().0;
    let bad = [
        ("alg none", format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(own(json!({})).to_string()))),
        ("alg none, signed", signer.token_with(&json!({ "alg": "none" }), &own(json!({})))),
        ("another algorithm of the family", signer.token_with(&json!({ "alg": "HS512" }), &own(json!({})))),
        ("an algorithm of public keys", signer.token_with(&json!({ "alg": "RS256" }), &own(json!({})))),
        (
            "an extension that must be understood",
            signer.token_with(&json!({ "alg": "HS256", "crit": ["x"] }), &own(json!({}))),
        ),
        ("another secret", Signer::secret("another secret of at least 32 characters").token(&own(json!({})))),
        ("cut", good[..good.len() - 1].to_owned()),
        ("without its signature", format!("{body}.")),
        ("changed", format!("{other_body}.{signature}")),
        ("longer than is looked at", signer.token(&own(json!({ "x": "x".repeat(4096) })))),
        ("expired", signer.token(&own(json!({ "exp": seconds_from_now(0) })))),
        ("without exp", signer.token(&own(json!({ "exp": null })))),
        ("exp as text", signer.token(&own(json!({ "exp": seconds_from_now(600).to_string() })))),
        ("not yet", signer.token(&own(json!({ "nbf": seconds_from_now(60) })))),
        ("nbf as text", signer.token(&own(json!({ "nbf": seconds_from_now(60).to_string() })))),
        ("for somebody else", signer.token(&own(json!({ "aud": "another program" })))),
        ("for a number", signer.token(&own(json!({ "aud": 5 })))),
        ("for nobody", signer.token(&own(json!({ "aud": [] })))),
        ("of another issuer", signer.token(&own(json!({ "iss": ISSUER })))),
        ("without iss", signer.token(&own(json!({ "iss": null })))),
        ("without sub", signer.token(&own(json!({ "sub": null })))),
        ("sub with blanks", signer.token(&own(json!({ "sub": "u 1" })))),
        ("no role of ours", signer.token(&own(json!({ "role": "root" })))),
        ("a hidden name", signer.token(&own(json!({ "name": "a\u{202e}b" })))),
        (
            "of the format before",
            "1795334400.u-1.cmFoaW0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        ),
    ];
    assert_taken(&node, &good, "u-1").await;
    for (name, token) in &bad {
        assert_refused(&node, name, token).await;
    }
    let tokens: Vec<&str> = bad.iter().map(|(_, token)| token.as_str()).chain([good.as_str()]).collect();
    assert_unlogged(&node, &tokens);
}

#[tokio::test]
async fn a_bad_token_of_an_issuer_is_refused_everywhere_and_not_logged() {
    let (rsa, ec, ed, stranger) = (Signer::rsa(), Signer::ec(), Signer::ed(), Signer::ec());
    let keys = Keys::new("matrix", &[rsa.jwk("rsa"), ec.jwk("ec"), ed.jwk("ed")]);
    let node = Launch::new()
        .set("auth.issuer.jwks_file", keys.path())
        .set("auth.issuer.issuer", ISSUER)
        .set("auth.issuer.audience", "adda")
        .set("log.level", "trace")
        .start()
        .await;
    for signer in [&rsa, &ec, &ed] {
        assert_taken(&node, &signer.token(&foreign(json!({}))), "auth0|7").await;
        assert_taken(&node, &signer.token(&foreign(json!({ "aud": ["another", "adda"] }))), "auth0|7").await;
    }
    let modulus = rsa.jwk("rsa")["n"].as_str().unwrap().to_owned();
    let by_public_key = Signer::Secret(modulus.into_bytes());
    let claims = foreign(json!({}));
    let good = ec.token(&claims);
    let (body, _) = good.rsplit_once('.').unwrap();
    let with_own_key = json!({ "alg": "ES256", "kid": "ec", "jwk": stranger.jwk("ec") });
    let bad = [
        ("alg none", format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(claims.to_string()))),
        ("a public key as a secret", by_public_key.token(&claims)),
        (
            "the same for its name",
            by_public_key.token_with(&json!({ "alg": "HS256", "kid": "rsa" }), &claims),
        ),
        ("another algorithm than its own", rsa.token_with(&json!({ "alg": "PS256", "kid": "rsa" }), &claims)),
        ("RS for EC", rsa.token_with(&json!({ "alg": "ES256" }), &claims)),
        ("an unknown key", stranger.token(&claims)),
        ("an unknown name of a key", ec.token_with(&json!({ "alg": "ES256", "kid": "other" }), &claims)),
        ("a key in the token", stranger.token_with(&with_own_key, &claims)),
        ("cut", good[..good.len() - 4].to_owned()),
        ("without its signature", format!("{body}.")),
        ("expired", ec.token(&foreign(json!({ "exp": seconds_from_now(-1) })))),
        ("without exp", ec.token(&foreign(json!({ "exp": null })))),
        ("not yet", ec.token(&foreign(json!({ "nbf": seconds_from_now(60) })))),
        ("wrong aud", ec.token(&foreign(json!({ "aud": "another" })))),
        ("without aud", ec.token(&foreign(json!({ "aud": null })))),
        ("aud as a number", ec.token(&foreign(json!({ "aud": 5 })))),
        ("iat as text", ec.token(&foreign(json!({ "iat": seconds_from_now(0).to_string() })))),
        ("wrong iss", ec.token(&foreign(json!({ "iss": "https://login.example.evil" })))),
        ("without iss", ec.token(&foreign(json!({ "iss": null })))),
        ("the issuer's as ours", ec.token(&own(json!({ "aud": "adda" })))),
        ("without sub", ec.token(&foreign(json!({ "sub": null })))),
        ("sub that is no id", ec.token(&foreign(json!({ "sub": ["a"] })))),
        ("rooms that can't be read", ec.token(&foreign(json!({ "rooms": { "a": 1 } })))),
    ];
    for (name, token) in &bad {
        assert_refused(&node, name, token).await;
    }
    let tokens: Vec<&str> = bad.iter().map(|(_, token)| token.as_str()).chain([good.as_str()]).collect();
    assert_unlogged(&node, &tokens);
}

#[tokio::test]
async fn a_token_of_an_issuer_says_name_role_and_rooms() {
    let secret = "a secret that adda and its issuer share";
    let node = Launch::new()
        .set("auth.issuer.secret", secret)
        .set("auth.issuer.user_claim", "uid")
        .set("auth.issuer.role_claim", "groups")
        .start()
        .await;
    let claims = json!({
        "uid": 7, "name": "মিতা", "groups": ["staff", "moderator"], "rooms": ["lobby", "team-*"],
        "iat": seconds_from_now(0), "exp": seconds_from_now(600),
    });
    let token = Signer::secret(secret).token(&claims);
    let bearer = format!("Bearer {token}");
    let mut mita = Dial::full(node.port, "/ws?username=other").header("authorization", &bearer).open().await;
    let welcome = mita.welcomed().await;
    let said = [&welcome["user_id"], &welcome["username"], &welcome["role"], &welcome["token"]];
    assert_eq!(said, [&json!("7"), &json!("মিতা"), &json!("moderator"), &json!(token)]);
    for room in ["lobby", "team-1"] {
        mita.join(room).await;
    }
    mita.send(json!({ "type": "join", "room_id": "other" })).await;
    assert_eq!(mita.expect("error").await["code"], "room_not_found");

    let mut guest = Client::full(&node, "guest").await;
    guest.join("other").await;
    let ask = |path: &str| node.http().call("GET", path).header("authorization", &bearer);
    for path in ["/api/rooms/other", "/api/rooms/other/messages"] {
        assert_eq!(ask(path).send().await.error(404), "room_not_found", "{path}");
    }
    let post = node.http().call("POST", "/api/rooms/other/messages").json(&json!({ "content": "x" }));
    assert_eq!(post.header("authorization", &bearer).send().await.error(404), "room_not_found");
    let rooms = ask("/api/rooms").send().await.json();
    let names: Vec<String> = rooms["data"].as_array().unwrap().iter().map(|room| text(&room["id"])).collect();
    assert_eq!(names, ["lobby", "team-1"]);
    mita.send(json!({ "type": "rooms", "prefix": "" })).await;
    assert_eq!(mita.expect("rooms").await["rooms"].as_array().unwrap().len(), 2);
    mita.send(json!({ "type": "rooms", "watch": true })).await;
    assert_eq!(mita.expect("error").await["code"], "forbidden");
    // She is told of no mention in a room that her token keeps her out of.
    guest.join("team-2").await;
    for room in ["other", "team-2"] {
        let text =
            json!({ "type": "text", "room_id": room, "content": room, "nonce": room, "mentions": ["7"] });
        guest.send(text).await;
        guest.expect_that("an ack", |frame| frame["type"] == "ack" && frame["nonce"] == room).await;
    }
    assert_eq!(mita.expect("inbox").await["room_id"], "team-2");
}

#[tokio::test]
async fn a_token_of_an_issuer_without_its_time_counts_until_its_user_logs_out() {
    let secret = "a secret that adda and its issuer share";
    let node = Node::with(&[("auth.issuer.secret", secret), ("auth.issuer.audience", "adda")]).await;
    let token = Signer::secret(secret).token(&foreign(json!({ "iat": null })));
    for _ in 0..2 {
        assert_taken(&node, &token, "auth0|7").await;
    }
    let is_told = async || node.log().contains("without the claim iat").then_some(());
    eventually("the log tells of it", LONG_DEADLINE, is_told).await;
    assert_eq!(node.log().matches("without the claim iat").count(), 1, "{}", node.log());
    let bearer = format!("Bearer {token}");
    let reply = node.http().call("POST", "/api/logout").header("authorization", &bearer).send().await;
    assert_eq!(reply.status, 204, "{reply:?}");
    assert_refused(&node, "after a log-out", &token).await;
}

#[tokio::test]
async fn a_log_out_voids_its_token_also_where_the_clock_of_the_issuer_is_ahead() {
    let signer = Signer::secret("a secret that adda and its issuer share");
    let node = Node::with(&[
        ("auth.issuer.secret", "a secret that adda and its issuer share"),
        ("auth.issuer.audience", "adda"),
    ])
    .await;
    let of = |user: &str, issued_at: i64| signer.token(&foreign(json!({ "sub": user, "iat": issued_at })));
    // By ten minutes, and in milliseconds.
    for (user, issued_at, later) in [
        ("ahead", seconds_from_now(600), seconds_from_now(601)),
        ("in_millis", 1000 * seconds_from_now(0), seconds_from_now(60)),
    ] {
        let token = of(user, issued_at);
        assert_taken(&node, &token, user).await;
        let bearer = format!("Bearer {token}");
        let reply = node.http().call("POST", "/api/logout").header("authorization", &bearer).send().await;
        assert_eq!(reply.status, 204, "{reply:?}");
        assert_refused(&node, user, &token).await;
        assert_taken(&node, &of(user, later), user).await;
    }
}

#[tokio::test]
async fn an_issuer_names_no_user_of_an_account() {
    let secret = "a secret that adda and its issuer share";
    let node = Node::with(&[("auth.issuer.secret", secret), ("auth.issuer.audience", "adda")]).await;
    let account = register(&node, "Rahim", "correct horse battery").await.json();
    let named = |id: &Value| Signer::secret(secret).token(&foreign(json!({ "sub": id })));
    assert_refused(&node, "the id of an account", &named(&account["user_id"])).await;
    assert_taken(&node, &named(&json!("another")), "another").await;
    assert_taken(&node, &text(&account["token"]), &text(&account["user_id"])).await;
}

#[tokio::test]
async fn a_file_of_keys_that_changes_is_read_again() {
    let (before, after) = (Signer::ec(), Signer::ed());
    let keys = Keys::new("changing", &[before.jwk("1")]);
    let node = Node::with(&[("auth.issuer.jwks_file", keys.path()), ("auth.issuer.audience", "adda")]).await;
    let [first, second] = [&before, &after].map(|signer| signer.token(&foreign(json!({}))));
    let is_taken = async |token: &str| Client::returning_or_refused(&node, token).await.is_some();
    assert!(is_taken(&first).await && !is_taken(&second).await);

    std::fs::write(&keys.0, "no keys").unwrap();
    eventually("the flaw is told", LONG_DEADLINE, async || {
        node.log().contains("could not read the keys of the issuer again").then_some(())
    })
    .await;
    assert!(is_taken(&first).await, "a file that can't be read changes nothing");

    keys.write(&[after.jwk("2")]);
    eventually("the other key counts", LONG_DEADLINE, async || is_taken(&second).await.then_some(())).await;
    assert!(!is_taken(&first).await, "the former key counts no more");
}

#[tokio::test]
async fn keys_that_can_not_be_used_stop_the_start_with_a_sentence() {
    let secrets = Keys::new("secrets", &[Signer::secret(SECRET).jwk("1")]);
    for (key, value, words) in [
        ("auth.issuer.jwks_file", "/nowhere/jwks.json", ["/nowhere/jwks.json", "can't be opened"]),
        ("auth.issuer.jwks_file", secrets.path(), ["jwks_file", "no key that verifies tokens"]),
        (
            "auth.issuer.public_key",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            ["public_key", "RSA"],
        ),
        ("auth.secret", "0123456789abcdef0123456789abcdef", ["auth.secret", "openssl rand -hex 32"]),
    ] {
        for command in ["serve", "check"] {
            let output = Launch::new().set(key, value).command(&[command]).output().unwrap();
            assert!(!output.status.success(), "{key} {command}");
            let sentence = String::from_utf8(output.stderr).unwrap();
            for word in words {
                assert!(sentence.contains(word), "{word:?} in {sentence}");
            }
        }
    }
}
