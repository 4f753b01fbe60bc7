//! Uploads that are stored, and those that are refused.

use serde_json::json;

use super::{BOUNDARY, Folder, PNG, form, get, pair, send_form, settings, upload, url};
use crate::harness::{Client, DEADLINE, HaProxy, Http, Launch, Node, RawSocket, eventually};

/// A request that sends a form in pieces.
fn head(token: &str, framing: &str) -> String {
    format!(
        "POST /api/rooms/general/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n{framing}\r\n\r\n"
    )
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The whole answer of a connection that ends.
async fn answer(mut socket: RawSocket) -> String {
    String::from_utf8_lossy(&socket.read_to_end().await).into_owned()
}

#[tokio::test]
async fn hostile_files_are_stored_as_what_they_are() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[])).await;
    let rahim = Client::full(&node, "রহিম").await;
    let text = "text/plain; charset=utf-8";
    let gif = b"GIF89a\x03\x00\x02\x00/*<script>alert(1)</script>*/";
    for (name, bytes, kept, media_type, is_shown) in [
        ("ছবি.png", PNG, "ছবি.png", "image/png", true),
        (
            "a.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>".as_slice(),
            "a.svg",
            text,
            false,
        ),
        ("page.png", b"<!DOCTYPE html><script>1</script>", "page.png", text, false),
        ("polyglot.html", gif, "polyglot.html", "image/gif", true),
        ("../../etc/passwd", b"\0\x01", "passwd", "application/octet-stream", false),
        ("photo\u{202e}gnp.exe", b"\xffMZ", "photognp.exe", "application/octet-stream", false),
        ("a\"\r\nb.txt", "শুভ".as_bytes(), "a b.txt", text, false),
        ("100%2F%0d.txt", b"x", "100%2F%0d.txt", text, false),
        ("\"", b"x", "file", text, false),
        ("empty", b"", "empty", text, false),
    ] {
        let file = upload(&node, &rahim.token, "general", name, bytes).await;
        assert_eq!(
            (&file["name"], &file["type"], &file["size"]),
            (&json!(kept), &json!(media_type), &json!(bytes.len()))
        );
        let reply = get(&node, Some(&rahim.token), url(&file)).await;
        assert_eq!((reply.status, &*reply.body), (200, bytes), "{name:?}");
        assert_eq!(reply.header("content-type"), media_type);
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("content-security-policy"), "sandbox");
        let shown = if is_shown { "inline; " } else { "attachment; " };
        assert!(reply.header("content-disposition").starts_with(shown), "{name:?}: {reply:?}");
        assert!(folder.names().contains(&file["id"].as_str().unwrap().to_owned()), "the id is the name");
    }
    let long = upload(&node, &rahim.token, "general", &format!("{}.jpeg", "ক".repeat(300)), PNG).await;
    let name = long["name"].as_str().unwrap();
    assert!(name.chars().count() <= 100 && name.ends_with(".jpeg"), "{name}");
    assert_eq!((&long["width"], &long["height"]), (&json!(5), &json!(7)));
}

#[tokio::test]
async fn an_upload_that_is_too_large_is_refused_before_its_body_is_read() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[("files.max_bytes", "1000")])).await;
    let rahim = Client::full(&node, "রহিম").await;
    for expect in ["", "\r\nExpect: 100-continue"] {
        let mut socket = RawSocket::connect(node.port).await;
        socket.write(head(&rahim.token, &format!("Content-Length: 9999999{expect}")).as_bytes()).await;
        let answer = answer(socket).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("\"file_too_large\""), "{answer}");
    }
    let mut socket = RawSocket::connect(node.port).await;
    socket.write(head(&rahim.token, "Transfer-Encoding: chunked").as_bytes()).await;
    // The form begins as one with a small file does.
    socket.write(&chunk(&form("a.txt", &[b'x'; 2000])[..1500])).await;
    let refused = answer(socket).await;
    assert!(refused.starts_with("HTTP/1.1 413 ") && refused.contains("\"file_too_large\""), "{refused}");
    let fits = send_form(&node, &rahim.token, "general", form("a.txt", &[b'x'; 1000])).await;
    assert_eq!(fits.status, 201, "{fits:?}");
    assert_eq!(
        send_form(&node, &rahim.token, "general", form("a", &[b'x'; 1001])).await.error(413),
        "file_too_large"
    );
    eventually("nothing else stays", DEADLINE, async || (folder.names().len() == 1).then_some(())).await;
}

