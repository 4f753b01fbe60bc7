//! Reading files: access, ranges, headers.

use adda::model::Role;
use serde_json::json;

use super::{Folder, get, pair, settings, upload, url};
use crate::harness::{Client, DEADLINE, Node, RawSocket, Signer, eventually};
use crate::notifications::{SECRET, token};

#[tokio::test]
async fn any_node_serves_a_file() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[]).await else { return };
    let rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let file = upload(&cluster.nodes[0], &rahim.token, "আড্ডা", "ছবি {1}.bin", &bytes).await;
    let reply = get(&cluster.nodes[1], None, url(&file)).await;
    assert_eq!((reply.status, reply.body.len()), (200, bytes.len()));
    assert!(reply.body == bytes);
    let whole =
        "attachment; filename=\"___ {1}.bin\"; filename*=UTF-8''%E0%A6%9B%E0%A6%AC%E0%A6%BF%20%7B1%7D.bin";
    assert_eq!(reply.header("content-disposition"), whole);
}

/// hyper's own answers get a body on their way to the socket.
#[tokio::test]
async fn a_file_that_ends_like_an_answer_of_the_server_comes_as_it_is() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[])).await;
    let rahim = Client::full(&node, "রহিম").await;
    let bytes =
        [&vec![b'x'; 1_000_000], &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..]].concat();
    let file = upload(&node, &rahim.token, "general", "a.bin", &bytes).await;
    assert!(get(&node, None, url(&file)).await.body == bytes);
    let end = node.http().call("GET", url(&file)).header("range", "bytes=-100").send().await;
    assert_eq!(&end.body[..], &bytes[bytes.len() - 100..]);
}

#[tokio::test]
async fn a_download_that_nobody_takes_fills_no_megabytes() {
    const FILE: usize = 16 << 20;
    let folder = Folder::new();
    let settings = settings(&folder, &[("session.write_timeout", "1s"), ("files.max_bytes", "33554432")]);
    let node = Node::with(&settings).await;
    let rahim = Client::full(&node, "রহিম").await;
    let file = upload(&node, &rahim.token, "general", "a.bin", &vec![b'x'; FILE]).await;
    let mut stalled = RawSocket::connect(node.port).await;
    stalled.write(format!("GET {} HTTP/1.1\r\nhost: a\r\n\r\n", url(&file)).as_bytes()).await;
    eventually("it is given up", DEADLINE, async || stalled.is_cut().then_some(())).await;
    let read = node.http().metrics().await.value("adda_file_bytes_sent_total");
    assert!(read < f64::from(1 << 20), "{read} bytes were read for a client that takes none");
}

#[tokio::test]
async fn a_part_of_a_file_is_read_by_its_range() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[])).await;
    let rahim = Client::full(&node, "রহিম").await;
    let file = upload(&node, &rahim.token, "general", "a.txt", b"0123456789").await;
    let tag = format!("\"{}\"", file["id"].as_str().unwrap());
    let call = |method: &str, headers: &[(&str, &str)]| {
        let call = node.http().call(method, url(&file));
        headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send()
    };
    let whole = call("GET", &[]).await;
    assert_eq!((whole.status, whole.header("content-length")), (200, "10"));
    assert_eq!((whole.header("etag"), whole.header("accept-ranges")), (&*tag, "bytes"));
    assert_eq!(whole.header("cache-control"), "private, max-age=31536000, immutable");
    for (range, status, content_range, body) in [
        ("bytes=0-3", 206, "bytes 0-3/10", "0123"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-2", 206, "bytes 8-9/10", "89"),
        ("bytes=0-1,4-5", 200, "", "0123456789"),
        ("bytes=x", 200, "", "0123456789"),
    ] {
        let reply = call("GET", &[("range", range)]).await;
        assert_eq!((reply.status, &*reply.body), (status, body.as_bytes()), "{range}");
        assert_eq!(reply.header("content-range"), content_range, "{range}");
    }
    let beyond = call("GET", &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.error(416), "bad_request");
    assert_eq!(beyond.header("content-range"), "bytes */10");
    assert_eq!(beyond.header("cache-control"), "", "a refusal is not kept");
    let weak = format!("W/{tag}");
    for (known, status) in [(&*tag, 206), ("\"other\"", 200), (&weak, 200), ("*", 200)] {
        assert_eq!(
            call("GET", &[("range", "bytes=0-1"), ("if-range", known)]).await.status,
            status,
            "{known}"
        );
    }
    for known in [&*tag, &weak, "*", &format!("\"other\", {tag}")] {
        let reply = call("GET", &[("if-none-match", known)]).await;
        assert_eq!((reply.status, reply.body.len()), (304, 0), "{known}");
        assert_eq!(reply.header("cache-control"), whole.header("cache-control"), "{known}");
    }
    assert_eq!(call("GET", &[("if-none-match", "\"other\"")]).await.status, 200);
    for range in ["", "bytes=0-1", "bytes=10-"] {
        let head = call("HEAD", &[("range", range)]).await;
        assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "10", 0), "{range}");
    }
}

