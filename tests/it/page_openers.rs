//! Menus, dialogs, completions and toasts of the browser client: how they open and close, and that they cover nothing.

use adda::model::Role;
use serde_json::json;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Client, Node};
use crate::page_talk::signed_up;
use crate::registration::{SETTINGS, send};
use crate::stats::{SECRET, token};

const IS_OPEN: &str = "document.querySelector('dialog[open], [role=menu]:not([hidden])') !== null";

/// Presses the mouse at a point, whatever is there.
async fn press(page: &Page, (x, y): (f64, f64)) {
    for kind in ["mousePressed", "mouseReleased"] {
        let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
        page.devtools("Input.dispatchMouseEvent", event).await;
    }
}

/// Presses twice where a button is: the first press opens something, the second closes it.
async fn opens_and_closes(page: &Page, opener: &str) {
    let place = format!(
        "(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])(document.querySelector('{opener}').getBoundingClientRect())"
    );
    let place = serde_json::from_value(page.value(&place).await).expect("a point");
    press(page, place).await;
    page.until(IS_OPEN).await;
    press(page, place).await;
    page.until(&format!("!({IS_OPEN})")).await;
    let state = format!("document.querySelector('{opener}').getAttribute('aria-expanded') ?? 'false'");
    assert_eq!(page.value(&state).await, "false", "{opener}");
}

#[tokio::test]
async fn a_second_press_closes_what_the_first_has_opened() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::with(&[&SETTINGS[..], &[("auth.secret", SECRET)]].concat()).await;
    let mut karim = Client::full(&node, "karim").await;
    karim.join("general").await;
    let page = signed_up(&browser, node.port, "Rahim").await;
    page.until("document.querySelector('.members__user[data-username=karim]') !== null").await;
    page.posts("hello").await;
    page.shows("hello").await;
    let notification = json!({ "to": "all", "title": "Tonight", "content": "A restart at ten" });
    send(&node, "POST", "/api/notifications", Some(&token(Role::Admin)), notification).await;
    page.until("!document.querySelector('#bell').hidden").await;
    let openers = [
        "#room-menu-button",
        "#account-button",
        ".message__menu",
        "[data-username=karim] .members__menu",
        "#bell",
        "#help-button",
        "#settings-button",
        "#new-room-button",
    ];
    for opener in openers {
        opens_and_closes(&page, opener).await;
    }
    // A menu goes from one anchor to the other at once.
    page.click("#room-menu-button").await;
    page.click("#account-button").await;
    page.until("document.querySelectorAll('[role=menu]:not([hidden])').length === 1").await;
    page.until("document.querySelectorAll('[aria-expanded=true]').length === 1").await;
    page.close().await;
}

#[tokio::test]
async fn without_modal_dialogs_too_a_second_press_closes_one() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.open_with(node.port, "delete HTMLDialogElement.prototype.showModal;").await;
    let settings = ".join-screen__habits [data-dialog=settings]";
    page.click(settings).await;
    page.until(IS_OPEN).await;
    page.value(&format!("document.querySelector('{settings}').click()")).await;
    page.until(&format!("!({IS_OPEN})")).await;
    page.close().await;
}

#[tokio::test]
async fn without_dialogs_too_an_invitation_closes_once_its_link_is_copied() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let without =
        "for (const name of ['showModal', 'close', 'open']) delete HTMLDialogElement.prototype[name];";
    let page = browser.open_with(node.port, without).await;
    page.join("Rahim", "general").await;
    page.click("#empty-invite").await;
    page.until("document.querySelector('#invite').hasAttribute('open')").await;
    page.click("#invite-copy").await;
    page.until("!document.querySelector('#invite').hasAttribute('open')").await;
    page.close().await;
}

#[tokio::test]
async fn emoji_are_completed_in_a_text_that_names_somebody() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "Rahim", "general").await;
    page.fill("#composer-input", "@Mina Begum, good morning :coff").await;
    page.until("document.querySelector('#completions [role=option]')?.textContent.includes('☕') === true")
        .await;
    page.press("\u{e007}").await;
    page.until("document.querySelector('#composer-input').value === '@Mina Begum, good morning ☕'").await;
    page.close().await;
}

#[tokio::test]
async fn a_toast_stays_off_the_text_that_is_being_written_and_below_menus() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.enter(node.port, "Rahim", "general").await;
    page.shrink(360, 740).await;
    page.value("(() => { const input = document.querySelector('#composer-input'); input.value = 'line\\n'.repeat(6); \
                input.dispatchEvent(new Event('input', { bubbles: true })); })()").await;
    page.click("#room-menu-button").await;
    page.click("#room-notices").await;
    let bounds = |selector: &str| format!("document.querySelector('{selector}').getBoundingClientRect()");
    page.until("document.querySelector('#toast').offsetHeight > 0").await;
    page.until(&format!("{}.bottom <= {}.top", bounds("#toast"), bounds("#composer"))).await;

    page.shrink(740, 360).await;
    page.click("#menu-button").await;
    page.click("#account-button").await;
    let hit = "(({ x, y, width, height }) => document.elementFromPoint(x + width / 2, y + height / 2).closest('#account-menu'))\
               (document.querySelector('#leave-chat').getBoundingClientRect()) !== null";
    page.value("document.querySelector('#toast').dispatchEvent(new Event('pointerenter'))").await;
    page.value("(({ style }) => { style.inlineSize = '720px'; style.blockSize = '300px'; style.visibility = 'visible'; })(document.querySelector('#toast'))").await;
    page.until(hit).await;
    page.close().await;
}

#[tokio::test]
async fn the_way_in_is_at_hand_on_a_phone_that_lies_on_its_side() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.open(node.port).await;
    page.shrink(740, 360).await;
    page.until("document.querySelector('#room').getBoundingClientRect().bottom <= 360").await;
    page.close().await;
}

#[tokio::test]
async fn an_empty_conversation_asks_nobody_to_bring_friends() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::with(&SETTINGS).await;
    let rahim = signed_up(&browser, node.port, "Rahim").await;
    let mina = signed_up(&browser, node.port, "Mina").await;
    let is_shown = |id: &str| format!("document.querySelector('{id}').checkVisibility()");
    rahim.until(&is_shown("#empty-invite")).await;
    rahim.until("document.querySelector('.members__user[data-username=Mina]') !== null").await;
    rahim.value("document.querySelector('.members__user[data-username=Mina] .members__menu').click()").await;
    rahim.click("#member-menu [data-about=converse]").await;
    rahim.until("document.querySelector('#room-title').textContent === 'Mina'").await;
    rahim.until(&is_shown("#timeline-empty")).await;
    rahim.until("document.querySelector('#timeline-empty-lead').textContent === 'Nothing has been said here yet.'").await;
    for part in ["#empty-hint", "#empty-invite"] {
        assert_eq!(rahim.value(&is_shown(part)).await, false, "{part}");
    }
    for page in [rahim, mina] {
        page.close().await;
    }
}