#[tokio::test]
async fn an_upload_through_the_balancer_is_stored_or_refused_as_by_the_node() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[("files.max_bytes", "3000000")])).await;
    let Some(balancer) = HaProxy::start(&[node.port]).await else { return };
    let rahim = Client::full(&node, "রহিম").await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let stored = Http::new(balancer.port)
        .call("POST", "/api/rooms/general/files")
        .header("authorization", &format!("Bearer {}", rahim.token))
        .header("content-type", &format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(form("a.bin", &bytes))
        .send()
        .await;
    assert_eq!(stored.status, 201, "{stored:?}");
    let call = Http::new(balancer.port).call("GET", url(&stored.json()));
    let read = call.header("authorization", &format!("Bearer {}", rahim.token)).send().await;
    assert!(read.body == bytes, "the bytes are the same");
    // One that says its length, and one that does not.
    let whole = form("a.bin", &vec![b'x'; 3_000_001]);
    for (framing, body) in [
        (format!("Content-Length: {}", 100_000_000), Vec::new()),
        ("Transfer-Encoding: chunked".to_owned(), chunk(&whole[..whole.len() - 10])),
    ] {
        let mut socket = RawSocket::connect(balancer.port).await;
        socket.write(head(&rahim.token, &framing).as_bytes()).await;
        socket.write(&body).await;
        let refused = socket.read_head().await;
        assert!(refused.starts_with("HTTP/1.1 413 "), "{framing}: {refused}");
    }
    eventually("nothing else stays", DEADLINE, async || (folder.names().len() == 1).then_some(())).await;
}

#[tokio::test]
async fn a_body_that_is_no_whole_form_leaves_nothing() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[("server.body_timeout", "1s")])).await;
    let rahim = Client::full(&node, "রহিম").await;
    let whole = form("a.txt", &[b'x'; 300_000]);
    let too_short = send_form(&node, &rahim.token, "general", whole[..whole.len() - 20].to_vec()).await;
    assert_eq!(too_short.error(400), "bad_request");
    let parts =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--{BOUNDARY}--\r\n");
    assert_eq!(send_form(&node, &rahim.token, "general", parts.into_bytes()).await.error(400), "bad_request");
    // The parts beside the file have a bound of their own.
    let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n");
    let mut beside = RawSocket::connect(node.port).await;
    beside.write(head(&rahim.token, "Transfer-Encoding: chunked").as_bytes()).await;
    beside.write(&chunk(&[part.as_bytes(), &[b'x'; 100_000]].concat())).await;
    assert!(answer(beside).await.starts_with("HTTP/1.1 400 "));
    let endless = [format!("--{BOUNDARY}\r\nX: ").as_bytes(), &vec![b'x'; 3 << 20]].concat();
    let mut socket = RawSocket::connect(node.port).await;
    socket.write(head(&rahim.token, &format!("Content-Length: {}", endless.len())).as_bytes()).await;
    socket.write(&endless).await;
    assert!(answer(socket).await.starts_with("HTTP/1.1 400 "));
    // A client that stops in the middle of its file, and one whose connection ends there.
    let mut slow = RawSocket::connect(node.port).await;
    slow.write(head(&rahim.token, &format!("Content-Length: {}", whole.len() + 1)).as_bytes()).await;
    slow.write(&whole[..whole.len() - 3]).await;
    assert!(answer(slow).await.starts_with("HTTP/1.1 408 "));
    let mut gone = RawSocket::connect(node.port).await;
    gone.write(head(&rahim.token, &format!("Content-Length: {}", whole.len())).as_bytes()).await;
    gone.write(&whole[..200_000]).await;
    drop(gone);
    eventually("nothing stays", DEADLINE, async || folder.names().is_empty().then_some(())).await;
    let plain = node.http().call("POST", "/api/rooms/general/files").header("content-type", "text/plain");
    let plain = plain.header("authorization", &format!("Bearer {}", rahim.token)).body("x").send().await;
    assert_eq!(plain.error(400), "bad_request");
}

