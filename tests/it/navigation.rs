//! Navigation in the browser client: back, links to messages, drawers, kept rooms.

use fantoccini::key::Key;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Client, Node};

/// Opens a room by its name in the field above the list.
async fn open(page: &Page, room: &str) {
    page.fill("#open-room-input", room).await;
    page.press(&Key::Enter.to_string()).await;
    shows_room(page, room).await;
}

async fn shows_room(page: &Page, room: &str) {
    page.until(&format!("document.querySelector('#room-title').textContent === '{room}'")).await;
}

/// A phone: the narrowest window that Chromium grants is wider, but still has drawers.
const PHONE: (u32, u32) = (500, 740);

#[tokio::test]
async fn back_leads_to_the_room_before() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    open(&page, "চা").await;
    open(&page, "খেলা").await;
    for room in ["চা", "general"] {
        page.back().await;
        shows_room(&page, room).await;
    }
    let address = "new URLSearchParams(location.search).get('room')";
    assert_eq!(page.value(address).await, "general");
    page.close().await;
}

#[tokio::test]
async fn a_drawer_takes_the_focus_and_back_closes_it() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    page.resize(PHONE.0, PHONE.1).await;
    page.until("matchMedia('(width < 60rem)').matches").await;
    page.value("document.querySelector('#menu-button').focus()").await;
    page.press(&Key::Enter.to_string()).await;
    page.until("document.querySelector('#rooms-panel').contains(document.activeElement)").await;
    page.back().await;
    page.until("document.body.dataset.drawer === undefined").await;
    page.until("document.activeElement.id === 'menu-button'").await;
    shows_room(&page, "general").await;
    page.close().await;
}

#[tokio::test]
async fn a_link_leads_to_its_message_far_up_and_near_the_end() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut karim = Client::full(&node, "করিম").await;
    karim.join("general").await;
    for number in 1..=120 {
        karim.posts("general", &format!("message {number}")).await;
    }
    let page = browser.enter(node.port, "রহিম", "চা").await;
    let in_view = "(() => { const box = document.activeElement.getBoundingClientRect(); return box.top > 0 && box.bottom < innerHeight; })()";
    for seq in [7, 118] {
        page.visit(&format!("/?room=general#{seq}")).await;
        page.until(&format!("document.querySelector('.message--marked')?.dataset.seq === '{seq}'")).await;
        page.until(&format!("document.activeElement.dataset.seq === '{seq}'")).await;
        assert_eq!(page.value(in_view).await, true, "{seq}");
    }
    page.close().await;
}

#[tokio::test]
async fn a_button_leads_to_the_first_unread_message_beyond_the_page() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut karim = Client::full(&node, "করিম").await;
    karim.join("general").await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    karim.posts("general", "seen").await;
    page.shows("seen").await;
    open(&page, "চা").await;
    // More than a timeline keeps, and more than a page besides.
    for number in 1..=420 {
        karim.posts("general", &format!("missed {number}")).await;
    }
    page.until(
        "/^(420|৪২০)$/.test(document.querySelector('[data-room=general] .room-list__unread').textContent)",
    )
    .await;
    open(&page, "general").await;
    page.until("!document.querySelector('#jump-unread').hidden").await;
    page.click("#jump-unread").await;
    page.until("document.activeElement.dataset.seq === '2'").await;
    page.until("document.querySelector('#jump-unread').hidden").await;
    let before = "document.querySelector('.divider--new').nextElementSibling.dataset.seq";
    assert_eq!(page.value(before).await, "2");
    page.close().await;
}

#[tokio::test]
async fn the_switcher_takes_the_best_match_and_makes_a_room_only_when_asked() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut karim = Client::full(&node, "করিম").await;
    karim.join("নতুন ঘর").await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    page.until("document.querySelector('[data-room=\"নতুন ঘর\"]') !== null").await;
    page.press(&(Key::Control + "k")).await;
    page.until("document.activeElement.id === 'open-room-input'").await;
    page.press("নতুন").await;
    page.until("document.querySelectorAll('#room-suggestions [role=option]').length === 2").await;
    page.press(&Key::Enter.to_string()).await;
    shows_room(&page, "নতুন ঘর").await;
    // In any case, and with a leading number sign.
    page.fill("#open-room-input", "#General").await;
    page.press(&Key::Enter.to_string()).await;
    shows_room(&page, "general").await;
    page.fill("#open-room-input", "General").await;
    page.press(&Key::Down.to_string()).await;
    page.press(&Key::Enter.to_string()).await;
    shows_room(&page, "General").await;
    page.close().await;
}

#[tokio::test]
async fn a_room_that_was_left_can_be_entered_again_at_once() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    open(&page, "চা").await;
    page.click("#room-menu-button").await;
    page.click("#leave-room").await;
    shows_room(&page, "general").await;
    page.click("#toast-undo").await;
    shows_room(&page, "চা").await;
    page.close().await;
}

#[tokio::test]
async fn rooms_are_kept_for_a_name_until_it_leaves_them() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    open(&page, "চা").await;
    page.value("sessionStorage.clear()").await;
    page.visit("/").await;
    page.until("document.body.dataset.screen === 'chat'").await;
    shows_room(&page, "চা").await;
    page.until("document.querySelector('[data-room=general]') !== null").await;
    page.leaves().await;
    page.until("document.body.dataset.screen === 'join'").await;
    page.visit("/").await;
    page.until("document.body.dataset.screen === 'join'").await;
    page.join("করিম", "general").await;
    let kept = "localStorage.getItem('adda.rooms.রহিম')";
    assert_eq!(page.value(kept).await, r#"["চা","general"]"#);
    assert_eq!(page.value("localStorage.getItem('adda.rooms.করিম')").await, r#"["general"]"#);
    page.close().await;
}
