//! The shipped configuration of the balancer, and additions of operators: another path, TLS.

use crate::harness::browser::Browser;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{
    Client, Cluster, HaProxy, Http, LONG_DEADLINE, Launch, Node, RawSocket, eventually, ports,
};

/// A frontend that serves adda below `/chat/`, as `docs/operations.md` shows it.
fn below_a_path(port: u16) -> String {
    format!(
        "frontend below_a_path\n    bind 127.0.0.1:{port}\n    \
         http-request redirect code 301 location /chat/ if {{ path /chat }}\n    \
         http-request deny status 404 unless {{ path_beg /chat/ }}\n    \
         http-request replace-path /chat(/.*) \\1\n    default_backend nodes\n"
    )
}

#[tokio::test]
async fn the_client_works_below_a_path_of_its_host() {
    let node = Node::memory().await;
    let Some(browser) = Browser::start().await else { return };
    let port = ports::reserve();
    let Some(_balancer) = HaProxy::start_with(&[node.port], &below_a_path(port)).await else { return };
    assert_eq!(Http::new(port).get("/js/main.js").await.status, 404, "nothing but the path is served");
    let mut karim = Client::full(&node, "করিম").await;
    karim.join("চায়ের দোকান").await;
    karim.posts("চায়ের দোকান", "ভালো আছো?").await;
    let page = browser.open_at(&format!("http://127.0.0.1:{port}/chat")).await;
    page.join("রহিম", "চায়ের দোকান").await;
    page.shows("ভালো আছো?").await;
    page.posts("ভালো").await;
    karim.receives("ভালো").await;
    page.until("document.querySelectorAll('#members .members__user').length === 2").await;
    assert_eq!(page.value("location.pathname").await, "/chat/");
    let links = "[...document.querySelectorAll('#room-list a')].every((a) => a.pathname === '/chat/')";
    page.until(links).await;
    page.reload().await;
    page.shows("ভালো আছো?").await;
}

#[tokio::test]
async fn probes_and_metrics_are_not_shown_to_visitors() {
    let node = Node::memory().await;
    let Some(balancer) = HaProxy::start(&[node.port]).await else { return };
    for target in [
        "/metrics",
        "/metrics?x",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/%6Detrics%3Fx",
        "/METRICS",
        "http://adda/metrics",
        "http://adda//metrics?x=/",
        "/healthz",
        "/readyz#x",
        "/read%79z",
    ] {
        let mut socket = RawSocket::connect(balancer.port).await;
        let request = format!("GET {target} HTTP/1.1\r\nHost: adda\r\nConnection: close\r\n\r\n");
        socket.write(request.as_bytes()).await;
        let answer = String::from_utf8_lossy(&socket.read_to_end().await).into_owned();
        // HAProxy itself refuses a malformed request.
        assert!(
            answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"),
            "{target}: {answer}"
        );
        assert!(!answer.contains("adda_sessions") && !answer.contains("ready"), "{target}: {answer}");
    }
    assert_eq!(Http::new(balancer.port).get("/metrics").await.error(404), "not_found");
    assert_eq!(node.http().get("/metrics").await.status, 200, "the node shows them");
}

#[tokio::test]
async fn the_balancer_refuses_as_a_node_does() {
    let mut node = Node::memory().await;
    let Some(balancer) = HaProxy::start(&[node.port]).await else { return };
    for given in ["a-b.C_1", "two words", &"x".repeat(65), "<script>", ""] {
        let reply =
            Http::new(balancer.port).call("GET", "/api/rooms").header("x-request-id", given).send().await;
        let id = reply.header("x-request-id");
        assert_eq!(id == given, given == "a-b.C_1", "{given}: {id}");
        assert!(!id.is_empty() && id.len() <= 64, "{given}: {id}");
    }
    node.kill();
    let refused = Http::new(balancer.port).get("/api/rooms").await;
    let status = refused.status;
    assert!(status == 503 || status == 502, "{refused:?}");
    assert_eq!(refused.error(status), "unavailable");
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn the_balancer_speaks_tls() {
    let node = Node::memory().await;
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let plain = ports::reserve();
    let pem = format!("{certificate}{key}");
    let Some(balancer) = HaProxy::start_tls(&[node.port], &pem, plain).await else { return };
    let trusted = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trusted-{plain}.pem"));
    std::fs::write(&trusted, certificate).unwrap();
    let asked = |host: &str| format!("https://{host}:{}/api/nodes", balancer.port);
    let health = |url: &str| Launch::bare().command(&["health", "--url", url]);
    let is_success = |mut command: std::process::Command| command.output().expect("it runs").status.success();
    let mut trusting = health(&asked("localhost"));
    trusting.env("SSL_CERT_FILE", &trusted);
    assert!(is_success(trusting), "a certificate of the file is trusted");
    let mut elsewhere = health(&asked("127.0.0.1"));
    elsewhere.env("SSL_CERT_FILE", &trusted);
    assert!(!is_success(elsewhere), "another name is not");
    assert!(!is_success(health(&asked("localhost"))), "nor is it trusted without the file");
    assert!(
        !is_success(health(&format!("localhost:{}/api/nodes", balancer.port))),
        "the port speaks TLS alone"
    );
    let sent = Http::new(plain).get("/x?y").await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (308, format!("https://127.0.0.1:{plain}/x?y").as_str())
    );
    std::fs::remove_file(trusted).unwrap();
}

