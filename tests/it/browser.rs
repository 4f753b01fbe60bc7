//! The browser client, driven by a browser against real nodes.

use crate::harness::balancer::Balancer;
use crate::harness::browser::{Browser, Page};
use crate::harness::{Client, Cluster, Node, ports};

/// The numbers of the messages in the timeline, from the top.
async fn seqs(page: &Page) -> Vec<u64> {
    let script = "[...document.querySelectorAll('#timeline .message')].map(row => Number(row.dataset.seq))";
    serde_json::from_value(page.value(script).await).expect("numbers")
}

#[tokio::test]
async fn two_people_on_two_nodes_talk() {
    let Some(browser) = Browser::start().await else { return };
    let Some(cluster) = Cluster::start(2).await else { return };
    let rahim = browser.open(cluster.nodes[0].port).await;
    let karim = browser.open(cluster.nodes[1].port).await;
    rahim.join("রহিম", "চায়ের দোকান").await;
    karim.join("করিম", "চায়ের দোকান").await;
    rahim.say("কেমন আছো?").await;
    karim.shows("কেমন আছো?").await;
    karim.say("ভালো, র\u{200d}্যাব দেখলাম").await;
    rahim.shows("ভালো, র\u{200d}্যাব দেখলাম").await;
    for page in [&rahim, &karim] {
        page.until("document.querySelectorAll('#members .members__user').length === 2").await;
        assert_eq!(page.messages().await, ["কেমন আছো?", "ভালো, র\u{200d}্যাব দেখলাম"]);
        assert_eq!(seqs(page).await, [1, 2]);
        page.until("document.querySelectorAll('#timeline .message--own').length === 1").await;
        page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 0").await;
    }
    rahim.close().await;
    karim.until("document.querySelectorAll('#members .members__user').length === 1").await;
    karim.close().await;
}

#[tokio::test]
async fn the_page_goes_on_at_another_node_when_its_own_is_killed() {
    let Some(browser) = Browser::start().await else { return };
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let balancer = Balancer::start(cluster.nodes[0].port).await;
    let page = browser.open(balancer.port).await;
    page.join("রহিম", "general").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    karim.join("general").await;
    page.say("one").await;
    karim.hears("one").await;
    balancer.point_to(cluster.nodes[1].port);
    cluster.nodes[0].kill();
    for content in ["two", "three"] {
        karim.say("general", content).await;
    }
    page.say("four").await;
    karim.hears("four").await;
    karim.say("general", "five").await;
    page.shows("five").await;
    assert_eq!(page.messages().await, ["one", "two", "three", "four", "five"]);
    assert_eq!(seqs(&page).await, [1, 2, 3, 4, 5]);
    karim.catch_up().await;
    let left = karim.untaken("text");
    assert!(
        left.iter().all(|text| text["username"] == "করিম"),
        "each message of the page comes once: {left:?}"
    );
    assert!(karim.untaken("leave").is_empty(), "the page came back in time: {karim}");
    page.close().await;
}

#[tokio::test]
async fn words_written_while_no_node_answers_are_sent_later() {
    let Some(browser) = Browser::start().await else { return };
    let mut node = Node::memory().await;
    let balancer = Balancer::start(node.port).await;
    let page = browser.open(balancer.port).await;
    page.join("রহিম", "general").await;
    page.say("before").await;
    page.shows("before").await;
    balancer.point_to(ports::reserve());
    node.kill();
    page.until("document.body.dataset.connection !== 'online'").await;
    page.say("while away").await;
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 1").await;

    let other = Node::memory().await;
    let mut karim = Client::full(&other, "করিম").await;
    karim.join("general").await;
    balancer.point_to(other.port);
    page.click_if_shown("#retry-now").await;
    karim.hears("while away").await;
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 0").await;
    page.close().await;
}

#[tokio::test]
async fn markup_in_a_message_stays_text() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.open(node.port).await;
    page.join("রহিম", "general").await;
    let attacks = [
        "<img src=x onerror=\"window.wasHit=1\">",
        "<script>window.wasHit=1</script>",
        "javascript:window.wasHit=1",
        "https://example.com/\"onmouseover=\"window.wasHit=1",
        "</p></article><iframe srcdoc='<script>parent.wasHit=1</script>'></iframe>",
        "{room} ${window.wasHit=1} {{wasHit}}",
    ];
    let mut attacker = Client::full(&node, "<b onclick=wasHit=1>").await;
    attacker.join("general").await;
    for attack in attacks {
        attacker.say("general", attack).await;
        page.shows(attack).await;
    }
    assert_eq!(page.messages().await, attacks);
    let inserted = "document.querySelectorAll('#timeline :is(img, script, iframe, b)').length";
    assert_eq!(page.value(inserted).await, 0);
    let links = "[...document.querySelectorAll('#timeline a')].every(a => a.href.startsWith('https://'))";
    assert_eq!(page.value(links).await, true);
    assert_eq!(page.value("window.wasHit === undefined").await, true);
    let author = "document.querySelector('#timeline .message__author').textContent";
    assert_eq!(page.value(author).await, "<b onclick=wasHit=1>");
    page.close().await;
}

#[tokio::test]
async fn the_page_speaks_bengali_and_english() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.open(node.port).await;
    let join = "document.querySelector('#join-button').textContent";
    for (language, text) in [("bn", "যোগ দিন"), ("en", "Join"), ("bn", "যোগ দিন")] {
        page.choose("#language-switch", language).await;
        page.until(&format!("document.documentElement.lang === '{language}'")).await;
        page.until(&format!("{join} === '{text}'")).await;
        let empty = "[...document.querySelectorAll('[data-text]')].filter(e => !e.textContent).length";
        assert_eq!(page.value(empty).await, 0);
    }
    page.choose("#language-switch", "en").await;
    page.join("Rahim", "general").await;
    page.say("hello").await;
    page.shows("hello").await;
    page.reload().await;
    page.until("document.documentElement.lang === 'en'").await;
    page.close().await;
}
