//! Searches, compared with a reading of the whole log.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::secrecy::unused;
use super::{Person, cluster, cluster_with, path};
use crate::harness::http::{encode, text};
use crate::harness::{Client, Node};
use crate::registration::SETTINGS;

/// Words that differ in case, composition and joiners.
const WORDS: [&str; 14] = [
    "Hello",
    "HELLO",
    "Café",
    "cafe\u{301}",
    "সময়",
    "সম\u{9af}\u{9bc}",
    "র\u{200d}\u{9cd}যাব",
    "র\u{9cd}যাব",
    "আলো",
    "আল\u{9c7}\u{9be}",
    "👩\u{200d}👩\u{200d}👧",
    "👩👧",
    "Straße",
    "আড্ডা",
];

/// The sought texts: words, parts of them, and more.
const SOUGHT: [&str; 10] = ["hell", "CAFE\u{301}", "cafe", "য়", "র্যা", "লো", "লে", "👧", "strasse", "ড্ড"];

/// A second way to say what a text is compared by: decomposed, and composed again at the end.
fn folded(text: &str) -> String {
    let lower =
        text.nfd().filter(|it| !['\u{200c}', '\u{200d}'].contains(it)).collect::<String>().to_lowercase();
    lower.replace('ß', "ss").nfc().collect()
}

/// The contents of all pages of a search, and how many calls it took.
async fn search(person: &Person, node: &Node, route: &str, query: &str, limit: usize) -> (Vec<Value>, usize) {
    let (mut found, mut next, mut calls) = (Vec::new(), None, 0);
    loop {
        let before = next.map_or_else(String::new, |next: String| format!("&before={}", encode(&next)));
        let path = format!("{route}?{query}&limit={limit}{before}");
        let page = person.does(node, "GET", &path, None, 200).await.json();
        let data = page["data"].as_array().expect("a list");
        assert!(data.len() <= limit);
        found.extend(data.iter().cloned());
        calls += 1;
        next = match &page["next"] {
            Value::Null => return (found, calls),
            Value::String(next) => Some(next.clone()),
            next => Some(next.to_string()),
        };
    }
}

#[tokio::test]
async fn searches_beyond_the_limit_of_a_user_are_refused() {
    let settings = [&SETTINGS[..], &[("limits.searches_per_minute", "3")]].concat();
    let node = Node::with(&settings).await;
    let (rahim, mita) = (Person::register(&node, "Rahim").await, Person::register(&node, "Mita").await);
    let routes = ["/api/me/search?q=a", "/api/rooms/general/search?q=a", "/api/me/search?q=b"];
    for route in routes {
        rahim.does(&node, "GET", route, None, 200).await;
    }
    for route in routes {
        let refused = rahim.asks(&node, "GET", route, None).await;
        assert_eq!(refused.error(429), "too_fast");
        let wait: u64 = refused.header("retry-after").parse().expect("seconds");
        let wait_ms = refused.json()["retry_after_ms"].as_u64().expect("milliseconds");
        // Three a minute: the next in 20 s at the latest.
        assert!((1..=20).contains(&wait) && (1..=20_000).contains(&wait_ms), "{wait} s, {wait_ms} ms");
    }
    mita.does(&node, "GET", routes[0], None, 200).await;
    // The guests of an address have one limit together, with tokens and without.
    let guest = Client::full(&node, "guest").await;
    let bearer = format!("Bearer {}", guest.token);
    for _ in 0..3 {
        assert_eq!(node.http().get(routes[1]).await.status, 200);
    }
    let refused = node.http().call("GET", routes[1]).header("authorization", &bearer).send().await;
    assert_eq!(refused.error(429), "too_fast");
    assert_eq!(node.http().get(routes[1]).await.error(429), "too_fast");
}

