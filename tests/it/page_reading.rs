//! Search, unread messages and the bell in the browser client, and in two browsers of one person.

use adda::model::Role;
use serde_json::json;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Client, Cluster, Node};
use crate::page_talk::{PASSWORD, choose, signed_up};
use crate::registration::{SETTINGS, send};
use crate::stats::{SECRET, token};

const ESCAPE: &str = "\u{e00c}";
/// Control held, F twice, everything released.
const FIND_TWICE: &str = "\u{e009}ff\u{e000}";
const FIND: &str = "\u{e009}f\u{e000}";

const SEARCH_IS_OPEN: &str = "document.querySelector('#search').open";

/// A cluster of two nodes whose admin's tokens the tests can make, and a browser.
async fn two_nodes() -> Option<(Browser, Cluster)> {
    let browser = Browser::start().await?;
    let cluster = Cluster::with(2, &[&SETTINGS[..], &[("auth.secret", SECRET)]].concat()).await?;
    Some((browser, cluster))
}

/// The page of the same account in another browser.
async fn signed_in(browser: &Browser, port: u16, username: &str) -> Page {
    let page = browser.open(port).await;
    page.choose("#language-switch", "en").await;
    page.until("!document.querySelector('[data-way=sign_in]').hidden").await;
    page.click("[data-way=sign_in]").await;
    page.fill("#sign-in-username", username).await;
    page.fill("#sign-in-password", PASSWORD).await;
    page.click("#sign-in-form .button--primary").await;
    page.until("document.body.dataset.connection === 'online'").await;
    page
}

/// Waits until a room in the list has this number of unread messages; "" is none.
async fn has_unread(page: &Page, room: &str, count: &str) {
    let badge = format!("document.querySelector('[data-room{room}] .room-list__unread')");
    page.until(&format!("{badge} !== null && ({badge}.hidden ? '' : {badge}.textContent) === '{count}'"))
        .await;
}

#[tokio::test]
async fn a_search_leads_to_the_place_of_a_message_above_what_is_shown() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut karim = Client::full(&node, "karim").await;
    karim.join("general").await;
    for number in 1..=150 {
        let content =
            if number == 7 { "the Needle, কোথায়".to_owned() } else { format!("hay {number}") };
        karim.posts("general", &content).await;
    }
    let page = browser.open(node.port).await;
    page.choose("#language-switch", "en").await;
    page.join("Rahim", "general").await;
    page.shows("hay 150").await;
    assert_eq!(page.value("document.querySelector('.message[data-seq=\"7\"]')").await, json!(null));

    page.value("document.querySelector('#timeline').focus()").await;
    page.press("/").await;
    page.until(SEARCH_IS_OPEN).await;
    page.fill("#search-field", "needle").await;
    page.press("\u{e007}").await;
    page.until("document.querySelectorAll('#search-results li').length === 1").await;
    assert_eq!(page.value("document.querySelector('#search-results mark').textContent").await, "Needle");
    page.press("\u{e015}").await;
    page.until("document.activeElement.matches('#search-results a')").await;
    page.press("\u{e007}").await;
    page.until("document.activeElement.matches('.message[data-seq=\"7\"].message--marked')").await;
    assert_eq!(page.value(SEARCH_IS_OPEN).await, false);
    page.until(
        "(() => { const row = document.querySelector('.message[data-seq=\"7\"]').getBoundingClientRect(); \
         const room = document.querySelector('#timeline').getBoundingClientRect(); \
         return row.top >= room.top && row.bottom <= room.bottom; })()",
    )
    .await;
    page.click("#jump-latest").await;
    page.shows("hay 150").await;
    page.close().await;
}

/// Records how many messages each drawing adds.
const COUNT_PORTIONS: &str = "window.portions = [];
    new MutationObserver((changes) => {
      const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
      const count = added.filter((node) => node.classList?.contains('message')).length;
      if (count > 0) window.portions.push(count);
    }).observe(document, { childList: true, subtree: true });";

/// Waits until so many messages are drawn since the last time. Returns how many at once at most.
async fn largest_portion(page: &Page, count: usize) -> u64 {
    page.until(&format!("window.portions.reduce((sum, it) => sum + it, 0) >= {count}")).await;
    page.value("Math.max(...window.portions.splice(0))").await.as_u64().expect("a number")
}

#[tokio::test]
async fn a_room_and_pages_of_older_messages_are_drawn_in_portions() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut karim = Client::full(&node, "karim").await;
    karim.join("general").await;
    for number in 1..=180 {
        karim.posts("general", &format!("message {number}")).await;
    }
    let page = browser.open_with(node.port, COUNT_PORTIONS).await;
    page.join("Rahim", "general").await;
    let most = largest_portion(&page, 50).await;
    assert!(most <= 8, "{most} rows at once");
    page.shows("message 180").await;
    let is_at_end = "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 2)(document.querySelector('#timeline'))";
    page.until(is_at_end).await;

    let top = "document.querySelector('.message[data-seq=\"135\"]').getBoundingClientRect().top";
    page.value("document.querySelector('.message[data-seq=\"135\"]').scrollIntoView()").await;
    let before = page.value(top).await.as_f64().expect("a number");
    let most = largest_portion(&page, 50).await;
    assert!(most <= 8, "{most} rows at once");
    let after = page.value(top).await.as_f64().expect("a number");
    assert!((after - before).abs() <= 1.0, "the reader's row went from {before} to {after}");
    page.close().await;
}

