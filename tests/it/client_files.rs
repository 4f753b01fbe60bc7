//! The browser client's files as a node serves them: compression, caching, names by build.

use std::io::Read;
use std::path::Path;

use crate::harness::browser::Browser;
use crate::harness::{Dial, Node, Reply};
use crate::site::files;

async fn show(node: &Node, path: &str, encodings: &str, known: &str) -> Reply {
    let call = node.http().call("GET", path).header("accept-encoding", encodings);
    call.header("if-none-match", known).send().await
}

#[tokio::test]
async fn text_files_are_compressed_for_clients_that_accept_it() {
    let node = Node::memory().await;
    for path in ["/", "/js/main.js", "/css/page/layout.css", "/icon.svg"] {
        let plain = node.http().get(path).await;
        let packed = show(&node, path, "deflate, GZIP;q=0.8", "").await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}: {packed:?}");
        assert!(packed.body.len() < plain.body.len(), "{path}");
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut text).unwrap();
        assert_eq!(plain.body, text, "{path}");
        for header in ["content-type", "content-security-policy", "cache-control"] {
            assert_eq!(packed.header(header), plain.header(header), "{path}");
        }
        for reply in [&plain, &packed] {
            assert_eq!(reply.header("vary").to_lowercase(), "accept-encoding", "{path}: {reply:?}");
        }
        let small = show(&node, path, "gzip, deflate, br", "").await;
        assert_eq!(small.header("content-encoding"), "br", "{path}: {small:?}");
        let mut text = Vec::new();
        brotli::Decompressor::new(&small.body[..], 4096).read_to_end(&mut text).unwrap();
        assert_eq!(plain.body, text, "{path}");
        for encodings in ["", "identity", "gzip;q=0", "gzip; q=0.0, br;q=0", "x-gzipped, xbr"] {
            let reply = show(&node, path, encodings, "").await;
            assert_eq!(reply.header("content-encoding"), "", "{encodings}");
            assert_eq!(reply.body, plain.body, "{encodings}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let node = Node::memory().await;
    let mut tags = Vec::new();
    for encodings in ["identity", "gzip", "br"] {
        let first = show(&node, "/js/main.js", encodings, "").await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
            let again = show(&node, "/js/main.js", encodings, &known).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{known}: {again:?}");
            assert_eq!((again.header("etag"), again.header("vary")), (tag.as_str(), first.header("vary")));
        }
        assert_eq!(show(&node, "/js/main.js", encodings, "\"other\"").await.status, 200);
        tags.push(tag);
    }
    assert_ne!(tags[0], tags[1], "other bytes have another tag (RFC 9110, 8.8.3.3)");
    assert_eq!(show(&node, "/js/main.js", "identity", &tags[1]).await.status, 200);
}

/// The files that a page names, from the root on.
fn named(page: &str) -> Vec<String> {
    let names = page.split(['"']).map(|word| word.trim_start_matches("../"));
    let names = names.filter(|word| word.starts_with("v/"));
    names.map(str::to_owned).collect()
}

/// The address of a page, its script, and whether a module is one of its own.
type PageParts = (&'static str, &'static str, fn(&str) -> bool);

/// The pages: address, script, and whether a module is of the page alone.
const PAGES: [PageParts; 3] = [
    ("/", "/client.js", is_of_client),
    ("/dashboard", "/dashboard.js", |path| path.starts_with("js/dashboard/")),
    ("/api/docs", "/api_docs.js", |path| path.starts_with("js/api_docs/")),
];

fn is_of_client(path: &str) -> bool {
    !path.starts_with("js/dashboard/") && !path.starts_with("js/api_docs/")
}

/// The paths of all modules.
fn modules() -> Vec<String> {
    let public = Path::new(env!("CARGO_MANIFEST_DIR")).join("public");
    let paths = files(&public.join("js"))
        .into_iter()
        .filter_map(|file| Some(file.strip_prefix(&public).ok()?.display().to_string()));
    paths.filter(|path| path.ends_with(".js") && path != "js/load_failure.js").collect()
}

/// The modules that the source map of a script names.
async fn linked_modules(node: &Node, script: &str) -> Vec<String> {
    let map = source_map(node, script).await;
    let sections = map["sections"].as_array().unwrap().iter();
    sections.map(|section| section["map"]["sources"][0].as_str().unwrap().to_owned()).collect()
}

