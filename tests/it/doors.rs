//! Admission: nodes without guests, tokens that run out, and the session cookie with its origins.

use adda::chat::{Identity, sign_token};
use adda::model::Username;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::harness::jwt::seconds_from_now;
use crate::harness::{Client, Cluster, DEADLINE, Dial, Launch, Node, Reply, Signer};

const SECRET: &str = "76543210fedcba9876543210fedcba98";
const CLOSED: [(&str, &str); 2] = [("auth.secret", SECRET), ("auth.guests", "false")];

/// A token of a member that is valid for so many seconds.
fn token(seconds: i64) -> String {
    token_of("u-1", "member", seconds)
}

fn token_of(user: &str, role: &str, seconds: i64) -> String {
    let now = seconds_from_now(0);
    Signer::secret(SECRET).token(&json!({
        "iss": "adda", "sub": user, "name": "রহিম", "role": role, "gen": 0, "iat": now, "exp": now + seconds,
    }))
}

fn bearer() -> String {
    format!("Bearer {}", token(600))
}

// --- no guests ---

#[tokio::test]
async fn a_session_without_a_token_may_only_say_who_it_is() {
    let Some(cluster) = Cluster::with(2, &CLOSED).await else { return };
    let mut rahim = Dial::full(cluster.nodes[0].port, "/ws?username=other").open().await;
    let welcome = rahim.expect("welcome").await;
    assert_eq!(welcome["auth_required"], true);
    for absent in ["user_id", "username", "token", "role"] {
        assert!(welcome.get(absent).is_none(), "{welcome}");
    }
    for frame in [
        json!({ "type": "join", "room_id": "general" }),
        json!({ "type": "ping" }),
        json!({ "type": "rooms", "watch": true }),
        json!({ "type": "nonsense" }),
        json!([]),
    ] {
        rahim.send(frame).await;
        assert_eq!(rahim.next().await["code"], "auth_required");
    }
    for frame in [
        json!({ "type": "join", "room_id": "r", "nonce": "n" }),
        json!({ "type": "edit", "room_id": "r", "nonce": "n", "ref": 1, "content": "x" }),
        json!({ "type": "nonsense", "room_id": "r", "nonce": "n" }),
    ] {
        rahim.send(frame).await;
        let error = rahim.next().await;
        assert_eq!((&error["room_id"], &error["nonce"]), (&json!("r"), &json!("n")), "{error}");
    }
    rahim.send_binary(b"{\"room_id\":\"r\",\"name\":\"a.txt\",\"nonce\":\"n\"}\nbytes").await;
    let error = rahim.next().await;
    assert_eq!((&error["room_id"], &error["nonce"]), (&json!("r"), &json!("n")), "{error}");
    assert_eq!(rahim.post("general", "hello", "n-1").await["code"], "auth_required");
    rahim.send(json!({ "type": "auth", "token": "x" })).await;
    assert_eq!(rahim.next().await["code"], "bad_token");

    let token = token(600);
    rahim.send(json!({ "type": "auth", "token": token })).await;
    let success = rahim.expect("auth_success").await;
    let said = [&success["user_id"], &success["username"], &success["role"], &success["token"]];
    assert_eq!(said, [&json!("u-1"), &json!("রহিম"), &json!("member"), &json!(token)]);
    rahim.join("general").await;
    let mut mita = Dial::full(cluster.nodes[1].port, "/ws").header("authorization", bearer()).open().await;
    assert!(mita.welcomed().await.get("auth_required").is_none());
    mita.join("general").await;
    rahim.posts("general", "hello").await;
    assert_eq!(mita.receives("hello").await["user_id"], "u-1");
}

#[tokio::test]
async fn a_session_that_does_not_say_in_time_who_it_is_is_closed() {
    let settings = [&CLOSED[..], &[("auth.timeout", "3s")]].concat();
    let node = Node::with(&settings).await;
    let mut full = Dial::full(node.port, "/ws").header("authorization", "Bearer x").open().await;
    full.expect("welcome").await;
    assert_eq!(full.next().await["code"], "bad_token");
    assert_eq!(full.closed().await, 4401);
    let mut plain = Dial::plain(node.port, "/ws?room=general").open().await;
    plain.speak("hello").await;
    assert_eq!(plain.next().await["code"], "auth_required");
    assert_eq!(plain.closed().await, 4401);
}