#[tokio::test]
async fn a_file_that_may_not_be_read_is_as_one_that_never_was() {
    let folder = Folder::new();
    let issuer = [("auth.issuer.secret", "a secret of another issuer of tokens 1234")];
    let node = Node::with(&settings(&folder, &issuer)).await;
    let rahim = Client::full(&node, "রহিম").await;
    let file = upload(&node, &rahim.token, "closed", "a.txt", b"secret").await;
    let elsewhere = Signer::secret(issuer[0].1)
        .token(&json!({ "sub": "mita", "exp": 4_000_000_000_u64, "rooms": ["open"] }));
    let never = format!("/api/files/{}/a.txt", uuid::Uuid::new_v4());
    let id = file["id"].as_str().unwrap();
    let missing = get(&node, Some(&rahim.token), &never).await;
    assert_eq!(missing.error(404), "file_not_found");
    for (token, path) in [
        (&elsewhere, url(&file).to_owned()),
        (&rahim.token, format!("/api/files/{id}/b.txt")),
        (&rahim.token, format!("/api/files/{}/a.txt", id.to_uppercase())),
        (&rahim.token, "/api/files/..%2f..%2fetc/passwd".to_owned()),
    ] {
        let reply = get(&node, Some(token), &path).await;
        assert_eq!((reply.status, &reply.body), (404, &missing.body), "{path}");
    }
    assert_eq!(get(&node, Some(&rahim.token), url(&file)).await.status, 200);
    assert_eq!(get(&node, None, url(&file)).await.status, 200, "guests read public rooms");
}

/// As a page shows it by `<img src>`: the browser sends no `Origin` with it.
#[tokio::test]
async fn a_page_of_the_node_reads_a_file_by_the_cookie() {
    let folder = Folder::new();
    let more = [("auth.guests", "false"), ("auth.secret", SECRET)];
    let node = Node::with(&settings(&folder, &more)).await;
    let token = token("rahim", Role::Member);
    let file = upload(&node, &token, "general", "a.txt", b"xyz").await;
    let session =
        node.http().call("POST", "/api/session").header("authorization", &format!("Bearer {token}"));
    let session = session.send().await;
    assert_eq!(session.status, 204, "{session:?}");
    let (cookie, _) = session.header("set-cookie").split_once(';').unwrap();
    for (site, status) in [("same-origin", 200), ("same-site", 401), ("cross-site", 401), ("none", 401)] {
        let call = node.http().call("GET", url(&file)).header("cookie", cookie);
        let reply = call.header("sec-fetch-site", site).send().await;
        assert_eq!(reply.status, status, "{site}: {reply:?}");
    }
    assert_eq!(node.http().call("GET", url(&file)).header("cookie", cookie).send().await.status, 401);
}

#[tokio::test]
async fn without_guests_a_file_needs_a_token() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[("auth.guests", "false")])).await;
    let path = format!("/api/files/{}/a.txt", uuid::Uuid::new_v4());
    assert_eq!(get(&node, None, &path).await.error(401), "auth_required");
}
