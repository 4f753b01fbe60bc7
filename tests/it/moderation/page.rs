//! A moderator's page, and on another node the page of the person that its actions concern.

use adda::model::Role;
use serde_json::json;

use super::{Moderator, cluster};
use crate::harness::Cluster;
use crate::harness::browser::{Browser, Page};

/// A script that answers the page's log-in with the token of a moderator.
fn log_in_as(moderator: &Moderator) -> String {
    let Moderator { user_id, token, role, .. } = moderator;
    let account = json!({ "user_id": user_id, "username": role.as_str(), "role": role, "token": token });
    format!(
        "const real = window.fetch; const answer = (body) => Promise.resolve(new Response(JSON.stringify(body)));
         window.fetch = (url, options) => url === 'api/login' ? answer({account})
             : url === 'api/setup' ? answer({{ guests: true, registration: 'open', needed: false }}) : real(url, options);"
    )
}

/// The page of an admin.
async fn admins_page(browser: &Browser, cluster: &Cluster) -> Page {
    let moderator = Moderator::of(cluster, Role::Admin).await;
    let page = browser.open_with(cluster.nodes[0].port, &log_in_as(&moderator)).await;
    page.until("document.querySelector('[data-way=sign_in]').hidden === false").await;
    page.click("[data-way=sign_in]").await;
    page.fill("#sign-in-username", "admin").await;
    page.fill("#sign-in-password", "correct horse battery").await;
    page.click("#sign-in-form .button--primary").await;
    page.until("document.body.dataset.screen === 'chat' && document.body.dataset.connection === 'online'")
        .await;
    page
}

/// A script that turns typing notices off. The refusal of one, if it comes before a click on "send", leaves the text in the
/// composer.
const WITHOUT_TYPING: &str = r#"localStorage.setItem('adda.preferences', '{"typing":"off"}');"#;

/// An admin's page and a guest's, on two nodes, after the guest has spoken.
async fn pages(browser: &Browser) -> Option<(Cluster, Page, Page)> {
    let cluster = cluster(2).await?;
    let admin = admins_page(browser, &cluster).await;
    let guest = browser.open_with(cluster.nodes[1].port, WITHOUT_TYPING).await;
    guest.join("রহিম", "general").await;
    guest.posts("হ্যালো").await;
    admin.shows("হ্যালো").await;
    Some((cluster, admin, guest))
}

/// Opens the menu of the newest message of somebody else, and chooses an action there.
async fn choose(page: &Page, action: &str) {
    let newest = "[...document.querySelectorAll('#timeline .message:not(.message--own)')].at(-1)";
    page.value(&format!("{newest}.querySelector('.message__menu').click()")).await;
    page.click(&format!("#message-menu [data-order={action}]")).await;
}

/// Agrees in the dialog, and waits until the server has.
async fn confirm(page: &Page) {
    page.click("#person-order-do").await;
    page.until("!document.querySelector('#person-order').open").await;
}

async fn is_shown(page: &Page, selector: &str) {
    page.until(&format!("document.querySelector('{selector}').hidden === false")).await;
}

async fn is_hidden(page: &Page, selector: &str) {
    page.until(&format!("document.querySelector('{selector}').hidden")).await;
}

#[tokio::test]
async fn a_page_removes_and_mutes_people_and_locks_their_room() {
    let Some(browser) = Browser::start().await else { return };
    let Some((_cluster, admin, guest)) = pages(&browser).await else { return };

    choose(&admin, "kick").await;
    confirm(&admin).await;
    is_shown(&guest, "#removal").await;
    assert_eq!(guest.value("document.querySelector('#members').childElementCount").await, 0);
    guest.click("#removal-enter").await;
    is_hidden(&guest, "#removal").await;
    guest.posts("ফিরে এলাম").await;
    admin.shows("ফিরে এলাম").await;

    admin.posts("/lock").await;
    is_shown(&admin, "#room-locked").await;
    admin.posts("/unlock").await;
    is_hidden(&admin, "#room-locked").await;
    guest.posts("খোলা").await;
    admin.shows("খোলা").await;

    choose(&admin, "mute").await;
    admin.choose("#person-order-time", "600").await;
    confirm(&admin).await;
    guest.posts("এটা যাবে না").await;
    is_shown(&guest, "#composer-held").await;
    assert_eq!(admin.messages().await, ["হ্যালো", "ফিরে এলাম", "খোলা"]);
    choose(&admin, "unmute").await;
    admin.until("document.querySelector('#toast-text').textContent.includes('can write here again')").await;
    // The message has waited. A page that was loaded again sends it without a pause.
    guest.reload().await;
    admin.shows("এটা যাবে না").await;
    for page in [admin, guest] {
        page.close().await;
    }
}

