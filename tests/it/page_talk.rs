//! Messages in the browser client: replies, edits, reactions and deletions, private rooms and
//! conversations, files and search; each on two nodes.

use std::path::Path;

use serde_json::Value;

use crate::harness::Cluster;
use crate::harness::browser::{Browser, Page};
use crate::registration::SETTINGS;

/// The password of those who sign up.
pub const PASSWORD: &str = "correct horse battery staple";

/// A cluster of two nodes and a browser to visit them with, where both can be had.
async fn two_nodes(settings: &[(&str, &str)]) -> Option<(Browser, Cluster)> {
    let browser = Browser::start().await?;
    let cluster = Cluster::with(2, &[&SETTINGS, settings].concat()).await?;
    Some((browser, cluster))
}

/// A page in English, signed up on a node of the cluster.
pub async fn signed_up(browser: &Browser, port: u16, username: &str) -> Page {
    let page = browser.open(port).await;
    page.choose("#language-switch", "en").await;
    page.until("!document.querySelector('[data-way=sign_up]').hidden").await;
    page.click("[data-way=sign_up]").await;
    page.fill("#sign-up-username", username).await;
    page.fill("#sign-up-password", PASSWORD).await;
    page.click("#sign-up-form .button--primary").await;
    page.until("document.body.dataset.connection === 'online'").await;
    page.until(&format!("document.querySelector('#account-name').textContent === '{username}'")).await;
    page
}

/// Opens the menu of the message with this text, and chooses an action there.
pub async fn choose(page: &Page, content: &str, action: &str) {
    page.shows(content).await;
    let script = format!(
        "[...document.querySelectorAll('.message')].find((it) => \
         it.querySelector('.message__content').textContent === '{content}').querySelector('.message__menu').click()"
    );
    page.value(&script).await;
    page.click(action).await;
}

/// Waits until the message with this text has, or has not, something of this selector.
async fn message_has(page: &Page, content: &str, selector: &str, text: &str) {
    page.until(&format!(
        "[...document.querySelectorAll('.message')].some((it) => \
         it.querySelector('.message__content').textContent === '{content}' \
         && it.querySelector('{selector}')?.textContent.trim() === '{text}')"
    ))
    .await;
}

/// The texts of all messages of the timeline once there are so many, and nothing waits any more.
async fn settled(page: &Page, count: usize) -> Vec<String> {
    page.until(&format!(
        "document.querySelectorAll('.message').length === {count} && !document.querySelector('.message[data-delivery]')"
    ))
    .await;
    page.messages().await
}

#[tokio::test]
async fn a_reply_an_edit_a_reaction_and_a_deletion_reach_the_page_on_another_node() {
    let Some((browser, cluster)) = two_nodes(&[]).await else { return };
    let [one, other] = [0, 1].map(|at| cluster.nodes[at].port);
    let rahim = signed_up(&browser, one, "Rahim").await;
    let mina = signed_up(&browser, other, "Mina").await;
    rahim.posts("tea at five?").await;
    choose(&mina, "tea at five?", "#message-reply").await;
    mina.posts("<b>yes</b>").await;
    message_has(&rahim, "<b>yes</b>", ".quotation__content", "tea at five?").await;

    choose(&rahim, "<b>yes</b>", "#message-reactions [data-emoji='👍']").await;
    message_has(&mina, "<b>yes</b>", ".reaction__count", "1").await;
    mina.click(".reaction").await;
    message_has(&rahim, "<b>yes</b>", ".reaction__count", "2").await;
    mina.click(".reaction").await;
    message_has(&rahim, "<b>yes</b>", ".reaction__count", "1").await;

    rahim.value("document.querySelector('#composer-input').focus()").await;
    rahim.press("\u{e013}").await;
    rahim.until("document.querySelector('#composer-input').value === 'tea at five?'").await;
    rahim.posts("tea at six?").await;
    message_has(&mina, "tea at six?", ".message__edited", "edited").await;
    message_has(&mina, "<b>yes</b>", ".quotation__content", "tea at six?").await;
    assert_eq!(rahim.value("document.querySelector('#composer-input').value").await, "");

    choose(&mina, "<b>yes</b>", "#message-delete").await;
    mina.click("#toast-undo").await;
    choose(&mina, "<b>yes</b>", "#message-delete").await;
    rahim.until("document.querySelectorAll('.message--deleted').length === 1").await;
    rahim.reload().await;
    rahim.until("document.querySelectorAll('.message--deleted').length === 1").await;
    assert_eq!(settled(&rahim, 2).await[0], "tea at six?");
    for page in [rahim, mina] {
        page.close().await;
    }
}