async fn source_map(node: &Node, script: &str) -> serde_json::Value {
    let get = async |path: &str| {
        let bytes = node.http().get(&format!("/{path}")).await.body;
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let lines = get(script).await;
    let (_, map) = lines.trim_end().rsplit_once("//# sourceMappingURL=").unwrap();
    let (folder, _) = script.rsplit_once('/').unwrap();
    serde_json::from_str(&get(&format!("{folder}/{map}")).await).unwrap()
}

#[tokio::test]
async fn a_page_names_all_its_parts_at_once_and_they_are_kept_for_ever() {
    let node = Node::memory().await;
    let mut build = String::new();
    for (address, script, is_its) in PAGES {
        let reply = node.http().get(address).await;
        assert_eq!(reply.header("cache-control"), "no-cache", "a new version is there at once");
        let page = String::from_utf8(reply.body.to_vec()).unwrap();
        let named = named(&page);
        assert_eq!(page.matches("rel=\"stylesheet\"").count(), 1, "the styles are one file");
        let script = named.iter().find(|name| name.ends_with(script)).expect("the modules are one script");
        let linked = linked_modules(&node, script).await;
        for module in modules().into_iter().filter(|module| is_its(module)) {
            assert!(linked.contains(&module), "{module} is in the script of {address}");
        }
        for name in &named {
            let part = node.http().get(&format!("/{name}")).await;
            assert_eq!(part.status, 200, "{name}");
            assert!(part.header("cache-control").contains("immutable"), "{name}: {part:?}");
            assert!(!part.header("content-security-policy").is_empty(), "{name}");
        }
        build = named[0].split('/').nth(1).unwrap().to_owned();
    }
    let mut rahim = Dial::full(node.port, "/ws?username=x").open().await;
    assert_eq!(rahim.welcomed().await["build"], build.as_str(), "a page can tell that it is old");
    let other = node.http().get("/v/0123456789abcdef/js/main.js").await;
    assert_eq!(
        (other.status, other.header("cache-control")),
        (200, "no-cache"),
        "another node's page finds its way"
    );
    assert_eq!(node.http().get(&format!("/v/{build}/js/nothing.js")).await.status, 404);
}

/// The lines of a file that mappings lead to: of each line the third number is the step from the one before.
fn places(mappings: &str) -> Vec<usize> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |step: &str| step.chars().map(|digit| DIGITS.find(digit).unwrap()).collect::<Vec<_>>();
    let steps = mappings.split(';').map(|line| {
        let step = line.strip_prefix("AA").and_then(|line| line.strip_suffix('A')).expect(line);
        digits(step).iter().rev().fold(0, |number, digit| number << 5 | digit & 31) >> 1
    });
    steps
        .scan(0, |place, step| {
            *place += step;
            Some(*place)
        })
        .collect()
}

/// An error's position maps to a file and a line by the source map.
#[tokio::test]
async fn the_source_map_leads_from_each_line_of_the_script_to_its_module() {
    let node = Node::memory().await;
    let get = async |path: &str| String::from_utf8(node.http().get(path).await.body.to_vec()).unwrap();
    let page = get("/").await;
    let path = named(&page).into_iter().find(|name| name.ends_with("/client.js")).unwrap();
    let script = get(&format!("/{path}")).await;
    let lines: Vec<&str> = script.lines().collect();
    let (folder, _) = path.rsplit_once('/').unwrap();
    let map = source_map(&node, &path).await;
    let sections = map["sections"].as_array().unwrap();
    assert_eq!(sections.len(), modules().iter().filter(|path| is_of_client(path)).count());
    for section in sections {
        let module = section["map"]["sources"][0].as_str().unwrap();
        let source = get(&format!("/{folder}/{module}")).await;
        let first = section["offset"]["line"].as_u64().unwrap() as usize;
        let source: Vec<&str> = source.lines().collect();
        let places = places(section["map"]["mappings"].as_str().unwrap());
        assert!(places.len() > 1, "{module}");
        for (place, linked) in places.into_iter().zip(&lines[first..]) {
            assert!(source[place].ends_with(*linked), "{module}: {linked}");
        }
    }
}

/// The requests to the node, by method and route.
fn asked(node: &Node) -> Vec<String> {
    let log = node.log();
    let lines = log.lines().filter(|line| line.contains("answered"));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_first_visit_takes_eleven_requests_a_second_takes_four_and_none_opens_the_shell() {
    let Some(browser) = Browser::start().await else { return };
    let mut node = Node::with(&[("log.level", "info,adda::http=debug,adda::ws=debug")]).await;
    let before = asked(&node).len();
    let page = browser.open(node.port).await;
    // It becomes active once it has cached all files.
    page.until("navigator.serviceWorker.controller !== null").await;
    let first = asked(&node).split_off(before);
    assert!(first.len() <= 11, "{first:#?}");
    page.visit("/").await;
    page.until("document.getElementById('load-failure') === null").await;
    let second = asked(&node).split_off(before + first.len());
    assert!(second.len() <= 4, "{second:#?}");
    node.kill();
    page.visit("/").await;
    page.until("document.getElementById('load-failure') === null").await;
    page.close().await;
}

#[tokio::test]
async fn a_first_visit_loads_less_than_140_000_bytes_also_where_only_gzip_is_taken() {
    let node = Node::memory().await;
    let page = String::from_utf8(node.http().get("/").await.body.to_vec()).unwrap();
    let mut bytes = 0;
    let parts = named(&page).into_iter().map(|part| format!("/{part}"));
    // A phone asks for the picture when the page is put on its first screen.
    for part in parts.filter(|part| !part.ends_with(".png")).chain(["/".to_owned(), "/sw.js".to_owned()]) {
        bytes += show(&node, &part, "gzip", "").await.body.len();
    }
    assert!(bytes < 140_000, "{bytes}");
}

#[tokio::test]
async fn the_service_worker_keeps_what_the_page_names() {
    let node = Node::memory().await;
    let page = String::from_utf8(node.http().get("/").await.body.to_vec()).unwrap();
    let worker = node.http().get("/sw.js").await;
    assert_eq!(worker.header("cache-control"), "no-cache");
    assert!(worker.header("content-type").contains("javascript"), "{worker:?}");
    let worker = String::from_utf8(worker.body.to_vec()).unwrap();
    let kept = named(&worker);
    for part in named(&page).iter().filter(|part| !part.ends_with(".png")) {
        assert!(kept.contains(part), "{part}");
    }
    let manifest = node.http().get("/manifest.webmanifest").await;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.body).unwrap();
    for icon in manifest["icons"].as_array().unwrap() {
        assert_eq!(
            node.http().get(&format!("/{}", icon["src"].as_str().unwrap())).await.status,
            200,
            "{icon}"
        );
    }
}
