//! The browser client under load and without optional features: its memory, requests and rows stay within bounds.

use fantoccini::key::Key;
use serde_json::Value;

use crate::browser::{assert_unbroken, seqs, watch};
use crate::harness::browser::{Browser, Page};
use crate::harness::{Client, Cluster, HaProxy, Node, ports};

/// Messages that a page keeps, and allowance for rows between them.
const MOST_ROWS: u64 = 300 + 20;

/// A client that has posted so many messages in a room.
async fn talker(node: &Node, room: &str, count: usize) -> Client {
    let mut talker = Client::full(node, "করিম").await;
    talker.join(room).await;
    for number in 1..=count {
        talker.posts(room, &format!("message {number}")).await;
        // A long inbox makes each look for an ack slow.
        talker.take_all();
    }
    talker
}

/// The number of requests for pages of messages.
fn pages_read(node: &Node) -> usize {
    let log = node.log();
    log.lines().filter(|line| line.contains("/api/rooms/{room}/messages") && line.contains("GET")).count()
}

async fn number(page: &Page, expression: &str) -> u64 {
    let value = page.value(expression).await;
    value.as_f64().unwrap_or_else(|| panic!("{expression} is {value}")).round() as u64
}

#[tokio::test]
async fn a_page_without_its_script_offers_a_reload() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let port = ports::reserve();
    let frontend = format!(
        "frontend without_the_script\n    bind 127.0.0.1:{port}\n    \
         http-request deny status 503 if {{ path_end /client.js }}\n    default_backend nodes\n"
    );
    let Some(_balancer) = HaProxy::start_with(&[node.port], &frontend).await else { return };
    let page = browser.load(&format!("http://127.0.0.1:{port}/")).await;
    page.until("document.querySelector('.load-failure--shown, .load-failed') !== null").await;
    page.until("getComputedStyle(document.getElementById('load-failure')).visibility === 'visible'").await;
    let words = page.value("document.getElementById('load-failure').innerText").await.to_string();
    assert!(words.contains("Try again") && words.contains("আবার চেষ্টা করুন"), "{words}");
    let leads_here = "[...document.querySelectorAll('#load-failure a')].every(a => a.href === location.href)";
    assert_eq!(page.value(leads_here).await, true);
    page.close().await;
}

/// No message is lost, so the reader is shown nothing.
#[tokio::test]
async fn a_redis_that_is_stopped_and_started_is_not_seen_in_the_timeline() {
    let Some(browser) = Browser::start().await else { return };
    let Some(mut cluster) = Cluster::start(1).await else { return };
    let page = browser.enter(cluster.nodes[0].port, "রহিম", "general").await;
    page.posts("one").await;
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 0").await;
    page.shows("one").await;
    watch(&page).await;
    cluster.redis.shut_down().await;
    page.posts("two").await;
    cluster.redis.restart().await;
    cluster.nodes[0].until_ready().await;
    page.shows("two").await;
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 0").await;
    cluster.nodes[0].http().post("general", "three").await;
    page.shows("three").await;
    assert_eq!(page.messages().await, ["one", "two", "three"]);
    assert_eq!(seqs(&page).await, [1, 2, 3]);
    assert_unbroken(&page).await;
    page.close().await;
}

#[tokio::test]
async fn a_tall_window_reads_few_pages_and_shows_the_newest() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut karim = talker(&node, "general", 600).await;
    let page = browser.open(node.port).await;
    page.resize(1000, 6500).await;
    page.join("রহিম", "general").await;
    page.shows("message 600").await;
    let is_full = "(t => t.scrollHeight > t.clientHeight || t.querySelectorAll('.message').length > 250)";
    page.until(&format!("{is_full}(document.querySelector('#timeline'))")).await;
    for number in 601..=605 {
        karim.posts("general", &format!("message {number}")).await;
        page.shows(&format!("message {number}")).await;
    }
    page.posts("all read").await;
    page.shows("all read").await;
    let below = "(([last, all]) => last.bottom - all.bottom)([[...document.querySelectorAll('#timeline .message')].at(-1), \
                 document.querySelector('#timeline')].map((element) => element.getBoundingClientRect()))";
    page.until(&format!("{below} <= 1")).await;
    let read = pages_read(&node);
    assert!(read <= 6, "{read} pages");
    page.close().await;
}

