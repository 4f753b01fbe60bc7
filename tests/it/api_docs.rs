//! The page of the API's description in a browser: on a phone, by the keyboard, and a request that it sends.

use crate::harness::browser::Browser;
use crate::harness::{Client, Node};

const COUNT_REFUSALS: &str = "window.refusals = []; addEventListener('securitypolicyviolation', (event) => refusals.push(event.violatedDirective));";

const OVERFLOW: &str = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

#[tokio::test]
async fn the_page_of_the_description_fits_a_phone_and_sends_requests_with_the_token() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let rahim = Client::full(&node, "রহিম").await;
    let address = format!("http://127.0.0.1:{}/api/docs", node.port);
    let page = browser.open_after(&address, COUNT_REFUSALS).await;
    page.resize(360, 740).await;
    page.until("document.body.dataset.phase === 'shown'").await;
    let described = node.http().json("/api/openapi.json").await;
    let paths = described["paths"].as_object().unwrap().values();
    let count: usize = paths.map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(page.value("document.querySelectorAll('.operation').length").await, count);
    page.value(
        "[...document.querySelectorAll('.operation')].forEach((operation) => { operation.open = true; })",
    )
    .await;
    page.until("document.querySelectorAll('.operation__form').length === document.querySelectorAll('.operation').length").await;
    assert_eq!(page.value(OVERFLOW).await, 0, "nothing is wider than the screen");
    let unmarked =
        "[...document.querySelectorAll('p, .field__label')].some((it) => it.textContent.includes('`'))";
    assert_eq!(page.value(unmarked).await, false, "words of code are marked up");
    for place in ["[data-part=introduction]", ".operation__answer"] {
        assert_eq!(
            page.value(&format!("document.querySelector('{place} code') !== null")).await,
            true,
            "{place}"
        );
    }

    page.fill("[data-part=token]", &rahim.token).await;
    page.value("document.querySelector('#show_me button').focus()").await;
    page.press(" ").await;
    page.until(&format!(
        "document.querySelector('#show_me .operation__outcome').textContent.includes('{}')",
        rahim.user_id
    ))
    .await;
    assert_eq!(page.value("refusals.join()").await, "");
    assert_eq!(page.value("Object.keys(localStorage).length + document.cookie.length").await, 0);
    page.close().await;
}
