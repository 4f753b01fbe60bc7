//! Accounts in the browser client: coming in, staying signed in, and going.

use serde_json::{Value, json};

use crate::harness::browser::{Browser, Page};
use crate::harness::http::text;
use crate::harness::{Client, Cluster, DEADLINE, Http, Node, eventually};
use crate::registration::SETTINGS;

const PASSWORD: &str = "correct horse battery staple";
const NEW_PASSWORD: &str = "seven wet umbrellas";

/// Creates an account over REST. Returns the server's answer.
async fn account(http: Http, username: &str) -> Value {
    let body = json!({ "username": username, "password": PASSWORD });
    let reply = http.call("POST", "/api/accounts").json(&body).send().await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

/// A node on which passwords cost little.
async fn node_with(settings: &[(&str, &str)]) -> Node {
    Node::with(&[&SETTINGS, settings].concat()).await
}

async fn english(browser: &Browser, port: u16) -> Page {
    let page = browser.open(port).await;
    page.choose("#language-switch", "en").await;
    page
}

async fn takes_way(page: &Page, form: &str) {
    page.until(&format!("!document.querySelector('[data-way={form}]').hidden")).await;
    page.click(&format!("[data-way={form}]")).await;
    page.until(&format!("document.body.dataset.entry === '{form}'")).await;
}

async fn fills(page: &Page, prefix: &str, username: &str, password: &str) {
    page.fill(&format!("#{prefix}-username"), username).await;
    page.fill(&format!("#{prefix}-password"), password).await;
    page.click(&format!("#{prefix}-form .button--primary")).await;
}

async fn signs_in(page: &Page, username: &str, password: &str) {
    takes_way(page, "sign_in").await;
    fills(page, "sign-in", username, password).await;
    is_inside(page, username).await;
}

async fn is_inside(page: &Page, username: &str) {
    page.until("document.body.dataset.connection === 'online'").await;
    page.until(&format!("document.querySelector('#account-name').textContent === '{username}'")).await;
}

async fn is_signed_out(page: &Page) {
    page.until("document.body.dataset.screen === 'join'").await;
    page.until("document.body.dataset.entry === 'sign_in'").await;
    page.until("!document.querySelector('#entry-notice').hidden").await;
}

/// Waits for what is wrong with a field, which has the focus then.
async fn refuses(page: &Page, field: &str, words: &str) {
    page.until(&format!("document.querySelector('#{field}-error').textContent.includes('{words}')")).await;
    page.until(&format!("document.querySelector('#{field}').getAttribute('aria-invalid') === 'true'")).await;
    page.until(&format!("document.activeElement.id === '{field}'")).await;
}

#[tokio::test]
async fn a_new_account_is_refused_with_reasons_at_its_fields_and_then_comes_in() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    account(node.http(), "Karim").await;
    let page = english(&browser, node.port).await;
    takes_way(&page, "sign_up").await;
    page.click("#sign-up-form .button--primary").await;
    refuses(&page, "sign-up-username", "write your name").await;
    fills(&page, "sign-up", "Karim", PASSWORD).await;
    refuses(&page, "sign-up-username", "belongs to an account").await;
    fills(&page, "sign-up", "Rahim", "short").await;
    refuses(&page, "sign-up-password", "at least 8").await;
    fills(&page, "sign-up", "Rahim", "password").await;
    refuses(&page, "sign-up-password", "easy to guess").await;
    page.click("[data-reveals=sign-up-password]").await;
    page.until("document.querySelector('#sign-up-password').type === 'text'").await;
    page.fill("#sign-up-password", PASSWORD).await;
    page.until("document.querySelector('#sign-up-password-error').textContent === ''").await;
    page.click("#sign-up-form .button--primary").await;
    is_inside(&page, "Rahim").await;
    page.until("document.querySelector('#account-role').textContent === 'Member'").await;
    assert_eq!(page.value("document.querySelector('#sign-up-password').value").await, "");
    page.posts("with an account").await;
    page.shows("with an account").await;
    page.close().await;
}