#[tokio::test]
async fn a_page_that_receives_5000_messages_keeps_a_bounded_number_of_rows() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    page.value(
        "(() => { window.mostRows = 0; const rows = document.querySelector('#timeline-rows');
          new MutationObserver(() => { mostRows = Math.max(mostRows, rows.childElementCount); })
            .observe(rows, { childList: true }); })()",
    )
    .await;
    let mut karim = talker(&node, "general", 5_000).await;
    page.shows("message 5000").await;
    let most = number(&page, "mostRows").await;
    assert!((50..=MOST_ROWS).contains(&most), "{most} rows");
    page.turn_wheel("#timeline", -1_000_000).await;
    page.until("!document.querySelector('#jump-latest').hidden").await;
    karim.posts("general", "one more").await;
    page.click("#jump-latest").await;
    page.shows("one more").await;
    let most = number(&page, "mostRows").await;
    assert!(most <= MOST_ROWS, "{most} rows");
    page.close().await;
}

#[tokio::test]
async fn one_notch_of_the_wheel_is_respected() {
    const NOTCH: i64 = 100;
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut karim = talker(&node, "general", 60).await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    page.shows("message 60").await;
    let place = "document.querySelector('#timeline').scrollTop";
    page.until("(t => t.scrollHeight > t.clientHeight + 200 && t.scrollTop + t.clientHeight >= t.scrollHeight - 1)(document.querySelector('#timeline'))")
        .await;
    let bottom = number(&page, place).await;
    page.turn_wheel("#timeline", -NOTCH).await;
    let above = bottom - NOTCH.unsigned_abs();
    page.until(&format!("Math.abs({place} - {above}) <= 1")).await;
    for round in 0..3 {
        karim.posts("general", &format!("later {round}")).await;
        page.shows(&format!("later {round}")).await;
        assert_eq!(number(&page, place).await, above, "the reader's place");
    }
    page.close().await;
}

#[tokio::test]
async fn a_paste_of_a_million_characters_leaves_a_bounded_draft() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    // Laying out so much text in a field would take the browser minutes.
    page.value(
        "document.addEventListener('copy', (event) => {
          event.clipboardData.setData('text/plain', 'কথা '.repeat(250_000));
          event.preventDefault();
        })",
    )
    .await;
    page.value("document.querySelector('#composer-input').focus()").await;
    page.press(&(Key::Control + "c")).await;
    page.press(&(Key::Control + "v")).await;
    page.until("document.querySelector('#composer-input').value !== ''").await;
    page.until("document.querySelector('#composer-error').textContent !== ''").await;
    let written = number(&page, "document.querySelector('#composer-input').value.length").await;
    assert!(written <= 4 * 4_000, "{written} characters");
    for area in ["localStorage", "sessionStorage"] {
        let kept = number(&page, &format!("Object.values({area}).join('').length")).await;
        assert!(kept <= 20_000, "{kept} characters in {area}");
    }
    page.reload().await;
    page.until(&format!("document.querySelector('#composer-input').value.length === {written}")).await;
    page.close().await;
}

/// The names in the panels and the header that lie over a button beside them.
const COVERED: &str = "[...document.querySelectorAll('.panel bdi, .room__header h1')].filter((name) => {
      const box = name.getBoundingClientRect();
      return [...name.closest('.panel, .room__header').querySelectorAll('button')].some((button) => {
        const other = button.getBoundingClientRect();
        return other.width > 0 && !button.contains(name) && box.left < other.right && other.left < box.right
          && box.top < other.bottom && other.top < box.bottom;
      });
    }).map(({ id, className }) => id || className)";

#[tokio::test]
async fn a_long_name_covers_no_button_beside_it() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let _other = talker(&node, "general", 1).await;
    let page = browser.enter(node.port, &"W".repeat(32), "general").await;
    page.shows("message 1").await;
    page.until("document.querySelectorAll('.members__user').length === 2").await;
    for width in [1280, 360] {
        page.resize(width, 740).await;
        assert_eq!(page.value(COVERED).await, Value::Array(Vec::new()), "{width} pixels");
    }
    page.close().await;
}
