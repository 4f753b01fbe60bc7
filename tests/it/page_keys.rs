//! Keys, focus and small screens in the browser client, and the events of a browser that goes away, comes back or loses its network.

use fantoccini::key::Key;
use serde_json::json;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Client, Node};

async fn focused(page: &Page, condition: &str) {
    page.until(&format!("(it => {condition})(document.activeElement)")).await;
}

/// Presses a key of a Bengali keyboard with Ctrl.
async fn presses_control(page: &Page, key: &str, code: &str) {
    page.value(&format!(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', \
         {{ key: '{key}', code: '{code}', ctrlKey: true, bubbles: true, cancelable: true }}))"
    ))
    .await;
}

async fn leads_to_second_row(page: &Page) {
    page.value("document.querySelector('.message .message__menu').focus()").await;
    page.press(&Key::Down.to_string()).await;
    focused(page, "it.matches('.message') && it.textContent.includes('দুই')").await;
}

#[tokio::test]
async fn keys_lead_round_the_page_along_the_rooms_and_out_of_a_row() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    for text in ["এক", "দুই"] {
        page.posts(text).await;
        page.shows(text).await;
    }
    page.until("!document.querySelector('.message[data-delivery]')").await;
    presses_control(&page, "ক", "KeyK").await;
    focused(&page, "it.id === 'open-room-input'").await;
    for part in ["room-title", "timeline", "composer-input", "members-panel", "rooms-panel"] {
        page.press("\u{e036}").await;
        focused(&page, &format!("it.id === '{part}'")).await;
    }
    for (key, done) in [
        (
            "r",
            "!document.querySelector('#composer-context').hidden && document.querySelector('#composer-input').value === ''",
        ),
        ("e", "document.querySelector('#composer-input').value === 'দুই'"),
        ("+", "document.querySelector('#emoji-picker').open"),
    ] {
        leads_to_second_row(&page).await;
        page.press(key).await;
        page.until(done).await;
        page.press(&Key::Escape.to_string()).await;
        page.until("document.querySelector('#composer-context').hidden && !document.querySelector('#emoji-picker').open").await;
    }
    page.click(".message__content").await;
    page.press("e").await;
    page.until("document.querySelector('#composer-input').value === 'e'").await;
    page.press(&Key::Backspace.to_string()).await;
    leads_to_second_row(&page).await;
    page.press(&Key::Delete.to_string()).await;
    page.until("!document.querySelector('#toast-undo').hidden").await;
    page.posts("/join চা").await;
    page.until("document.querySelector('#room-title').textContent === 'চা'").await;
    page.press("\u{e00a}\u{e015}").await;
    page.until("document.querySelector('#room-title').textContent === 'general'").await;
    page.close().await;
}

#[tokio::test]
async fn back_closes_a_dialog_and_the_room_stays() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    // Before the page's first entry there is nothing of it to come back from.
    for room in ["general", "চা"] {
        page.posts(&format!("/join {room}")).await;
        page.until(&format!("document.querySelector('#room-title').textContent === '{room}'")).await;
        page.click("#settings-button").await;
        page.until("document.querySelector('#settings').open").await;
        page.value("history.back()").await;
        page.until("!document.querySelector('#settings').open").await;
        page.until(&format!("new URLSearchParams(location.search).get('room') === '{room}'")).await;
        assert_eq!(page.value("document.querySelector('#room-title').textContent").await, room);
    }
    // A dialog that a key has closed is no place to come back to.
    page.click("#settings-button").await;
    page.until("document.querySelector('#settings').open").await;
    page.press(&Key::Escape.to_string()).await;
    page.until("!document.querySelector('#settings').open && history.state === null").await;
    page.value("history.back()").await;
    page.until("document.querySelector('#room-title').textContent === 'general'").await;
    page.close().await;
}

#[tokio::test]
async fn nothing_is_wider_than_a_small_screen_even_a_name_of_32_wide_letters() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut other = Client::full(&node, &"W".repeat(32)).await;
    other.join("general").await;
    other.posts("general", "hello").await;
    let page = browser.enter(node.port, &"M".repeat(32), "general").await;
    page.shows("hello").await;
    page.posts(&"W".repeat(200)).await;
    let wider = "[...document.querySelectorAll('#room-main *, #composer *')].filter(it => it.checkVisibility() \
        && it.getBoundingClientRect().right > innerWidth + 1 && !it.closest('.visually-hidden, pre')).map(it => it.id || it.className)";
    for (width, height) in [(320, 256), (360, 640)] {
        page.shrink(width, height).await;
        page.until(&format!("innerWidth === {width}")).await;
        page.until("document.documentElement.scrollWidth <= innerWidth").await;
        assert_eq!(page.value(wider).await, json!([]), "{width}");
        page.until("document.querySelector('#composer-send').getBoundingClientRect().bottom <= innerHeight")
            .await;
    }
    page.close().await;
}

#[tokio::test]
async fn letters_are_of_13_px_at_least_and_fields_of_16_in_the_smallest_size() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    page.posts("`কোড` এক").await;
    page.click("#settings-button").await;
    page.choose("[data-setting=size]", "small").await;
    page.choose("[data-setting=density]", "compact").await;
    page.until("document.documentElement.dataset.density === 'compact'").await;
    let smaller = |of: &str, size: u32| {
        format!(
            "[...document.querySelectorAll('{of}')].filter(it => it.checkVisibility() && parseFloat(getComputedStyle(it).fontSize) < {size}).map(it => it.id || it.className)"
        )
    };
    assert_eq!(page.value(&smaller("body *:not(option)", 13)).await, json!([]));
    assert_eq!(page.value(&smaller("input, textarea", 16)).await, json!([]));
    page.close().await;
}

#[tokio::test]
async fn a_page_that_goes_away_leaves_its_rooms_comes_back_and_knows_that_it_is_offline() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut witness = Client::full(&node, "করিম").await;
    witness.join("general").await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    witness.sees_join("রহিম").await;
    page.value("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))").await;
    witness.find("the session is gone", |frame| frame["type"] == "count" && frame["client_count"] == 1).await;
    page.value("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))").await;
    page.until("document.body.dataset.connection === 'online'").await;
    page.posts("আবার এলাম").await;
    witness.receives("আবার এলাম").await;
    let network = |is_off: bool| json!({ "offline": is_off, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    page.devtools("Network.enable", json!({})).await;
    page.devtools("Network.emulateNetworkConditions", network(true)).await;
    page.until("document.querySelector('#connection-text').textContent === 'You are offline.'").await;
    page.devtools("Network.emulateNetworkConditions", network(false)).await;
    page.until("document.querySelector('#connection-text').textContent !== 'You are offline.'").await;
    page.close().await;
}

#[tokio::test]
async fn settings_hold_in_the_other_tabs_of_a_browser_at_once() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "রহিম", "general").await;
    let first = page.opens_tab().await;
    page.until("document.body.dataset.connection === 'online'").await;
    page.click("#settings-button").await;
    page.choose("#settings [data-setting=language]", "en").await;
    page.choose("[data-setting=theme]", "dark").await;
    page.turns_to(first).await;
    page.until("document.documentElement.lang === 'en' && document.documentElement.dataset.theme === 'dark'")
        .await;
    page.until("document.querySelector('#room-title').textContent === 'general'").await;
    page.close().await;
}