#[tokio::test]
async fn a_form_has_one_file_and_few_parts() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[])).await;
    let rahim = Client::full(&node, "রহিম").await;
    let part = |parameters: &[u8]| {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; ");
        [head.as_bytes(), parameters, b"\r\n\r\nx\r\n"].concat()
    };
    let file = part(b"name=\"f\"; filename=\"a.txt\"");
    let none = part(b"name=\"f\"; filename=\"\"");
    let field = part(b"name=\"filename\"");
    let latin = part(b"name=\"f\"; filename=\"caf\xe9.txt\"");
    let starred = part(b"name=\"f\"; filename*=UTF-8''a.txt");
    for (parts, flaw) in [
        (vec![&file], ""),
        (vec![&field, &file, &field], ""),
        (vec![&none, &file, &none], ""),
        ([vec![&field; 7], vec![&file]].concat(), ""),
        ([vec![&field; 8], vec![&file]].concat(), "too many parts"),
        ([vec![&file], vec![&field; 7]].concat(), ""),
        ([vec![&file], vec![&field; 8]].concat(), "too many parts"),
        (vec![&file, &file], "one file"),
        (vec![&file, &field, &latin], "UTF-8"),
        (vec![&none], "no file"),
        (vec![&field], "no file"),
        (vec![&latin], "UTF-8"),
        (vec![&starred], "UTF-8"),
    ] {
        let parts: Vec<u8> = parts.into_iter().flatten().copied().collect();
        let body = [parts.as_slice(), format!("--{BOUNDARY}--\r\n").as_bytes()].concat();
        let reply = send_form(&node, &rahim.token, "general", body).await;
        if flaw.is_empty() {
            assert_eq!((reply.status, &reply.json()["name"]), (201, &json!("a.txt")));
        } else {
            assert_eq!(reply.error(400), "bad_request");
            assert!(reply.json()["error"].as_str().unwrap().contains(flaw), "{flaw}: {reply:?}");
        }
    }
    eventually("no other is stored", DEADLINE, async || (folder.names().len() == 5).then_some(())).await;
}

#[tokio::test]
async fn a_quota_counts_on_all_nodes_and_failed_uploads_cost_nothing() {
    let folder = Folder::new();
    let quota =
        [("files.per_user_per_day", "100000"), ("files.max_bytes", "80000"), ("server.body_timeout", "1s")];
    let Some(cluster) = pair(&folder, &quota).await else { return };
    let [here, there] = [&cluster.nodes[0], &cluster.nodes[1]];
    let rahim = Client::full(here, "রহিম").await;
    upload(here, &rahim.token, "general", "one", &[b'x'; 60_000]).await;
    let refused = send_form(there, &rahim.token, "general", form("two", &[b'x'; 60_000])).await;
    assert_eq!(refused.error(429), "file_quota_exceeded");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 86_400, "{refused:?}");
    assert_eq!(
        send_form(there, &rahim.token, "general", form("two", &[b'x'; 200_000])).await.error(413),
        "file_too_large"
    );
    let mut gone = RawSocket::connect(there.port).await;
    gone.write(head(&rahim.token, "Content-Length: 40000").as_bytes()).await;
    gone.write(&form("three", &[b'x'; 40_000])[..30_000]).await;
    drop(gone);
    eventually("the bytes are given back", DEADLINE, async || {
        (send_form(there, &rahim.token, "general", form("four", &[b'x'; 39_000])).await.status == 201)
            .then_some(())
    })
    .await;
    let rest = send_form(there, &rahim.token, "general", form("five", &[b'x'; 2000])).await;
    assert_eq!(rest.error(429), "file_quota_exceeded");
}