#[tokio::test]
async fn a_plain_session_joins_its_room_once_it_has_said_who_it_is() {
    let node = Node::with(&CLOSED).await;
    let mut by_header =
        Dial::plain(node.port, "/ws?room=general").header("authorization", bearer()).open().await;
    assert_eq!(by_header.expect("join").await["user_id"], "u-1");
    let mut by_frame = Dial::plain(node.port, "/ws?room=other").open().await;
    by_frame.send(json!({ "type": "auth", "token": token(600) })).await;
    assert_eq!(by_frame.next().await["type"], "join");
    by_frame.speak("hello").await;
    assert_eq!(by_frame.receives("hello").await["username"], "রহিম");
    by_frame.send(json!({ "type": "auth", "token": token(600) })).await;
    assert_eq!(by_frame.expect("error").await["code"], "already_joined");
}

#[tokio::test]
async fn a_request_of_nobody_is_refused_where_guests_may_not_take_part() {
    let node = Node::with(&CLOSED).await;
    for path in ["/api/rooms", "/api/rooms/general", "/api/rooms/general/messages"] {
        let refused = node.http().get(path).await;
        assert_eq!(refused.error(401), "auth_required", "{path}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    let post =
        || node.http().call("POST", "/api/rooms/general/messages").json(&json!({ "content": "hello" }));
    assert_eq!(post().send().await.error(401), "auth_required");
    assert_eq!(post().header("authorization", "Bearer x").send().await.error(401), "bad_token");
    assert_eq!(post().header("authorization", &bearer()).send().await.status, 201);
    let page = node.http().call("GET", "/api/rooms/general/messages").header("authorization", &bearer());
    assert_eq!(page.send().await.json()["data"][0]["username"], "রহিম");
    // A guest that was one while guests could be.
    let guest = Identity::guest(Username::from_trusted("রহিম"));
    let kept = sign_token(SECRET, &guest, DEADLINE * 60).token;
    let shown = format!("Bearer {kept}");
    assert_eq!(post().header("authorization", &shown).send().await.error(401), "bad_token");
    let mut full = Dial::full(node.port, "/ws").header("authorization", &shown).open().await;
    assert_eq!(full.expect("welcome").await["auth_required"], true);
    assert_eq!(full.next().await["code"], "bad_token");
    full.send(json!({ "type": "auth", "token": kept })).await;
    assert_eq!(full.next().await["code"], "bad_token");
    full.send(json!({ "type": "join", "room_id": "general" })).await;
    assert_eq!(full.next().await["code"], "auth_required");
    for open in ["/healthz", "/readyz", "/metrics", "/"] {
        assert_eq!(node.http().get(open).await.status, 200, "{open}");
    }
}

#[tokio::test]
async fn without_guests_nothing_is_echoed_to_nobody() {
    let node = Node::with(&CLOSED).await;
    let echo = || Dial::plain(node.port, "/ws/echo");
    for dial in [echo(), echo().header("authorization", "Bearer x")] {
        match dial.try_open().await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 401),
            other => panic!("{other:?}"),
        }
    }
    let mut known = echo().header("authorization", bearer()).open().await;
    known.send(json!({ "type": "anything" })).await;
    known.expect("anything").await;
}

// --- tokens that run out ---

#[tokio::test]
async fn a_session_whose_token_runs_out_is_closed() {
    let node = Node::with(&[("auth.secret", SECRET)]).await;
    let short = token(6);
    let header = format!("Bearer {short}");
    let mut by_header = Dial::full(node.port, "/ws").header("authorization", &header).open().await;
    let mut by_frame = Client::full(&node, "guest").await;
    by_frame.send(json!({ "type": "auth", "token": short })).await;
    by_frame.expect("auth_success").await;
    let mut plain = Dial::plain(node.port, "/ws?room=general").header("authorization", &header).open().await;
    let mut guest = Client::full(&node, "guest").await;
    // A guest that comes back has a new token, which is what counts; a plain session is not told it.
    let guest_id = uuid::Uuid::new_v4().to_string();
    let header = format!("Bearer {}", token_of(&guest_id, "guest", 6));
    let mut back_by_header = Dial::full(node.port, "/ws").header("authorization", &header).open().await;
    let mut back_by_frame = Client::returning(&node, header.trim_start_matches("Bearer ")).await;
    let path = "/ws?room=general";
    let mut plain_guest = Dial::plain(node.port, path).header("authorization", &header).open().await;
    for session in [&mut by_header, &mut by_frame, &mut plain, &mut plain_guest] {
        assert_eq!(session.closed().await, 4401);
    }
    for guest in [&mut guest, &mut back_by_header, &mut back_by_frame] {
        guest.join("general").await;
    }
}

