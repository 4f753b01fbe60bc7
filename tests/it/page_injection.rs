//! Texts that try to become markup or code, in every field that reaches a page: nothing of them runs, and no element is theirs.

use std::path::Path;

use adda::model::Role;
use serde_json::{Value, json};

use crate::files::upload;
use crate::harness::browser::{Browser, Page};
use crate::harness::http::{encode, text};
use crate::harness::{Client, Node};
use crate::registration::{SETTINGS, log_in, send};
use crate::stats::{SECRET, token};

const PASSWORD: &str = "correct horse battery staple";

/// Runs before the page's scripts: counts dialogs and what the content policy refuses. A text that runs sets `ran`.
const WATCH: &str = "window.refusals = []; window.dialogs = [];
    addEventListener('securitypolicyviolation', (event) => refusals.push(`${event.violatedDirective} ${event.blockedURI}`));
    for (const name of ['alert', 'confirm', 'prompt', 'open']) window[name] = (said) => void dialogs.push(`${name} ${said}`);";

/// Everything that should not be there, as a list of texts.
const VERDICT: &str = "(() => {
    const own = new Set(['HTML', 'HEAD', 'TITLE', 'BODY', 'A', 'ARTICLE', 'ASIDE', 'AUDIO', 'B', 'BDI', 'BLOCKQUOTE', 'BR', 'BUTTON', 'CANVAS', 'CAPTION', 'CIRCLE', 'CODE', 'DD',
        'DEL', 'DETAILS', 'DIALOG', 'DIV', 'DL', 'DT', 'EM', 'FIGCAPTION', 'FIGURE', 'FOOTER', 'FORM', 'H1', 'H2', 'H3', 'H4', 'HEADER', 'I', 'IMG', 'INPUT', 'KBD', 'LABEL', 'LI', 'LINE', 'LINK',
        'MAIN', 'MARK', 'META', 'NAV', 'NOSCRIPT', 'OL', 'OPTION', 'OUTPUT', 'P', 'PATH', 'POLYLINE', 'PRE', 'PROGRESS', 'RECT', 'S', 'SCRIPT', 'SECTION', 'SELECT', 'SMALL', 'SPAN', 'STRONG',
        'SUMMARY', 'SVG', 'SYMBOL', 'TABLE', 'TBODY', 'TD', 'TEMPLATE', 'TEXT', 'TEXTAREA', 'TH', 'THEAD', 'TIME', 'TR', 'UL', 'USE', 'VIDEO']);
    const here = (address) => new URL(address, document.baseURI).origin === location.origin;
    const isOwn = (element) => own.has(element.tagName.toUpperCase())
        && !(element.matches('script') && !(element.src.includes('/v/') && here(element.src)))
        && !(element.matches('img, audio, video') && element.getAttribute('src') && !here(element.src))
        && !(element.matches('a') && element.hasAttribute('href') && !/^(https?|blob):$/.test(element.protocol))
        && ![...element.attributes].some(({ name, value }) => /^on|^srcdoc$|^formaction$|^xlink/.test(name) || /^\\s*(javascript|vbscript):/i.test(value) && !/^(value|title|aria-label|data-.*)$/.test(name));
    const foreign = [...document.querySelectorAll('*')].filter((element) => !isOwn(element)).map((element) => element.outerHTML.slice(0, 120));
    return [...(window.ran === undefined ? [] : ['ran']), ...dialogs, ...refusals, ...foreign];
})()";

const ROOM: &str = "\"><img src=x onerror=window.ran=1>";

/// As long as a name may be.
const NAMES: [&str; 6] = [
    "<img src=x onerror=window.ran=1>",
    "<svg onload=window.ran=1>",
    "{{window.ran=1}}",
    "${window.ran=1}",
    "' onmouseover='window.ran=1",
    "javascript:window.ran=1",
];