#[tokio::test]
async fn a_person_stays_signed_in_over_a_reload_and_no_script_can_read_the_token() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    let rahim = account(node.http(), "Rahim").await;
    let page = english(&browser, node.port).await;
    takes_way(&page, "sign_in").await;
    fills(&page, "sign-in", "Rahim", "a wrong password").await;
    refuses(&page, "sign-in-password", "wrong").await;
    page.fill("#sign-in-password", PASSWORD).await;
    page.click("#sign-in-form .button--primary").await;
    is_inside(&page, "Rahim").await;
    page.reload().await;
    is_inside(&page, "Rahim").await;
    let mut karim = Client::full(&node, "Karim").await;
    karim.join("general").await;
    page.posts("back again").await;
    karim.receives("back again").await;
    let said = node.http().messages("general", "").await;
    assert_eq!(text(&said[0]["user_id"]), text(&rahim["user_id"]));
    let readable = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])";
    let readable = text(&page.value(readable).await);
    assert!(readable.contains("Rahim") && !readable.contains("eyJ"), "{readable}");
    page.close().await;
}

#[tokio::test]
async fn signing_out_in_one_tab_ends_the_other_tab_and_another_browser() {
    let Some(browser) = Browser::start().await else { return };
    let Some(cluster) = Cluster::with(2, &SETTINGS).await else { return };
    account(cluster.nodes[0].http(), "Rahim").await;
    let page = english(&browser, cluster.nodes[0].port).await;
    signs_in(&page, "Rahim", PASSWORD).await;
    let elsewhere = english(&browser, cluster.nodes[1].port).await;
    signs_in(&elsewhere, "Rahim", PASSWORD).await;
    elsewhere.fill("#composer-input", "half a thou").await;
    let first = page.opens_tab().await;
    is_inside(&page, "Rahim").await;
    page.click("#account-button").await;
    page.click("#sign-out").await;
    is_signed_out(&page).await;
    page.turns_to(first).await;
    is_signed_out(&page).await;
    is_signed_out(&elsewhere).await;
    page.reload().await;
    page.until("document.body.dataset.screen === 'join'").await;
    fills(&elsewhere, "sign-in", "Rahim", PASSWORD).await;
    is_inside(&elsewhere, "Rahim").await;
    elsewhere.until("document.querySelector('#composer-input').value === 'half a thou'").await;
    page.close().await;
    elsewhere.close().await;
}

#[tokio::test]
async fn a_new_password_signs_out_another_browser_and_this_one_goes_on() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    account(node.http(), "Rahim").await;
    let page = english(&browser, node.port).await;
    signs_in(&page, "Rahim", PASSWORD).await;
    let elsewhere = english(&browser, node.port).await;
    signs_in(&elsewhere, "Rahim", PASSWORD).await;
    let first = page.opens_tab().await;
    is_inside(&page, "Rahim").await;
    page.click("#account-button").await;
    page.click("#account-password").await;
    page.until("document.querySelector('#password').open").await;
    page.fill("#password-old", "a wrong password").await;
    page.fill("#password-new", NEW_PASSWORD).await;
    page.click("#password-form .button--primary").await;
    refuses(&page, "password-old", "not your current password").await;
    page.fill("#password-old", PASSWORD).await;
    page.click("#password-form .button--primary").await;
    page.until("!document.querySelector('#password').open").await;
    is_signed_out(&elsewhere).await;
    is_inside(&page, "Rahim").await;
    page.posts("here still").await;
    page.shows("here still").await;
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 0").await;
    page.turns_to(first).await;
    is_inside(&page, "Rahim").await;
    page.reload().await;
    is_inside(&page, "Rahim").await;
    fills(&elsewhere, "sign-in", "Rahim", PASSWORD).await;
    refuses(&elsewhere, "sign-in-password", "wrong").await;
    fills(&elsewhere, "sign-in", "Rahim", NEW_PASSWORD).await;
    is_inside(&elsewhere, "Rahim").await;
    page.close().await;
    elsewhere.close().await;
}

