//! The browser client loses nothing that somebody was writing: replies and edits by room, words for a room that refuses one.

use crate::harness::Node;
use crate::harness::browser::{Browser, Page};
use crate::page_talk::choose;

/// The server's `welcome` names another build than the page's, as after an upgrade.
const NEWER_BUILD: &str = "
    const { set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');
    Object.defineProperty(WebSocket.prototype, 'onmessage', { set(listener) {
        set.call(this, ({ data }) => listener({ data: data.replace(/\"build\":\"[0-9a-f]+\"/, '\"build\":\"0\"') }));
    } });";

const INPUT: &str = "document.querySelector('#composer-input').value";
const HAS_CONTEXT: &str = "!document.querySelector('#composer-context').hidden";

/// Opens one of the rooms of the list.
async fn open(page: &Page, room: &str) {
    page.click(&format!("[data-room='{room}']")).await;
    page.until(&format!("document.querySelector('[data-room=\"{room}\"]').ariaCurrent === 'page'")).await;
}

#[tokio::test]
async fn an_edit_and_a_reply_wait_in_their_rooms_and_hold_back_a_newer_page() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.open_with(node.port, NEWER_BUILD).await;
    page.join("Rahim", "tea").await;
    page.posts("two").await;
    page.posts("/join general").await;
    page.until(&format!(
        "document.querySelector('[data-room=general]')?.ariaCurrent === 'page' && {INPUT} === ''"
    ))
    .await;
    page.posts("hello").await;
    page.until("document.querySelector('.message:not([data-delivery])') && !document.querySelector('#build-notice').hidden").await;
    choose(&page, "hello", "#message-edit").await;
    page.until(&format!("{INPUT} === 'hello' && document.querySelector('#build-notice').hidden")).await;
    page.fill("#composer-input", "hello, all").await;
    open(&page, "tea").await;
    page.until(&format!("{INPUT} === '' && !({HAS_CONTEXT})")).await;
    choose(&page, "two", "#message-reply").await;
    page.fill("#composer-input", "three").await;
    open(&page, "general").await;
    page.until(&format!("{INPUT} === 'hello, all' && {HAS_CONTEXT}")).await;
    page.click("#composer-send").await;
    page.shows("hello, all").await;
    page.until(&format!("{INPUT} === '' && !({HAS_CONTEXT})")).await;
    assert_eq!(
        page.value("document.querySelector('#build-notice').hidden").await,
        true,
        "the reply is at stake"
    );
    open(&page, "tea").await;
    page.until(&format!("{INPUT} === 'three' && {HAS_CONTEXT}")).await;
    page.reload().await;
    page.until(&format!("{INPUT} === 'three' && {HAS_CONTEXT}")).await;
    page.click("#composer-send").await;
    page.until("document.querySelector('.quotation__content')?.textContent === 'two'").await;
    page.until("!document.querySelector('#build-notice').hidden").await;
    page.close().await;
}

#[tokio::test]
async fn words_for_a_room_that_refuses_one_stay_in_the_composer() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::with(&[("limits.rooms_per_session", "1")]).await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    page.posts("/join চা").await;
    page.until("document.querySelector('#timeline-start').textContent.includes('Leave one')").await;
    page.posts("এখানে কেউ আছেন?").await;
    page.until("document.querySelector('#composer-error').textContent === document.querySelector('#timeline-start').textContent").await;
    assert_eq!(page.value(INPUT).await, "এখানে কেউ আছেন?");
    assert!(page.messages().await.is_empty());
    page.close().await;
}

#[tokio::test]
async fn signing_out_asks_before_it_deletes_what_was_not_sent() {
    let Some(browser) = Browser::start().await else { return };
    let mut node = Node::memory().await;
    let page = browser.open(node.port).await;
    page.choose("#language-switch", "en").await;
    page.join("Rahim", "general").await;
    node.kill();
    page.until("document.body.dataset.connection !== 'online'").await;
    page.posts("a secret").await;
    let kept = "Object.keys(localStorage).filter((key) => key.startsWith('adda.outbox.')).length";
    page.until(&format!("{kept} === 1")).await;
    page.leaves().await;
    page.until("document.querySelector('#confirm').open").await;
    assert_eq!(
        page.value("document.querySelector('#confirm-title').textContent").await,
        "1 message has not been sent"
    );
    page.click("#confirm-cancel").await;
    assert_eq!(page.value(kept).await, 1);
    page.leaves().await;
    page.until("document.querySelector('#confirm').open").await;
    page.click("#confirm-do").await;
    page.until("document.body.dataset.screen === 'join'").await;
    assert_eq!(page.value(kept).await, 0);
    page.until("!document.querySelector('#confirm').open").await;
    page.close().await;
}
