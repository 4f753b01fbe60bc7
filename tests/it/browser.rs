//! The browser client, driven by a browser against real nodes.

use crate::harness::balancer::Balancer;
use crate::harness::browser::{Browser, Page};
use crate::harness::http::text;
use crate::harness::{Client, Cluster, HaProxy, Http, LONG_DEADLINE, Node, eventually, ports};

/// The numbers of the messages in the timeline, from the top.
pub(crate) async fn seqs(page: &Page) -> Vec<u64> {
    let script = "[...document.querySelectorAll('#timeline .message')].map(row => Number(row.dataset.seq))";
    serde_json::from_value(page.value(script).await).expect("numbers")
}

/// Records each violation that the timeline shows: a message that disappears, appears twice or out of order, and
/// any notice of a gap, a new epoch, a join or a leave.
const WATCH: &str = "window.broken = [];
    window.looks = 0;
    let known = [];
    new MutationObserver(() => {
      window.looks += 1;
      const rows = [...document.querySelectorAll('#timeline-rows .message')];
      const seqs = rows.map((row) => row.dataset.seq).filter((seq) => Number(seq) > 0);
      const isOrdered = seqs.every((seq, place) => place === 0 || Number(seqs[place - 1]) < Number(seq));
      const contents = rows.map((row) => row.querySelector('.message__content').textContent);
      const isTwice = new Set(contents).size < contents.length;
      const isLost = known.some((content) => !contents.includes(content));
      const notices = document.querySelectorAll('#timeline-rows > :not(.message, .divider)');
      if (!isOrdered || isTwice || isLost || notices.length > 0)
        window.broken.push({ seqs, contents, known, notices: [...notices].map((row) => row.textContent) });
      known = contents;
    }).observe(document.querySelector('#timeline-rows'), { childList: true, subtree: true, attributes: true });";

pub(crate) async fn watch(page: &Page) {
    page.value(&format!("(() => {{ {WATCH} }})()")).await;
}

/// Waits until the balancer sends requests to a node since its last start. A page that has come back to it already is one: while
/// the other nodes have fewer connections, the balancer sends them all others.
async fn until_found(balancer: &HaProxy, node: &Node) {
    let is_found = || {
        let log = node.log();
        let since = log.rsplit("starting a node").next().unwrap_or_default();
        since.lines().any(|line| line.contains("answered") && !line.contains("/readyz"))
    };
    eventually("the balancer finds the node", LONG_DEADLINE, async || {
        Http::new(balancer.port).get("/api/nodes").await;
        is_found().then_some(())
    })
    .await;
}

pub(crate) async fn assert_unbroken(page: &Page) {
    assert_eq!(page.value("window.looks > 0").await, true);
    assert_eq!(page.value("window.broken").await, serde_json::json!([]), "what a reader saw");
}