#[tokio::test]
async fn a_guest_gets_an_account_and_keeps_rooms_and_drafts() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    let page = english(&browser, node.port).await;
    page.join("Rahim", "tea").await;
    page.fill("#composer-input", "half a thou").await;
    page.click("#account-button").await;
    page.until("!document.querySelector('#account-sign-up').hidden").await;
    page.click("#account-sign-up").await;
    page.until("document.querySelector('#sign-up-username').value === 'Rahim'").await;
    page.until("document.activeElement.id === 'sign-up-password'").await;
    page.fill("#sign-up-password", PASSWORD).await;
    page.click("#sign-up-form .button--primary").await;
    is_inside(&page, "Rahim").await;
    page.until("document.querySelector('#room-title').textContent === 'tea'").await;
    page.until("document.querySelector('#composer-input').value === 'half a thou'").await;
    page.close().await;
}

#[tokio::test]
async fn a_guest_is_refused_the_name_of_an_account_at_its_field() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    account(node.http(), "Rahim").await;
    let page = english(&browser, node.port).await;
    page.fill("#name", "Rahim").await;
    page.click("#join-button").await;
    page.until("document.querySelector('#name-error').textContent.includes('belongs to an account')").await;
    page.join("Rahim the guest", "general").await;
    page.close().await;
}

#[tokio::test]
async fn without_guests_the_page_begins_with_signing_in() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[("auth.guests", "false")]).await;
    account(node.http(), "Rahim").await;
    let page = english(&browser, node.port).await;
    page.until("document.body.dataset.entry === 'sign_in'").await;
    assert_eq!(page.value("document.querySelector('[data-way=guest]').hidden").await, true);
    fills(&page, "sign-in", "Rahim", PASSWORD).await;
    is_inside(&page, "Rahim").await;
    page.reload().await;
    is_inside(&page, "Rahim").await;
    page.close().await;
}

#[tokio::test]
async fn while_registration_is_closed_no_new_account_is_offered() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[("auth.registration", "closed")]).await;
    let page = english(&browser, node.port).await;
    takes_way(&page, "sign_in").await;
    page.until("!document.querySelector('[data-way=guest]').hidden").await;
    assert_eq!(page.value("document.querySelector('[data-way=sign_up]').hidden").await, true);
    page.close().await;
}