#[tokio::test]
async fn a_session_of_a_new_guest_ends_with_the_token_that_it_was_told() {
    let node = Node::with(&[("auth.token_ttl", "2s")]).await;
    let mut plain = Client::plain(&node, "general", "plain").await;
    let mut guest = Client::full(&node, "guest").await;
    assert_eq!(guest.closed().await, 4401);
    // A plain session has no token, and so none that runs out.
    plain.speak("still here").await;
    plain.receives("still here").await;
}

#[tokio::test]
async fn a_guest_may_return_with_each_new_token_and_stays_a_guest() {
    let node = Node::memory().await;
    let guest = Client::full(&node, "রহিম").await;
    let mut back = Client::returning(&node, &guest.token).await;
    assert_eq!(back.user_id, guest.user_id);
    back.send(json!({ "type": "auth", "token": back.token })).await;
    let success = back.expect("auth_success").await;
    assert_eq!((&success["user_id"], &success["role"]), (&json!(guest.user_id), &json!("guest")));
}

// --- the command line ---

/// The token that the command line makes with these settings.
fn made(launch: &Launch, arguments: &[&str]) -> Result<String, String> {
    let output = launch.command(&[&["token"], arguments].concat()).output().unwrap();
    let [token, told] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(!told.contains(token.trim()) || token.is_empty(), "the token stands alone");
    if output.status.success() { Ok(token.trim().to_owned()) } else { Err(told) }
}

#[tokio::test]
async fn the_command_line_makes_a_token_with_the_secret_of_the_settings() {
    let launch = Launch::new().set("auth.secret", SECRET);
    let node = launch.clone().start().await;
    let token =
        made(&launch, &["--user", "u-9", "--name", "রহিম", "--role", "admin", "--ttl", "1h"]).unwrap();
    let bearer = format!("Bearer {token}");
    let mut session = Dial::full(node.port, "/ws").header("authorization", bearer).open().await;
    let welcome = session.welcomed().await;
    let said = [&welcome["user_id"], &welcome["username"], &welcome["role"]];
    assert_eq!(said, [&json!("u-9"), &json!("রহিম"), &json!("admin")]);
    let refused = made(&Launch::new(), &["--user", "u-9"]).unwrap_err();
    assert!(refused.contains("auth.secret"), "{refused}");
    let refused = made(&launch, &["--user", "u 9"]).unwrap_err();
    assert!(refused.contains("--user"), "{refused}");
}

#[tokio::test]
async fn the_command_line_makes_a_token_with_the_secret_that_redis_keeps() {
    let Some(cluster) = Cluster::start(1).await else { return };
    let url = cluster.redis.url();
    let token = made(&cluster.launch(), &["--user", "u-9", "--redis", &url]).unwrap();
    assert_eq!(Client::returning(&cluster.nodes[0], &token).await.user_id, "u-9");
}

// --- the cookie ---

/// The value of the cookie that an answer sets, with its attributes.
fn cookie(reply: &Reply) -> (String, String) {
    let line = reply.header("set-cookie");
    let (pair, attributes) = line.split_once("; ").unwrap_or_else(|| panic!("no cookie: {reply:?}"));
    (pair.to_owned(), attributes.to_owned())
}