#[tokio::test]
async fn two_people_on_two_nodes_talk() {
    let Some(browser) = Browser::start().await else { return };
    let Some(cluster) = Cluster::start(2).await else { return };
    let rahim = browser.open(cluster.nodes[0].port).await;
    let karim = browser.open(cluster.nodes[1].port).await;
    rahim.join("রহিম", "চায়ের দোকান").await;
    karim.join("করিম", "চায়ের দোকান").await;
    rahim.posts("কেমন আছো?").await;
    karim.shows("কেমন আছো?").await;
    karim.posts("ভালো, র\u{200d}্যাব দেখলাম").await;
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
    let page = browser.enter(balancer.port, "রহিম", "general").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    karim.join("general").await;
    page.posts("one").await;
    karim.receives("one").await;
    balancer.point_to(cluster.nodes[1].port);
    cluster.nodes[0].kill();
    for content in ["two", "three"] {
        karim.posts("general", content).await;
    }
    page.posts("four").await;
    karim.receives("four").await;
    karim.posts("general", "five").await;
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

/// The connection stays open in silence: the page sends a ping, and moves to another node without an answer.
#[tokio::test]
async fn the_page_goes_on_at_another_node_when_its_own_falls_silent() {
    let Some(browser) = Browser::start().await else { return };
    let Some(cluster) = Cluster::with(2, &[("session.ping_every", "1s")]).await else { return };
    let balancer = Balancer::start(cluster.nodes[0].port).await;
    let page = browser.enter(balancer.port, "রহিম", "general").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    karim.join("general").await;
    page.posts("one").await;
    karim.receives("one").await;
    balancer.point_to(cluster.nodes[1].port);
    cluster.nodes[0].freeze();
    page.posts("two").await;
    karim.posts("general", "three").await;
    page.shows("three").await;
    karim.receives("two").await;
    karim.posts("general", "four").await;
    page.shows("four").await;
    assert_eq!(page.messages().await.len(), 4, "each once");
    assert_eq!(seqs(&page).await, [1, 2, 3, 4]);
    cluster.nodes[0].thaw();
    page.close().await;
}

#[tokio::test]
async fn a_rolling_restart_behind_the_balancer_is_not_seen_in_the_timeline() {
    let Some(browser) = Browser::start().await else { return };
    // At this level the log shows the balancer's probes.
    let settings = [("server.drain", "500ms"), ("log.level", "info,adda::http=debug")];
    let Some(mut cluster) = Cluster::with(2, &settings).await else { return };
    let ports: Vec<_> = cluster.nodes.iter().map(|node| node.port).collect();
    let Some(mut balancer) = HaProxy::start(&ports).await else { return };
    let page = browser.enter(balancer.port, "রহিম", "general").await;
    page.posts("begin").await;
    page.shows("begin").await;
    watch(&page).await;
    let mut said = vec!["begin".to_owned()];
    for round in 0..2 {
        for place in 0..2 {
            let stays = cluster.nodes[1 - place].http();
            cluster.nodes[place].terminate();
            for step in 0..4 {
                said.push(format!("round {round}, node {place}, step {step}"));
                match step % 2 {
                    0 => drop(stays.post("general", &said[said.len() - 1]).await),
                    _ => page.posts(&said[said.len() - 1]).await,
                }
                page.shows(&said[said.len() - 1]).await;
            }
            assert!(cluster.nodes[place].exited().await.success());
            cluster.nodes[place].restart().await;
            // The balancer must have seen it as well before the other node stops.
            until_found(&balancer, &cluster.nodes[place]).await;
        }
        balancer.kill();
        balancer.restart().await;
        until_found(&balancer, &cluster.nodes[1]).await;
    }
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 0").await;
    page.until("document.body.dataset.connection === 'online'").await;
    let logged = cluster.nodes[0].http().messages("general", "").await;
    let logged: Vec<_> = logged.iter().map(|message| text(&message["content"])).collect();
    assert_eq!(page.messages().await, logged);
    assert_eq!(seqs(&page).await, (1..=said.len() as u64).collect::<Vec<_>>());
    let (mut said, mut received) = (said, logged);
    said.sort();
    received.sort();
    assert_eq!(said, received);
    assert_unbroken(&page).await;
    page.close().await;
}

#[tokio::test]
async fn a_page_that_is_loaded_again_is_not_announced() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::with(&[("presence.leave_grace", "60s")]).await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    let mut karim = Client::full(&node, "করিম").await;
    karim.join("general").await;
    for round in 0..2 {
        page.reload().await;
        page.until("document.body.dataset.connection === 'online'").await;
        page.posts(&format!("back {round}")).await;
        karim.receives(&format!("back {round}")).await;
    }
    assert!(karim.untaken("leave").is_empty() && karim.untaken("join").is_empty(), "{karim}");
    page.leaves().await;
    karim.sees_leave("রহিম").await;
    page.close().await;
}