const TEXTS: [&str; 26] = [
    "<script>window.ran=1</script>",
    "<script src=/js/main.js></script>",
    "<img src=x onerror=window.ran=1>",
    "<svg onload=window.ran=1><animate onbegin=window.ran=1 attributeName=x dur=1s>",
    "<svg><style><!--</style><img title=\"--><img src=x onerror=window.ran=1>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=window.ran=1&gt;\">",
    "<svg><a xlink:href=\"javascript:window.ran=1\"><text>x</text></a><use href=\"data:image/svg+xml,<svg id=x onload=window.ran=1>#x\"/></svg>",
    "\"><iframe srcdoc=\"<script>parent.ran=1</script>\"></iframe>",
    "' onfocus='window.ran=1' autofocus tabindex='0",
    "\" onclick=\"window.ran=1",
    "javascript:window.ran=1",
    "JaVaScRiPt:alert(1)//https://example.org/\" onclick=\"window.ran=1",
    "https://example.org/\"onmouseover=\"window.ran=1 https://a.example/<script>window.ran=1</script>",
    "https://example.org/?q='-alert(1)-'#javascript:window.ran=1",
    "data:text/html,<script>window.ran=1</script> data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "[x](javascript:window.ran=1) ![x](x\"onerror=\"window.ran=1)",
    "{{constructor.constructor('window.ran=1')()}} ${window.ran=1} #{window.ran=1} <%= window.ran=1 %>",
    "<div style=\"width:expression(window.ran=1);background:url(javascript:window.ran=1)\">",
    "</textarea></title></template></style></noscript><script>window.ran=1</script>",
    "<object data=\"data:text/html,x\"></object><embed src=\"x\"><base href=\"//evil.example/\"><meta http-equiv=refresh content=\"0;url=//evil.example\"><link rel=stylesheet href=//evil.example/x.css>",
    "<form action=\"javascript:window.ran=1\"><button formaction=\"javascript:window.ran=1\">x</button></form>",
    "<a href=\"jav&#x09;ascript:window.ran=1\" target=_blank>x</a> <a href=javascript&colon;window.ran=1>y</a>",
    "`<script>window.ran=1</script>` *<img src=x onerror=window.ran=1>* _\"><svg onload=window.ran=1>_",
    "> <script>window.ran=1</script>\n- <img src=x onerror=window.ran=1>\n- ```<svg onload=window.ran=1>```",
    "\u{202e}<script>window.ran=1</script>\u{202c} \u{2066}<img src=x onerror=window.ran=1>\u{2069}",
    "<scr\u{200d}ipt>window.ran=1</scr\u{200d}ipt> ＜script＞window.ran=1＜/script＞",
];

/// Nothing ran, asked, was refused or is foreign.
async fn is_clean(page: &Page, screen: &str) {
    assert_eq!(page.value(VERDICT).await, json!([]), "{screen}");
}

/// A node with files, and the token of an admin.
async fn node() -> (Node, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("injection-{}", std::process::id()));
    let folder = folder.display().to_string();
    let settings = [&SETTINGS[..], &[("files.url", folder.as_str()), ("auth.secret", SECRET)]].concat();
    (Node::with(&settings).await, token(Role::Admin))
}

/// Each name is of a guest in the room; each text is a message, what an edit makes of one, and a quotation.
/// Returns the writer of the texts, and the guests.
async fn talk(node: &Node) -> (Client, Vec<Client>) {
    let mut guests = Vec::new();
    for name in NAMES {
        let mut guest = Client::full(node, name).await;
        guest.join(ROOM).await;
        guest.posts(ROOM, name).await;
        guests.push(guest);
    }
    let mut karim = Client::full(node, NAMES[0]).await;
    karim.join(ROOM).await;
    for (number, content) in TEXTS.into_iter().enumerate() {
        let seq = karim.posts(ROOM, "not yet").await["seq"].clone();
        karim.send(json!({ "type": "edit", "room_id": ROOM, "ref": seq, "content": content, "nonce": format!("edit-{number}") })).await;
        karim.expect("ack").await;
        let reply = json!({ "type": "text", "room_id": ROOM, "content": content, "reply_to": seq, "nonce": format!("reply-{number}") });
        karim.send(reply).await;
        karim.expect("ack").await;
    }
    let long = "<img src=x onerror=window.ran=1>".repeat(120);
    karim.posts(ROOM, &long).await;
    for content in TEXTS {
        let file = upload(node, &karim.token, ROOM, content, content.as_bytes()).await;
        karim.send(json!({ "type": "text", "room_id": ROOM, "content": "", "files": [file["id"]], "nonce": text(&file["id"]) })).await;
        karim.expect("ack").await;
    }
    karim.send(json!({ "type": "react", "room_id": ROOM, "ref": 1, "emoji": "👍", "on": true, "nonce": "react" })).await;
    karim.expect("ack").await;
    (karim, guests)
}