#[tokio::test]
async fn a_visitor_gets_a_page_that_reloads_while_no_node_is_ready() {
    let mut node = Node::memory().await;
    let Some(balancer) = HaProxy::start(&[node.port]).await else { return };
    node.kill();
    let http = Http::new(balancer.port);
    let page = crate::harness::eventually("no node is ready", crate::harness::LONG_DEADLINE, async || {
        let page = http.call("GET", "/").header("accept", "text/html,*/*;q=0.8").send().await;
        page.header("content-type").starts_with("text/html").then_some(page)
    })
    .await;
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    assert_eq!(page.status, 503);
    assert!(
        text.contains("http-equiv=\"refresh\"") && text.contains("আড্ডা") && text.contains("tries again"),
        "{text}"
    );
    assert_eq!(http.get("/api/rooms").await.error(503), "unavailable", "a program gets JSON");
}

#[tokio::test]
async fn requests_refused_by_an_overloaded_node_are_not_retried_on_others() {
    const READS: usize = 300;
    let Some(cluster) = Cluster::with(2, &[("limits.reads_in_flight", "1")]).await else { return };
    let ports = [cluster.nodes[0].port, cluster.nodes[1].port];
    let Some(balancer) = HaProxy::start(&ports).await else { return };
    let id = |read: usize| format!("read-{read}-of-many");
    let replies = join_all((0..READS).map(|read| {
        // Each request reads another room, so no two share an answer.
        let call = Http::new(balancer.port).call("GET", &format!("/api/rooms/room-{read}"));
        call.header("x-request-id", &id(read)).send()
    }))
    .await;
    let mut refused = 0;
    for reply in replies.iter().filter(|reply| reply.status != 404) {
        assert_eq!(reply.error(503), "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
        refused += 1;
    }
    assert!(refused > 0, "nothing was refused");
    // The last line of each log, after those of the reads.
    for node in &cluster.nodes {
        node.http().call("GET", "/api/nodes").header("x-request-id", "the-last").send().await;
        eventually("its line", LONG_DEADLINE, async || node.log().contains("the-last").then_some(())).await;
    }
    let logs: Vec<String> = cluster.nodes.iter().map(Node::log).collect();
    for (read, reply) in replies.iter().enumerate() {
        let asked: usize = logs.iter().map(|log| log.matches(&id(read)).count()).sum();
        assert_eq!(asked, 1, "read {read}: {}", reply.status);
    }
}

#[tokio::test]
async fn a_node_reads_the_balancers_headers_and_not_those_of_the_client() {
    let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = node.local_addr().unwrap().port();
    let requests = tokio::spawn(async move {
        loop {
            let (mut socket, _) = node.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && socket.read_buf(&mut head).await.unwrap() > 0 {}
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            // A health check may be gone already.
            let _ = socket.write_all(answer).await;
            let head = String::from_utf8(head).unwrap().to_lowercase();
            if head.starts_with("get /api/rooms") {
                return head;
            }
        }
    });
    let Some(balancer) = HaProxy::start(&[port]).await else { return };
    let call = Http::new(balancer.port).call("GET", "/api/rooms").header("x-forwarded-for", "192.0.2.66");
    let call = call.header("x-forwarded-proto", "https").header("x-forwarded-host", "evil.example");
    assert_eq!(call.header("x-forwarded-for", "192.0.2.67").send().await.status, 200);
    let head = requests.await.unwrap();
    let lines: Vec<_> = head.lines().filter(|line| line.starts_with("x-forwarded")).collect();
    assert_eq!(lines, ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http"]);
}