#[tokio::test]
async fn a_node_takes_a_bounded_number_of_uploads() {
    let folder = Folder::new();
    let bounds = [("files.uploads_in_flight", "1"), ("server.body_timeout", "60s")];
    let node = Node::with(&settings(&folder, &bounds)).await;
    let rahim = Client::full(&node, "রহিম").await;
    let mut first = RawSocket::connect(node.port).await;
    let body = form("a", b"xyz");
    first
        .write(
            head(&rahim.token, &format!("Content-Length: {}\r\nExpect: 100-continue", body.len())).as_bytes(),
        )
        .await;
    assert!(first.read_head().await.starts_with("HTTP/1.1 100 "), "the body is awaited");
    let busy = send_form(&node, &rahim.token, "general", form("b", b"x")).await;
    assert_eq!(busy.error(503), "unavailable");
    assert!(!busy.header("retry-after").is_empty());
    first.write(&body).await;
    assert!(first.read_head().await.starts_with("HTTP/1.1 201 "));
    upload(&node, &rahim.token, "general", "b", b"x").await;
}

#[tokio::test]
async fn an_upload_needs_a_token_and_the_right_to_speak() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[])).await;
    let nobody = node.http().call("POST", "/api/rooms/general/files").body(form("a", b"x"));
    assert_eq!(nobody.send().await.error(401), "auth_required");
    assert_eq!(send_form(&node, "x.y.z", "general", form("a", b"x")).await.error(401), "bad_token");
    let rahim = Client::full(&node, "রহিম").await;
    assert_eq!(send_form(&node, &rahim.token, "..", form("a", b"x")).await.error(400), "bad_room_name");
    assert_eq!(send_form(&node, &rahim.token, "a\tb", form("a", b"x")).await.error(400), "bad_room_name");
}

#[tokio::test]
async fn a_node_without_storage_takes_no_files() {
    let node = Node::with(&[("files.url", "")]).await;
    let mut rahim = Client::full(&node, "রহিম").await;
    assert_eq!(send_form(&node, &rahim.token, "general", form("a", b"x")).await.error(404), "not_found");
    rahim.join("general").await;
    rahim
        .send(
            json!({ "type": "text", "room_id": "general", "content": "x", "files": [uuid::Uuid::new_v4()] }),
        )
        .await;
    assert_eq!(rahim.expect("error").await["code"], "not_found");
    let bad = Launch::new().set("files.url", "gs://bucket").command(&["check"]).output().unwrap();
    assert!(!bad.status.success() && String::from_utf8_lossy(&bad.stderr).contains("files.url"), "{bad:?}");
}

#[tokio::test]
async fn a_node_alone_keeps_files_in_a_folder_that_goes_with_it() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let mut command = Launch::new();
    command = command.set("server.drain", "0s");
    let port = command.port();
    let mut process = command.command(&["serve", "--bind", &format!("127.0.0.1:{port}")]);
    process.env("TMPDIR", folder.path());
    let mut node = command.spawn_command(process).ready().await;
    let rahim = Client::full(&node, "রহিম").await;
    let file = upload(&node, &rahim.token, "general", "a.txt", b"xyz").await;
    assert_eq!(&*get(&node, None, url(&file)).await.body, b"xyz");
    assert_eq!(folder.names().len(), 1);
    node.terminate();
    assert!(node.exited().await.success());
    assert_eq!(folder.names(), Vec::<String>::new());
}
