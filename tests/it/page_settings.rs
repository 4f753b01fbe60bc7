//! Settings, commands, ignored people and styles in the browser client.

use fantoccini::key::Key;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Client, Node};

async fn english_page(browser: &Browser, node: &Node) -> Page {
    let page = browser.open(node.port).await;
    page.choose("#language-switch", "en").await;
    page.join("Rahim", "general").await;
    page
}

async fn opens_settings(page: &Page) {
    page.click("#settings-button").await;
    page.until("document.querySelector('#settings').open").await;
}

#[tokio::test]
async fn settings_change_the_page_at_once_and_outlive_it() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = browser.open(node.port).await;
    page.choose("#language-switch", "bn").await;
    page.join("রহিম", "general").await;
    page.posts("১").await;
    page.until(
        "/^(ভোর|সকাল|দুপুর|বিকেল|সন্ধ্যা|রাত) [০-৯]/.test(document.querySelector('.message__time')?.textContent)",
    )
    .await;
    opens_settings(&page).await;
    page.choose("#setting-digits", "latin").await;
    page.choose("#setting-clock", "24").await;
    page.choose("#setting-density", "compact").await;
    page.choose("#setting-theme", "dark").await;
    page.until("/^[0-9]{2}:[0-9]{2}$/.test(document.querySelector('.message__time')?.textContent)").await;
    page.reload().await;
    page.until("document.documentElement.dataset.density === 'compact'").await;
    page.until("document.documentElement.dataset.theme === 'dark'").await;
    page.until("/^[0-9]{2}:[0-9]{2}$/.test(document.querySelector('.message__time')?.textContent)").await;
    page.close().await;
}

#[tokio::test]
async fn a_command_is_carried_out_and_an_unknown_one_asked_about() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let mut karim = Client::full(&node, "করিম").await;
    karim.join("general").await;
    let page = english_page(&browser, &node).await;
    page.posts("/hlep me").await;
    page.until("!document.querySelector('#composer-ask').hidden").await;
    assert!(page.messages().await.is_empty(), "nothing is sent by a slip of the finger");
    page.click("#composer-ask-send").await;
    page.shows("/hlep me").await;
    page.posts("//join is a command").await;
    page.shows("/join is a command").await;
    page.posts("/me waves").await;
    page.shows("Rahim waves").await;
    assert_eq!(page.value("document.querySelectorAll('.message--action').length").await, 1);
    page.posts("/nick Rahim Uddin").await;
    karim.sees_join("Rahim Uddin").await;
    page.posts("/join tea").await;
    page.until("document.querySelector('#room-title').textContent === 'tea'").await;
    page.posts("/leave").await;
    page.until("document.querySelector('#room-title').textContent === 'general'").await;
    page.posts("/help").await;
    page.until("document.querySelector('#help').open").await;
    page.close().await;
}

#[tokio::test]
async fn an_ignored_person_is_not_shown_until_shown_again() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = english_page(&browser, &node).await;
    let mut karim = Client::full(&node, "Karim").await;
    let mut mina = Client::full(&node, "Mina").await;
    karim.join("general").await;
    mina.join("general").await;
    karim.posts("general", "loud").await;
    page.shows("loud").await;
    page.value("document.querySelector('#timeline .message').focus()").await;
    page.press(&Key::Enter.to_string()).await;
    page.click("#message-menu [data-about=ignore]").await;
    page.until("document.querySelectorAll('#timeline .message').length === 0").await;
    karim.posts("general", "louder").await;
    mina.posts("general", "quiet").await;
    page.shows("quiet").await;
    assert_eq!(page.messages().await, ["quiet"]);
    opens_settings(&page).await;
    page.click("#ignored button").await;
    page.shows("louder").await;
    page.close().await;
}

#[tokio::test]
async fn a_letter_typed_anywhere_goes_to_the_composer_and_emoji_are_completed() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let page = english_page(&browser, &node).await;
    page.value("document.querySelector('#timeline').focus()").await;
    page.press("h").await;
    page.until("document.activeElement.id === 'composer-input'").await;
    page.until("document.querySelector('#composer-input').value === 'h'").await;
    page.press("ot :tea").await;
    page.until("!document.querySelector('#completions').hidden").await;
    page.press(&Key::Enter.to_string()).await;
    page.until("document.querySelector('#composer-input').value === 'hot ☕'").await;
    page.press(&Key::Enter.to_string()).await;
    page.shows("hot ☕").await;
    page.close().await;
}