#[tokio::test]
async fn a_page_bans_somebody_and_lifts_the_ban() {
    let Some(browser) = Browser::start().await else { return };
    let Some((_cluster, admin, guest)) = pages(&browser).await else { return };

    admin.posts("/ban রহিম 1d too loud").await;
    admin.until("document.querySelector('#person-order').open").await;
    assert_eq!(admin.value("document.querySelector('#person-order-time').value").await, "86400");
    assert_eq!(admin.value("document.querySelector('#person-order-reason').value").await, "too loud");
    confirm(&admin).await;
    guest.until("document.querySelector('#connection-strip').dataset.kind === 'refused'").await;

    admin.click("#room-menu-button").await;
    admin.click("#room-moderation").await;
    admin.until("document.querySelector('#bans').innerText.includes('রহিম')").await;
    admin.until("document.querySelector('#bans').innerText.includes('too loud')").await;
    admin.until("document.querySelectorAll('#audit li').length === 1").await;
    admin.click("#bans button").await;
    admin.until("document.querySelectorAll('#bans li').length === 0").await;
    admin.until("document.querySelector('#moderation-status').textContent !== ''").await;
    guest.reload().await;
    guest.until("document.body.dataset.connection === 'online'").await;
    for page in [admin, guest] {
        page.close().await;
    }
}

#[tokio::test]
async fn a_page_of_somebody_else_has_no_action_of_moderators() {
    let Some(browser) = Browser::start().await else { return };
    let Some((_cluster, admin, guest)) = pages(&browser).await else { return };
    admin.posts("আদাব").await;
    guest.shows("আদাব").await;
    let newest = "[...document.querySelectorAll('#timeline .message:not(.message--own)')].at(-1)";
    guest.value(&format!("{newest}.querySelector('.message__menu').click()")).await;
    is_shown(&guest, "#message-menu").await;
    let offered = "[...document.querySelectorAll('[data-order], #room-lock, #room-moderation')]\
                   .filter((item) => item.checkVisibility()).length";
    assert_eq!(guest.value(offered).await, 0);
    guest.posts("/kick admin").await;
    guest.until("document.querySelector('#composer-ask').hidden === false").await;
    for page in [admin, guest] {
        page.close().await;
    }
}

#[tokio::test]
async fn a_page_reports_a_message_and_a_moderators_page_settles_it() {
    let Some(browser) = Browser::start().await else { return };
    let Some((cluster, admin, guest)) = pages(&browser).await else { return };
    let other = browser.enter(cluster.nodes[1].port, "করিম", "general").await;
    other.shows("হ্যালো").await;
    other.value("document.querySelector('#timeline .message .message__menu').click()").await;
    other.click("#message-report").await;
    other.until("document.querySelector('#report').open").await;
    other.click("#report-do").await;
    other.until("document.querySelector('#report-error').textContent !== ''").await;
    other.fill("#report-reason", "too loud").await;
    other.click("#report-do").await;
    other.until("!document.querySelector('#report').open").await;

    // The moderator is told, and finds the report where bans are.
    admin.until("document.querySelector('#toast-text').textContent === 'Something was reported.'").await;
    admin.click("#room-menu-button").await;
    admin.click("#room-moderation").await;
    admin.until("document.querySelectorAll('#reports .report').length === 1").await;
    for words in ["করিম", "রহিম", "হ্যালো", "too loud"] {
        admin.until(&format!("document.querySelector('.report').innerText.includes('{words}')")).await;
    }
    admin.click("[data-act=delete]").await;
    guest.until("document.querySelectorAll('.message--deleted').length === 1").await;
    admin.click("[data-act=settle]").await;
    admin.until("document.querySelectorAll('#reports .report').length === 0").await;
    for page in [admin, guest, other] {
        page.close().await;
    }
}
