//! The balancer as it is shipped, and what operators add to it: another path, TLS.

use crate::harness::browser::Browser;
use crate::harness::{Client, HaProxy, Http, Node, ports};

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
    karim.say("চায়ের দোকান", "ভালো আছো?").await;
    let page = browser.open_at(&format!("http://127.0.0.1:{port}/chat")).await;
    page.join("রহিম", "চায়ের দোকান").await;
    page.shows("ভালো আছো?").await;
    page.say("ভালো").await;
    karim.hears("ভালো").await;
    page.until("document.querySelectorAll('#members .members__user').length === 2").await;
    assert_eq!(page.value("location.pathname").await, "/chat/");
    let links = "[...document.querySelectorAll('#room-list a')].every((a) => a.pathname === '/chat/')";
    page.until(links).await;
    page.reload().await;
    page.shows("ভালো আছো?").await;
}