#[tokio::test]
async fn messages_written_during_an_outage_are_sent_later() {
    let Some(browser) = Browser::start().await else { return };
    let mut node = Node::memory().await;
    let balancer = Balancer::start(node.port).await;
    let page = browser.enter(balancer.port, "রহিম", "general").await;
    page.posts("before").await;
    page.shows("before").await;
    balancer.point_to(ports::reserve());
    node.kill();
    page.until("document.body.dataset.connection !== 'online'").await;
    page.posts("while away").await;
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 1").await;

    let other = Node::memory().await;
    let mut karim = Client::full(&other, "করিম").await;
    karim.join("general").await;
    balancer.point_to(other.port);
    page.click_if_shown("#retry-now").await;
    karim.receives("while away").await;
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 0").await;
    page.close().await;
}

#[tokio::test]
async fn markup_in_a_message_stays_text() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
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
        attacker.posts("general", attack).await;
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
    page.posts("hello").await;
    page.shows("hello").await;
    page.reload().await;
    page.until("document.documentElement.lang === 'en'").await;
    page.close().await;
}

/// Features that some browsers lack or refuse, and some of which an insecure page lacks too.
const LACKS: [(&str, &str); 5] = [
    (
        "language",
        "delete Object.hasOwn;
         for (const name of ['at', 'findLast', 'findLastIndex']) delete Array.prototype[name];
         for (const name of ['Segmenter', 'ListFormat', 'PluralRules', 'RelativeTimeFormat']) delete Intl[name]",
    ),
    (
        "elements",
        "for (const name of ['ResizeObserver', 'AbortSignal', 'structuredClone']) delete window[name];
         for (const name of ['replaceChildren', 'checkVisibility']) delete Element.prototype[name];
         for (const name of ['showModal', 'close', 'open']) delete HTMLDialogElement.prototype[name];
         delete HTMLElement.prototype.inert;
         delete Crypto.prototype.randomUUID;
         HTMLCanvasElement.prototype.getContext = () => null",
    ),
    (
        "other tabs",
        "for (const name of ['BroadcastChannel', 'Notification']) delete window[name];
         for (const name of ['locks', 'serviceWorker', 'clipboard', 'share']) delete Navigator.prototype[name]",
    ),
    (
        "refused locks",
        "LockManager.prototype.request = LockManager.prototype.query = () => Promise.reject(new Error('no'))",
    ),
    (
        "storage",
        "for (const name of ['localStorage', 'sessionStorage'])
           Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } })",
    ),
];

#[tokio::test]
async fn a_page_without_a_feature_joins_posts_and_reads() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let other = browser.enter(node.port, "করিম", "general").await;
    for (name, script) in LACKS {
        let watch =
            "window.failures = []; addEventListener('error', (event) => failures.push(event.message));";
        let page = browser.open_with(node.port, &format!("{watch} {script}")).await;
        page.join("রহিম", "general").await;
        page.posts(&format!("by {name}")).await;
        other.shows(&format!("by {name}")).await;
        page.value("(document.hasFocus = () => false, dispatchEvent(new Event('blur')))").await;
        other.posts(&format!("to {name}")).await;
        page.shows(&format!("to {name}")).await;
        page.until("/[1১]/.test(document.title)").await;
        page.value("document.querySelector('#settings-button').click()").await;
        page.until("document.querySelector('#settings').getBoundingClientRect().width > 100").await;
        page.value("document.querySelector('#settings [data-close]').click()").await;
        page.until("document.querySelector('#settings').getBoundingClientRect().width === 0").await;
        assert_eq!(page.value("window.failures").await, serde_json::json!([]), "{name}");
        page.close().await;
    }
    other.close().await;
}

#[tokio::test]
async fn a_row_shown_to_screen_readers_alone_leaves_no_room_below_the_last_message() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "একজন লম্বা নামের মানুষ আছেন", "general").await;
    for number in 0..4 {
        page.posts(&format!("{number}")).await;
    }
    page.shows("3").await;
    let room = "(() => {
      const scroller = document.querySelector('#timeline');
      const last = [...document.querySelectorAll('.message')].at(-1).getBoundingClientRect().bottom;
      return scroller.scrollHeight - scroller.scrollTop - (last - scroller.getBoundingClientRect().top) < 20;
    })()";
    page.until(room).await;
    page.close().await;
}