/// A page with an account of a hostile name, in the room that the address names.
async fn entered(browser: &Browser, node: &Node) -> Page {
    let page =
        browser.open_after(&format!("http://127.0.0.1:{}/?room={}", node.port, encode(ROOM)), WATCH).await;
    page.choose("#language-switch", "en").await;
    page.until("!document.querySelector('[data-way=sign_up]').hidden").await;
    page.click("[data-way=sign_up]").await;
    page.fill("#sign-up-username", NAMES[1]).await;
    page.fill("#sign-up-password", PASSWORD).await;
    page.click("#sign-up-form .button--primary").await;
    page.until("document.body.dataset.connection === 'online'").await;
    page.until(&format!("document.querySelector('#account-name').textContent === {:?}", NAMES[1])).await;
    page.until(&format!("document.querySelector('#room-title').textContent === {ROOM:?}")).await;
    page
}

/// Opens a dialog by its button in the menu of the room, and looks at what it shows.
async fn look(page: &Page, button: &str, dialog: &str, has: &str) {
    page.click("#room-menu-button").await;
    page.click(button).await;
    page.until(&format!("document.querySelector('{dialog}').open && document.querySelector('{dialog}').textContent.includes({has:?})"))
        .await;
    is_clean(page, dialog).await;
    page.press("\u{e00c}").await;
    page.until(&format!("!document.querySelector('{dialog}').open")).await;
}

#[tokio::test]
async fn no_text_becomes_markup_or_code_in_a_room() {
    let Some(browser) = Browser::start().await else { return };
    let (node, _) = node().await;
    let (mut karim, _guests) = talk(&node).await;
    let page = entered(&browser, &node).await;
    page.until("document.querySelector('.file--card') !== null").await;
    is_clean(&page, "the room").await;
    for content in TEXTS {
        karim.posts(ROOM, content).await;
    }
    karim.posts(ROOM, TEXTS[0]).await;
    page.shows(TEXTS[0]).await;
    page.until(&format!(
        "[...document.querySelectorAll('.members__user')].some((it) => it.textContent.includes({:?}))",
        NAMES[2]
    ))
    .await;
    is_clean(&page, "live messages").await;

    page.value("[...document.querySelectorAll('.message')].at(-1).querySelector('.message__menu').click()")
        .await;
    is_clean(&page, "the menu of a message").await;
    page.click("#message-reply").await;
    page.until(&format!("document.querySelector('#composer-context-text').textContent === {:?}", TEXTS[0]))
        .await;
    is_clean(&page, "what a reply answers").await;
    page.posts(TEXTS[2]).await;
    page.shows(TEXTS[2]).await;
    page.value("document.querySelector('.members__menu').click()").await;
    is_clean(&page, "the menu of a person").await;
    page.press("\u{e00c}").await;

    page.click("#room-menu-button").await;
    page.click("#room-search").await;
    page.fill("#search-field", TEXTS[2]).await;
    page.press("\u{e007}").await;
    page.until(&format!("document.querySelector('#search-results mark')?.textContent === {:?}", TEXTS[2]))
        .await;
    is_clean(&page, "the results of a search").await;

    // The same checks find an element of a text that became markup.
    page.value("document.body.append(Object.assign(document.createElement('img'), { src: 'https://evil.example/x' }))").await;
    page.until("refusals.length > 0").await;
    assert_ne!(page.value(VERDICT).await, json!([]));
    page.close().await;
}