/// The code that a node logs while no admin exists.
async fn setup_code(node: &Node) -> String {
    eventually("the code is logged", DEADLINE, async || {
        let log = node.log();
        let line = log.lines().find(|line| line.contains("no admin exists yet"))?;
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
        words.find(|word| word.len() == 16).map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn the_first_admin_is_made_once_with_the_code_of_the_log() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    let code = setup_code(&node).await;
    let guest = english(&browser, node.port).await;
    guest.join("Rahim", "general").await;
    let page = english(&browser, node.port).await;
    page.visit("/setup").await;
    page.until("document.body.dataset.entry === 'setup'").await;
    page.fill("#setup-code", "0000000000000000").await;
    fills(&page, "setup", "Mina", PASSWORD).await;
    refuses(&page, "setup-code", "not the code").await;
    page.fill("#setup-code", &code).await;
    page.click("#setup-form .button--primary").await;
    is_inside(&page, "Mina").await;
    page.until("document.querySelector('#account-role').textContent === 'Admin'").await;
    assert_eq!(page.value("location.pathname").await, "/");
    page.posts("welcome").await;
    guest.shows("welcome").await;
    let other = english(&browser, node.port).await;
    other.visit("/setup").await;
    other.until("document.body.dataset.entry === 'sign_in'").await;
    other.until("document.querySelector('#entry-notice').textContent.includes('has an admin')").await;
    for page in [guest, page, other] {
        page.close().await;
    }
}

/// The token of the first admin.
async fn admin(node: &Node) -> String {
    let body = json!({ "code": setup_code(node).await, "username": "Mina", "password": PASSWORD });
    let reply = node.http().call("POST", "/api/setup").json(&body).send().await;
    text(&reply.json()["token"])
}

async fn moderates(node: &Node, token: &str, path: &str, body: &Value) {
    let call = node.http().call("PUT", path).header("authorization", &format!("Bearer {token}"));
    let reply = call.json(body).send().await;
    assert_eq!(reply.status, 204, "{reply:?}");
}

/// The user of the only session in a room.
async fn only_user(node: &Node, room: &str) -> String {
    text(&node.http().json(&format!("/api/rooms/{room}")).await["data"]["clients"][0]["user_id"])
}

#[tokio::test]
async fn a_muted_person_reads_for_how_long_and_the_text_stays_in_the_composer() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    let token = admin(&node).await;
    let page = english(&browser, node.port).await;
    page.join("Rahim", "general").await;
    let user = only_user(&node, "general").await;
    moderates(&node, &token, &format!("/api/rooms/general/mutes/{user}"), &json!({ "for_s": 15 })).await;
    page.posts("one").await;
    page.until(
        "/for another ([1-9]|1[0-5]) second/.test(document.querySelector('#composer-held').textContent)",
    )
    .await;
    page.until("document.querySelector('#composer-held').hidden").await;
    page.click_if_shown("#composer-send").await;
    page.shows("one").await;
    page.until("document.querySelectorAll('#timeline .message[data-delivery]').length === 0").await;
    page.until("document.querySelector('#composer-input').value === ''").await;
    assert_eq!(node.http().messages("general", "").await.len(), 1);
    page.close().await;
}

#[tokio::test]
async fn a_banned_person_reads_until_when_and_why() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    let token = admin(&node).await;
    let page = english(&browser, node.port).await;
    page.join("Rahim", "general").await;
    let user = only_user(&node, "general").await;
    moderates(&node, &token, &format!("/api/bans/{user}"), &json!({ "for_s": 3600, "reason": "spam" })).await;
    page.until("document.querySelector('#connection-text').textContent.includes('until')").await;
    page.until("document.querySelector('#connection-more').textContent === 'Reason: spam'").await;
    page.close().await;
}

#[tokio::test]
async fn the_sign_in_form_says_until_when_an_account_is_banned_and_why() {
    let Some(browser) = Browser::start().await else { return };
    let node = node_with(&[]).await;
    let token = admin(&node).await;
    let user = text(&account(node.http(), "Rahim").await["user_id"]);
    let path = format!("/api/bans/{user}");
    moderates(&node, &token, &path, &json!({ "for_s": 3600, "reason": "spam" })).await;
    let page = english(&browser, node.port).await;
    takes_way(&page, "sign_in").await;
    fills(&page, "sign-in", "Rahim", PASSWORD).await;
    let shown = "document.querySelector('#sign-in-error').textContent";
    let date = "new Intl.DateTimeFormat('en-GB', { dateStyle: 'full' }).format(Date.now() + 3_600_000)";
    page.until(&format!(
        "{shown}.includes({date}) && {shown}.includes('Reason: ') && {shown}.includes('spam')"
    ))
    .await;
    page.choose("#language-switch", "bn").await;
    page.until(&format!(
        "{shown}.includes('পর্যন্ত') && {shown}.includes('কারণ: ') && {shown}.includes('spam')"
    ))
    .await;

    moderates(&node, &token, &path, &json!({})).await;
    page.click("#sign-in-form .button--primary").await;
    page.until(&format!("{shown} === 'এই সার্ভারে আপনার ঢোকা বন্ধ করা হয়েছে।'")).await;
    page.close().await;
}
