//! The dashboard in a browser: for admins, on any node, on a phone, and through the loss of a node.

use adda::model::Role;
use serde_json::json;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Client, Cluster};
use crate::stats::{cluster, token};

/// Counts what the content policy refuses, from the start.
const COUNT_REFUSALS: &str = "window.refusals = []; addEventListener('securitypolicyviolation', (event) => refusals.push(event.violatedDirective));";

/// Opens the dashboard of a node as somebody without a token.
async fn open(browser: &Browser, cluster: &Cluster, node: usize) -> Page {
    let address = format!("http://127.0.0.1:{}/dashboard", cluster.nodes[node].port);
    browser.open_after(&address, COUNT_REFUSALS).await
}

/// Signs the browser in, as the client does, and looks again.
async fn sign_in(page: &Page) {
    page.until("document.body.dataset.phase === 'refused'").await;
    let bearer = token(Role::Admin);
    let setting = format!(
        "fetch('api/session', {{ method: 'POST', headers: {{ authorization: 'Bearer {bearer}' }} }})"
    );
    assert_eq!(page.value(&format!("{setting}.then((answer) => answer.status)")).await, 204);
    page.click("[data-part=try-again]").await;
    page.until("document.body.dataset.phase === 'open'").await;
}

async fn shows_nodes(page: &Page, count: usize) {
    page.until(&format!("document.querySelectorAll('.nodes__node').length === {count}")).await;
    // A column for the names and one for the cluster stand before those of the nodes.
    page.until(&format!("document.querySelector('thead tr').cells.length === {}", count + 2)).await;
}

async fn fits(page: &Page) {
    let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(page.value(overflow).await, 0, "nothing is wider than the screen");
}

#[tokio::test]
async fn an_admin_sees_all_nodes_come_and_go_and_others_are_asked_to_sign_in() {
    let Some(browser) = Browser::start().await else { return };
    let Some(mut cluster) = cluster(3).await else { return };
    let page = open(&browser, &cluster, 0).await;
    page.until("document.querySelector('[data-part=refused] a').href === new URL('./', location.href).href")
        .await;
    sign_in(&page).await;
    shows_nodes(&page, 3).await;
    page.until("document.querySelectorAll('.chart').length === 11").await;
    page.until("document.querySelectorAll('[data-figure=memory] .chart__line[d^=M]').length === 3").await;

    let mut rahim = Client::full(&cluster.nodes[1], "রহিম").await;
    rahim.join("general").await;
    let sessions = "document.querySelector('[data-figure=sessions] .chart__value').textContent";
    page.until(&format!("['২', '2'].includes({sessions})")).await;

    cluster.nodes[2].kill();
    shows_nodes(&page, 2).await;
    page.until("document.querySelector('[data-part=news]').textContent !== ''").await;
    cluster.add_node().await;
    shows_nodes(&page, 3).await;
    assert_eq!(page.value("refusals.join()").await, "");
    page.close().await;
}

#[tokio::test]
async fn the_dashboard_fits_a_phone_in_both_languages_and_tells_of_a_lost_connection() {
    let Some(browser) = Browser::start().await else { return };
    let Some(mut cluster) = cluster(2).await else { return };
    let page = open(&browser, &cluster, 0).await;
    page.resize(360, 740).await;
    fits(&page).await;
    sign_in(&page).await;
    shows_nodes(&page, 2).await;
    for (language, title) in [("en", "Dashboard"), ("bn", "ড্যাশবোর্ড")] {
        page.choose("[data-part=language]", language).await;
        page.until(&format!("document.querySelector('h1').textContent === '{title}'")).await;
        fits(&page).await;
    }
    let forced = json!({ "features": [{ "name": "forced-colors", "value": "active" }] });
    page.devtools("Emulation.setEmulatedMedia", forced).await;
    let colours = "[...document.querySelectorAll('.nodes__node')].map((node) => \
                   getComputedStyle(node, '::before').backgroundColor)";
    page.until(&format!("new Set({colours}).size === 2")).await;
    page.devtools("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
    page.click("[data-part=table-toggle]").await;
    page.until("document.querySelector('[data-part=table]').getBoundingClientRect().width > 200").await;
    fits(&page).await;
    page.reload().await;
    page.until("document.documentElement.lang === 'bn'").await;
    shows_nodes(&page, 2).await;

    cluster.nodes[0].kill();
    page.until("document.body.dataset.phase === 'lost'").await;
    page.until("document.body.dataset.stale === 'true'").await;
    cluster.nodes[0].restart().await;
    page.until("document.body.dataset.phase === 'open' && document.body.dataset.stale === 'false'").await;
    assert_eq!(page.value("refusals.join()").await, "");
    page.close().await;
}