#[tokio::test]
async fn no_text_of_a_moderator_becomes_markup_or_code() {
    let Some(browser) = Browser::start().await else { return };
    let (node, admin) = node().await;
    let ask = async |method: &str, path: &str, body: Value| {
        let reply = send(&node, method, path, Some(&admin), body).await;
        assert!((200..300).contains(&reply.status), "{path}: {reply:?}");
    };
    let page = entered(&browser, &node).await;
    let account = log_in(&node, NAMES[1], PASSWORD).await.json();
    ask("PUT", &format!("/api/accounts/{}/role", text(&account["user_id"])), json!({ "role": "admin" }))
        .await;
    // A page learns its role as it connects.
    page.reload().await;
    page.until("document.body.dataset.connection === 'online'").await;
    let banned = browser.open_with(node.port, WATCH).await;
    banned.choose("#language-switch", "en").await;
    banned.join(NAMES[0], "general").await;
    for (number, content) in TEXTS.into_iter().enumerate() {
        let guest = Client::full(&node, NAMES[number % NAMES.len()]).await;
        let title: String = content.replace('\n', " ").chars().take(200).collect();
        ask("PUT", &format!("/api/bans/{}", guest.user_id), json!({ "reason": title })).await;
        ask("POST", "/api/notifications", json!({ "to": "all", "title": title, "content": content })).await;
    }
    let schedule = json!({ "to": { "room_id": ROOM }, "title": TEXTS[3], "content": TEXTS[0], "every_s": 1 });
    ask("POST", "/api/schedules", schedule).await;
    page.until(&format!("document.querySelector('#timeline-rows').textContent.includes({:?})", TEXTS[3]))
        .await;
    is_clean(&page, "a scheduled message and the toast of a notification").await;
    page.click("#bell").await;
    page.until(&format!("document.querySelectorAll('#notice-list li').length >= {}", TEXTS.len())).await;
    is_clean(&page, "the list of notifications").await;
    page.press("\u{e00c}").await;

    let sessions = node.http().json("/api/rooms/general").await;
    let user_id = sessions
        .to_string()
        .split("\"user_id\":\"")
        .nth(1)
        .expect("a session")
        .split('"')
        .next()
        .map(str::to_owned);
    ask("PUT", &format!("/api/bans/{}", user_id.expect("an id")), json!({ "reason": TEXTS[2] })).await;
    banned
        .until(&format!(
            "document.body.textContent.includes({:?}) && document.body.dataset.connection === 'refused'",
            TEXTS[2]
        ))
        .await;
    is_clean(&banned, "the reason of a ban").await;

    page.until("!document.querySelector('#room-moderation').hidden").await;
    look(&page, "#room-moderation", "#moderation", TEXTS[2]).await;
    page.visit("/dashboard").await;
    page.until("document.querySelectorAll('.nodes__node').length === 1").await;
    is_clean(&page, "the dashboard").await;
    for page in [page, banned] {
        page.close().await;
    }
}

#[tokio::test]
async fn no_address_becomes_markup_or_code() {
    let Some(browser) = Browser::start().await else { return };
    let (node, _) = node().await;
    talk(&node).await;
    let page = browser.open_with(node.port, WATCH).await;
    for (number, it) in TEXTS.into_iter().chain(NAMES).map(encode).enumerate() {
        // Of two in a row the part before # differs, so each is loaded.
        let address =
            [format!("/?room={it}"), format!("/#{it}"), format!("/?room={it}#{it}")][number % 3].clone();
        page.visit(&address).await;
        page.until("document.getElementById('load-failure') === null").await;
        is_clean(&page, &address).await;
    }
    page.visit("/?room=%00%3Cscript%3E").await;
    is_clean(&page, "a null byte").await;
    page.close().await;
}

#[tokio::test]
async fn a_null_byte_is_refused_in_every_field() {
    let (node, admin) = node().await;
    let mut karim = Client::full(&node, "karim").await;
    karim.join(ROOM).await;
    karim.send(json!({ "type": "text", "room_id": ROOM, "content": "<scr\0ipt>", "nonce": "n" })).await;
    assert_eq!(karim.expect("error").await["code"], "bad_content");
    karim.send(json!({ "type": "join", "room_id": "tea\0" })).await;
    assert_eq!(karim.expect("error").await["code"], "bad_room_name");
    for (path, body) in [
        ("/api/accounts", json!({ "username": "mi\0na", "password": PASSWORD })),
        ("/api/notifications", json!({ "to": "all", "content": "\0" })),
        ("/api/notifications", json!({ "to": "all", "title": "a\0b", "content": "x" })),
        ("/api/schedules", json!({ "to": "all", "title": "a\0b", "content": "x", "every_s": 60 })),
    ] {
        let reply = send(&node, "POST", path, Some(&admin), body.clone()).await;
        assert_eq!(reply.status, 400, "{path} {body}: {reply:?}");
    }
}