#[tokio::test]
async fn a_conversation_and_a_private_room_reach_those_who_are_in_neither() {
    let Some((browser, cluster)) = two_nodes(&[]).await else { return };
    let [one, other] = [0, 1].map(|at| cluster.nodes[at].port);
    let rahim = signed_up(&browser, one, "Rahim").await;
    let mina = signed_up(&browser, other, "Mina").await;
    rahim.until("document.querySelector('.members__user[data-username=Mina]') !== null").await;
    rahim.value("document.querySelector('.members__user[data-username=Mina] .members__menu').click()").await;
    rahim.click("#member-menu [data-about=converse]").await;
    rahim.until("document.querySelector('#room-title').textContent === 'Mina'").await;
    rahim.posts("only for you").await;
    let unread = "document.querySelector('[data-room^=\"@\"] .room-list__unread')";
    mina.until(&format!("{unread}?.hidden === false && {unread}.textContent === '1'")).await;
    mina.click("[data-room^='@']").await;
    mina.shows("only for you").await;
    assert_eq!(mina.value("document.querySelector('#room-title').textContent").await, "Rahim");

    rahim.click("#new-room-button").await;
    rahim.fill("#new-room-title-field", "picnic").await;
    rahim.click("#new-room-form .button--primary").await;
    rahim.until("document.querySelector('#room-title').textContent === 'picnic'").await;
    details(&rahim).await;
    rahim.fill("#add-member", "Min").await;
    rahim.press("\u{e007}").await;
    rahim.until("document.querySelectorAll('#details-members li').length === 2").await;
    mina.until("document.querySelector('[data-room^=\"!\"]') !== null").await;
    mina.click("[data-room^='!']").await;
    mina.until("document.querySelector('#room-title').textContent === 'picnic'").await;
    mina.until("document.body.dataset.connection === 'online'").await;
    rahim.click("#details-members li:last-child button").await;
    mina.until("!document.querySelector('#removal').hidden").await;
    mina.until("document.querySelector('#removal-enter').hidden").await;
    for page in [rahim, mina] {
        page.close().await;
    }
}

#[tokio::test]
async fn two_deletions_in_a_row_can_both_be_taken_back() {
    let Some((browser, cluster)) = two_nodes(&[]).await else { return };
    let [one, other] = [0, 1].map(|at| cluster.nodes[at].port);
    let rahim = signed_up(&browser, one, "Rahim").await;
    let mina = signed_up(&browser, other, "Mina").await;
    for content in ["one", "two"] {
        rahim.posts(content).await;
        mina.shows(content).await;
    }
    choose(&rahim, "one", "#message-delete").await;
    choose(&rahim, "two", "#message-delete").await;
    rahim.until("document.querySelectorAll('.message--deleted').length === 2").await;
    rahim.click("#toasts-earlier button").await;
    rahim.click("#toast-undo").await;
    rahim.until("document.querySelectorAll('.message--deleted').length === 0").await;
    rahim.posts("@Mina, both are there").await;
    mina.until("document.querySelector('.message--mentions mark')?.textContent === '@Mina'").await;
    assert_eq!(mina.messages().await, ["one", "two", "@Mina, both are there"]);
    for page in [rahim, mina] {
        page.close().await;
    }
}

/// Opens the details of the room on screen.
async fn details(page: &Page) {
    page.click("#room-menu-button").await;
    page.click("#room-details-button").await;
    page.until("document.querySelector('#room-details').open").await;
}