#[tokio::test]
async fn a_bearer_is_kept_in_a_cookie_and_taken_away() {
    let node = Node::with(&[&CLOSED[..], &[("server.trusted_proxies", "127.0.0.0/8")]].concat()).await;
    let open = || node.http().call("POST", "/api/session");
    assert_eq!(open().send().await.error(401), "auth_required");
    assert_eq!(open().header("authorization", "Bearer x").send().await.error(401), "bad_token");
    let opened = open().header("authorization", &bearer()).send().await;
    assert_eq!(opened.status, 204);
    let (pair, attributes) = cookie(&opened);
    assert!(attributes.starts_with("Max-Age="), "{attributes}");
    assert!(attributes.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{attributes}");
    let over_tls =
        open().header("authorization", &bearer()).header("x-forwarded-proto", "https").send().await;
    assert!(cookie(&over_tls).1.ends_with("; HttpOnly; SameSite=Strict; Secure"));

    let origin = format!("http://127.0.0.1:{}", node.port);
    let mut full =
        Dial::full(node.port, "/ws").header("cookie", &pair).header("origin", &origin).open().await;
    let welcome = full.expect("welcome").await;
    assert_eq!(
        (&welcome["user_id"], welcome.get("token")),
        (&json!("u-1"), None),
        "scripts can't read the token"
    );
    full.join("general").await;
    let mut plain = Dial::plain(node.port, "/ws?room=other")
        .header("cookie", &pair)
        .header("origin", &origin)
        .open()
        .await;
    assert_eq!(plain.expect("join").await["user_id"], "u-1");

    let closed = node.http().call("DELETE", "/api/session").header("cookie", &pair).send().await;
    assert_eq!((closed.status, cookie(&closed).0.as_str()), (204, "adda_session="));
    assert!(cookie(&closed).1.starts_with("Max-Age=0"));
    let foreign =
        open().header("authorization", &bearer()).header("origin", "https://evil.example").send().await;
    assert_eq!(foreign.error(403), "bad_origin");
    assert!(foreign.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn the_cookie_counts_for_no_page_but_the_own_one_and_those_that_are_named() {
    for named in ["*", "https://app.example"] {
        let settings = [("server.origins", named), ("server.trusted_proxies", "127.0.0.0/8")];
        let node = Node::with(&[&CLOSED[..], &settings].concat()).await;
        let own = format!("http://127.0.0.1:{}", node.port);
        let near = format!("http://127.0.0.1:{}", node.port + 1);
        let over_tls = format!("https://127.0.0.1:{}", node.port);
        let suffix = format!("http://127.0.0.1:{}.evil.example", node.port);
        for (origin, counts) in [
            (own.as_str(), true),
            ("https://app.example", named != "*"),
            ("https://evil.example", false),
            ("https://app.example.evil.example", false),
            ("http://app.example", false),
            ("null", false),
            (&near, false),
            (&over_tls, false),
            (&suffix, false),
        ] {
            assert_eq!(rest_takes(&node, origin, "http").await, counts, "{named}: {origin}");
            // Once origins are named, only their pages open sessions.
            let opens = named == "*" || origin == named;
            assert_eq!(socket_takes(&node, origin).await, counts && opens, "{named}: {origin}");
        }
        assert!(rest_takes(&node, &over_tls, "https").await, "the proxy speaks TLS");
        assert!(!rest_takes(&node, &own, "https").await, "a page without TLS is another one");
    }
}

async fn rest_takes(node: &Node, origin: &str, scheme: &str) -> bool {
    let cookie = format!("adda_session={}", token(600));
    let headers = [("cookie", cookie.as_str()), ("origin", origin), ("x-forwarded-proto", scheme)];
    let mut taken = Vec::new();
    for method in ["GET", "POST"] {
        let call =
            node.http().call(method, "/api/rooms/general/messages").json(&json!({ "content": "hello" }));
        let reply = headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await;
        let may_read = reply.header("access-control-allow-credentials") == "true";
        assert!(!may_read || origin == "https://app.example", "{origin} may read the answer");
        taken.push(reply.status != 401);
    }
    assert_eq!(taken[0], taken[1], "{origin}");
    taken[0]
}

/// Whether the cookie says who a session is; a page that may open none does not use it either.
async fn socket_takes(node: &Node, origin: &str) -> bool {
    let cookie = format!("adda_session={}", token(600));
    let session =
        Dial::full(node.port, "/ws").header("cookie", cookie).header("origin", origin).try_open().await;
    match session {
        Ok(mut session) => session.expect("welcome").await.get("auth_required").is_none(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_read_without_an_origin_counts_with_the_cookie_if_the_browser_says_it_is_of_the_own_page() {
    let node = Node::with(&CLOSED).await;
    let cookie = format!("adda_session={}", token(600));
    for (method, site, is_taken) in [
        ("GET", Some("same-origin"), true),
        ("GET", Some("same-site"), false),
        ("GET", Some("cross-site"), false),
        ("GET", Some("none"), false),
        ("GET", None, false),
        ("POST", Some("same-origin"), false),
        ("POST", None, false),
    ] {
        let call =
            node.http().call(method, "/api/rooms/general/messages").json(&json!({ "content": "hello" }));
        let call = call.header("cookie", &cookie);
        let call = if let Some(site) = site { call.header("sec-fetch-site", site) } else { call };
        assert_eq!(call.send().await.status != 401, is_taken, "{method} {site:?}");
    }
}