#[tokio::test]
async fn a_search_finds_what_a_reading_of_the_log_finds() {
    let Some(cluster) = cluster(3).await else { return };
    let nodes = &cluster.nodes;
    let people = [Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await];
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let contents = |random: &mut fastrand::Rng| {
        (0..random.usize(1..4)).map(|_| WORDS[random.usize(..WORDS.len())]).collect::<Vec<_>>().join(" ")
    };
    for _ in 0..120 {
        let (person, node) = (&people[random.usize(..2)], &nodes[random.usize(..3)]);
        let seq = person.posts(node, "general", &contents(&mut random)).await.to_string();
        let message = path(&["rooms", "general", "messages", &seq]);
        match random.u8(..6) {
            0 => drop(person.does(node, "DELETE", &message, None, 200).await),
            1 => {
                let body = json!({ "content": contents(&mut random) });
                person.does(node, "PUT", &message, Some(body), 200).await;
            }
            _ => {}
        }
    }
    let log = nodes[0].http().messages("general", "?limit=200").await;
    let reading = |sought: &str, from: Option<&str>| {
        let is_found = |message: &&Value| {
            let is_from = from.is_none_or(|from| message["user_id"] == from);
            message["deleted"] != true
                && is_from
                && folded(&text(&message["content"])).contains(&folded(sought))
        };
        log.iter().rev().filter(is_found).cloned().collect::<Vec<_>>()
    };
    let mut hits = 0;
    for sought in SOUGHT {
        let query = format!("q={}", encode(sought));
        let expected = reading(sought, None);
        hits += expected.len();
        for (node, limit) in nodes.iter().zip([100, 7, 1]) {
            let (found, _) = search(&people[0], node, "/api/rooms/general/search", &query, limit).await;
            assert_eq!(found, expected, "seed {seed}, {sought}, {limit} a call");
        }
        let from = &people[1].user_id;
        let query = format!("{query}&from={}", encode(from));
        let (found, _) = search(&people[0], &nodes[1], "/api/rooms/general/search", &query, 10).await;
        assert_eq!(found, reading(sought, Some(from)), "seed {seed}, {sought} of one author");
    }
    assert!(hits > 50, "{hits}");
}

#[tokio::test]
async fn a_call_reads_a_bounded_part_of_the_log_and_the_next_goes_on() {
    let Some(cluster) = cluster_with(1, &[("history.max_messages", "2000")]).await else { return };
    let (node, person) = (&cluster.nodes[0], Person::register(&cluster.nodes[0], "Rahim").await);
    let mut session = person.session(node).await;
    session.join("general").await;
    session.post("general", "the needle", "n").await;
    for number in 0..1_100 {
        session.send(json!({ "type": "text", "room_id": "general", "content": number.to_string() })).await;
    }
    session.posts("general", "the end").await;
    let (found, calls) = search(&person, node, "/api/rooms/general/search", "q=NEEDLE", 10).await;
    assert_eq!((found.len(), calls), (1, 2), "the first call has found nothing and goes on");
    let (found, _) = search(&person, node, "/api/me/search", "q=NEEDLE", 10).await;
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn all_rooms_of_a_user_are_searched_and_no_others() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (rahim, mita) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let shared = mita.makes_room(&nodes[0], "shared").await;
    mita.adds(&nodes[0], &shared, &rahim).await;
    let secret = mita.makes_room(&nodes[0], "secret").await;
    let conversation = rahim.converses(&nodes[1], &mita).await;
    rahim.session(&nodes[1]).await.join("general").await;
    for room in ["elsewhere", &secret, "general", &shared, &conversation] {
        mita.posts(&nodes[0], room, &format!("a needle in {room}")).await;
    }
    let expected: Vec<String> =
        [&conversation, &shared, "general"].map(|room| format!("a needle in {room}")).to_vec();
    let contents = |found: &[Value]| found.iter().map(|it| text(&it["content"])).collect::<Vec<_>>();
    for node in nodes {
        let (found, calls) = search(&rahim, node, "/api/me/search", "q=needle", 10).await;
        assert_eq!((contents(&found), calls), (expected.clone(), 1), "the newest first");
        let (found, _) = search(&rahim, node, "/api/me/search", "q=needle", 1).await;
        let (mut found, mut sorted) = (contents(&found), expected.clone());
        found.sort();
        sorted.sort();
        assert_eq!(found, sorted, "each once, however few a call");
    }
    // A room that one may not read is as one that never was.
    let never = unused(&secret);
    let mut refusals = Vec::new();
    for room in [&secret, &never] {
        let reply = rahim
            .asks(&nodes[1], "GET", &format!("{}?q=needle", path(&["rooms", room, "search"])), None)
            .await;
        refusals.push((reply.status, reply.json()));
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!((refusals[0].0, &refusals[0].1["code"]), (404, &json!("room_not_found")));
    mita.removes(&nodes[0], &shared, &rahim).await;
    let (found, _) = search(&rahim, &nodes[1], "/api/me/search", "q=needle", 10).await;
    assert_eq!(contents(&found), [expected[0].clone(), expected[2].clone()]);
    for query in ["", "q=", "q=%20", "q=x&limit=0", "q=x&from=%20", "q=x&before=!"] {
        let reply = rahim.asks(&nodes[0], "GET", &format!("/api/me/search?{query}"), None).await;
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("bad_request")), "{query}");
    }
}