/// Chooses a picture of 40 by 20 pixels as a person would with the button.
const CHOOSE_PICTURE: &str = "(() => { const canvas = document.createElement('canvas'); \
    Object.assign(canvas, { width: 40, height: 20 }); canvas.getContext('2d').fillRect(0, 0, 20, 20); \
    canvas.toBlob((blob) => { const given = new DataTransfer(); \
    given.items.add(new File([blob], 'dots.png', { type: 'image/png' })); \
    const field = document.querySelector('#attach-files'); field.files = given.files; \
    field.dispatchEvent(new Event('change')); }); return true; })()";

#[tokio::test]
async fn a_picture_has_its_place_before_it_comes_and_goes_with_its_message() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("talk-{}", std::process::id()));
    let url = folder.display().to_string();
    let Some((browser, cluster)) = two_nodes(&[("files.url", url.as_str())]).await else { return };
    let [one, other] = [0, 1].map(|at| cluster.nodes[at].port);
    let rahim = signed_up(&browser, one, "Rahim").await;
    let mina = signed_up(&browser, other, "Mina").await;
    rahim.until("!document.querySelector('#attach-button').hidden").await;
    rahim.value(CHOOSE_PICTURE).await;
    rahim.until("document.querySelector('.attachment[data-state=done]') !== null").await;
    rahim.posts("look").await;
    mina.until("document.querySelector('.file--image img')?.naturalWidth === 40").await;
    let size = "(({ width, height }) => [width, height])(document.querySelector('.file--image img'))";
    assert_eq!(mina.value(size).await, Value::from(vec![40, 20]));
    mina.click(".file--image").await;
    mina.until("document.querySelector('#viewer').open && document.querySelector('#viewer-picture').naturalWidth === 40")
        .await;
    choose(&rahim, "look", "#message-delete").await;
    mina.until("document.querySelector('.file--image') === null").await;
    for page in [rahim, mina] {
        page.close().await;
    }
}

#[tokio::test]
async fn a_page_shows_what_the_other_one_has_seen_until_one_of_them_switches_it_off() {
    let Some((browser, cluster)) = two_nodes(&[]).await else { return };
    let [one, other] = [0, 1].map(|at| cluster.nodes[at].port);
    let rahim = signed_up(&browser, one, "Rahim").await;
    let mina = signed_up(&browser, other, "Mina").await;
    rahim.until("document.querySelector('.members__user[data-username=Mina]') !== null").await;
    rahim.value("document.querySelector('.members__user[data-username=Mina] .members__menu').click()").await;
    rahim.click("#member-menu [data-about=converse]").await;
    rahim.until("document.querySelector('#room-title').textContent === 'Mina'").await;
    rahim.posts("first").await;
    rahim.posts("second").await;
    mina.until("document.querySelector('[data-room^=\"@\"]') !== null").await;
    assert_eq!(rahim.value("document.querySelectorAll('.message__seen').length").await, 0);
    mina.click("[data-room^='@']").await;
    mina.shows("second").await;
    message_has(&rahim, "second", ".message__seen", "Seen").await;
    assert_eq!(rahim.value("document.querySelectorAll('.message__seen').length").await, 1, "below one alone");
    rahim.reload().await;
    message_has(&rahim, "second", ".message__seen", "Seen").await;

    mina.until("!document.querySelector('#share-reading-row').hidden").await;
    mina.value("document.querySelector('#settings-button').click()").await;
    mina.choose("#share-reading", "off").await;
    mina.until("!document.querySelector('#share-reading').disabled").await;
    mina.reload().await;
    mina.until("document.querySelector('#share-reading').value === 'off'").await;
    rahim.reload().await;
    rahim.shows("second").await;
    rahim.until("document.body.dataset.connection === 'online'").await;
    rahim.posts("third").await;
    mina.shows("third").await;
    assert_eq!(rahim.value("document.querySelectorAll('.message__seen').length").await, 0);
    for page in [rahim, mina] {
        page.close().await;
    }
}