#[tokio::test]
async fn the_keys_of_the_search_leave_the_browsers_own_and_what_is_typed_alone() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "Rahim", "general").await;
    page.value("document.querySelector('#composer-input').focus()").await;
    page.press("/").await;
    page.until("document.querySelector('#composer-input').value === '/'").await;
    assert_eq!(page.value(SEARCH_IS_OPEN).await, false);
    page.press(FIND_TWICE).await;
    page.until(SEARCH_IS_OPEN).await;
    page.press(ESCAPE).await;
    page.until(&format!("!{SEARCH_IS_OPEN}")).await;
    page.value("addEventListener('keydown', (event) => { window.isLeft = !event.defaultPrevented; })").await;
    page.press(FIND).await;
    page.until("window.isLeft === true").await;
    assert_eq!(page.value(SEARCH_IS_OPEN).await, false);
    page.close().await;
}

#[tokio::test]
async fn two_browsers_of_a_person_agree_on_what_is_unread() {
    let Some((browser, cluster)) = two_nodes().await else { return };
    let [one, other] = [0, 1].map(|at| cluster.nodes[at].port);
    let mina = signed_up(&browser, one, "Mina").await;
    let rahim = signed_up(&browser, one, "Rahim").await;
    let phone = signed_in(&browser, other, "Rahim").await;
    mina.until("document.querySelector('.members__user[data-username=Rahim]') !== null").await;
    mina.value("document.querySelector('.members__user[data-username=Rahim] .members__menu').click()").await;
    mina.click("#member-menu [data-about=converse]").await;
    mina.until("document.querySelector('#room-title').textContent === 'Rahim'").await;
    for content in ["one", "two", "three"] {
        mina.posts(content).await;
    }
    for page in [&rahim, &phone] {
        has_unread(page, "^=\"@\"", "3").await;
    }
    rahim.click("[data-room^='@']").await;
    rahim.shows("three").await;
    for page in [&rahim, &phone] {
        has_unread(page, "^=\"@\"", "").await;
    }
    // Read on the phone, where it begins at nothing that is new.
    phone.click("[data-room^='@']").await;
    phone.shows("three").await;
    assert_eq!(phone.value("document.querySelector('.divider--new')").await, json!(null));

    choose(&rahim, "two", "#message-mark-unread").await;
    has_unread(&rahim, "^=\"@\"", "2").await;
    rahim
        .until("document.querySelector('.divider--new')?.nextElementSibling.textContent.includes('two')")
        .await;
    rahim.click("[data-room=general]").await;
    rahim.until("document.querySelector('#room-title').textContent === 'general'").await;
    has_unread(&rahim, "^=\"@\"", "2").await;
    has_unread(&phone, "^=\"@\"", "").await;
    rahim.click("[data-room^='@']").await;
    rahim.until("document.querySelector('#room-title').textContent === 'Mina'").await;
    has_unread(&rahim, "^=\"@\"", "").await;
    for page in [mina, rahim, phone] {
        page.close().await;
    }
}

#[tokio::test]
async fn the_bell_tells_lists_and_falls_silent_in_both_browsers_of_a_person() {
    let Some((browser, cluster)) = two_nodes().await else { return };
    let [one, other] = [0, 1].map(|at| cluster.nodes[at].port);
    let rahim = signed_up(&browser, one, "Rahim").await;
    let phone = signed_in(&browser, other, "Rahim").await;
    assert_eq!(rahim.value("document.querySelector('#bell').hidden").await, true);
    let admin = token(Role::Admin);
    for (title, content) in [("Tonight", "A restart at ten"), ("Tomorrow", "Tea at five")] {
        let notification = json!({ "to": "all", "title": title, "content": content });
        let reply = send(&cluster.nodes[0], "POST", "/api/notifications", Some(&admin), notification).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        // The one whose toast is clicked comes last: a toast stays for some seconds.
        for page in [&phone, &rahim] {
            page.until(&format!(
                "document.querySelector('#toast-text').textContent === '{title}: {content}'"
            ))
            .await;
            page.until("!document.querySelector('#bell-unseen').hidden").await;
        }
    }
    rahim.click("#toast-undo").await;
    rahim.until("document.querySelector('#notices').open").await;
    let list = "[...document.querySelectorAll('#notice-list li')].map((it) => \
        ['title', 'content'].map((part) => it.querySelector(`.bell-notice__${part}`).textContent).join(': ')).join(', ')";
    rahim.until(&format!("{list} === 'Tomorrow: Tea at five, Tonight: A restart at ten'")).await;
    for page in [&rahim, &phone] {
        page.until("document.querySelector('#bell-unseen').hidden").await;
        page.until("!document.querySelector('#bell').hidden").await;
    }
    rahim.reload().await;
    rahim.until("document.body.dataset.connection === 'online'").await;
    assert_eq!(rahim.value("document.querySelector('#bell-unseen').hidden").await, true);
    for page in [rahim, phone] {
        page.close().await;
    }
}
