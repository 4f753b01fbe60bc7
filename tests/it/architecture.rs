//! The rules of the source tree. Each check has a twin that plants a violation and sees that it is found.

mod source;

use std::path::{Path, PathBuf};

use self::source::{Source, collect, root, sources};

/// The modules in reading order: each may name only those above it.
const MODULES: [&str; 11] = [
    "model",
    "config",
    "telemetry",
    "supervisor",
    "websocket",
    "protocol",
    "backend",
    "chat",
    "ws",
    "http",
    "server",
];

/// Modules above that a module must not name: `ws` and `http` are equal clients of `chat`.
const FORBIDDEN: [(&str, &[&str]); 2] = [("ws", &["backend"]), ("http", &["backend", "ws"])];

/// The floors of `backend::redis`, lowest first.
const REDIS_FLOORS: [&str; 20] = [
    "mutations",
    "keys",
    "client",
    "topology",
    "quotas",
    "pubsub",
    "log",
    "cursors",
    "presence",
    "standing",
    "moderation",
    "preferences",
    "reports",
    "rooms",
    "cluster",
    "accounts",
    "notifications",
    "schedules",
    "files",
    "fuzzing",
];

const MAX_LINES: usize = 400;

const MAX_ENTRIES: usize = 12;

/// Folders with one entry a concern, so that a new concern is new files and no other place for old ones.
const CONCERNS: [&str; 5] =
    ["src/backend", "src/backend/memory", "src/backend/redis", "src/chat", "src/http"];

/// The files that join the others of their folder.
const HEADS: [&str; 2] = ["mod.rs", "lib.rs"];

fn wrong_imports(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let Some(module) = source.module() else { continue };
        let Some(place) = MODULES.iter().position(|name| *name == module) else {
            wrong.push(format!("{}: {module} has no place among the modules", source.path));
            continue;
        };
        let forbidden = FORBIDDEN.iter().filter(|(name, _)| *name == module).flat_map(|(_, names)| *names);
        let forbidden: Vec<_> = forbidden.copied().collect();
        let mut names: Vec<String> =
            source.named_paths().into_iter().filter_map(|path| path.into_iter().next()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let is_above = MODULES[..=place].contains(&name.as_str());
            if !is_above || forbidden.contains(&name.as_str()) {
                wrong.push(format!("{} names {name}", source.path));
            }
        }
    }
    wrong
}

/// Imports from one floor of a folder to a higher one, or to the folder's head, which joins them all. A folder in which
/// none runs up has no circle.
fn imports_that_run_up(sources: &[Source], folder: &[&str], floors: &[&str]) -> Vec<String> {
    let floor_of = |path: &[String]| {
        let is_below = path.len() >= folder.len() && folder.iter().zip(path).all(|(a, b)| a == b);
        is_below.then(|| path.get(folder.len()).map_or("", String::as_str).to_owned())
    };
    let height = |floor: &str| floors.iter().position(|name| *name == floor);
    let mut wrong = Vec::new();
    for source in sources {
        let Some(floor) = floor_of(&source.module_path()) else { continue };
        if floor.is_empty() {
            continue;
        }
        let Some(own) = height(&floor) else {
            wrong.push(format!("{}: {floor} is no floor", source.path));
            continue;
        };
        for path in source.named_paths() {
            let Some(named) = floor_of(&path) else { continue };
            if height(&named).is_none_or(|named| named > own) {
                wrong.push(format!("{} names {}", source.path, path.join("::")));
            }
        }
    }
    wrong
}

/// Folders with too many entries beside their head.
fn crowded(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder of sources");
    let entries: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    let is_head = |path: &PathBuf| HEADS.iter().any(|head| path.ends_with(head));
    // An empty folder is no part of the repository.
    let is_ours = |path: &&PathBuf| {
        let mut files = Vec::new();
        collect(path, &mut files);
        !is_head(path) && (path.is_file() || !files.is_empty())
    };
    let count = entries.iter().filter(is_ours).count();
    let has_concerns = CONCERNS.iter().any(|concerns| folder.ends_with(concerns));
    let own =
        (count > MAX_ENTRIES && !has_concerns).then(|| format!("{} has {count} entries", folder.display()));
    let below = entries.iter().filter(|path| path.is_dir()).flat_map(|path| crowded(path));
    own.into_iter().chain(below).collect()
}

/// Lines of code that hold one of `words` in files that `applies` picks.
fn lines_with(sources: &[Source], words: &[&str], applies: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| applies(source)) {
        for line in source.code().lines() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}: {}", source.path, line.trim()));
            }
        }
    }
    found
}

fn too_long(sources: &[Source]) -> Vec<String> {
    let long = sources.iter().filter(|source| source.text.lines().count() > MAX_LINES);
    long.map(|source| source.path.clone()).collect()
}

const SINKS: [&str; 12] = [
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "createContextualFragment",
    "DOMParser",
    "setHTML",
    "srcdoc",
    "eval(",
    "new Function",
    "javascript:",
    "setAttribute(\"on",
];

/// Handlers, styles and scripts in the markup itself, which the content policy forbids.
fn inline_code(html: &Source) -> Vec<String> {
    let text = &html.text;
    let is_inline = |tag: &str| {
        let handler = tag.split_whitespace().any(|word| word.starts_with("on") && word.contains('='));
        let script = tag.starts_with("script") && !tag.contains("src=");
        handler || script || tag.contains(" style=") || tag.starts_with("style")
    };
    let tags = text.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    tags.filter(|tag| is_inline(tag)).map(|tag| format!("{}: <{tag}>", html.path)).collect()
}

const NONE: [String; 0] = [];

#[test]
fn each_module_names_only_modules_above_it() {
    assert_eq!(wrong_imports(&sources("src", &["rs"])), NONE);
}

#[test]
fn an_import_from_below_is_found() {
    for (path, text) in [
        ("src/backend/mod.rs", "use crate::chat::Chat;"),
        ("src/ws/session.rs", "use crate::backend::Backend;"),
        ("src/http/rooms.rs", "fn f() { crate::ws::upgrade() }"),
        ("src/model/ids.rs", "use crate::{model::Epoch, protocol::{Frame, ErrorCode}};"),
        ("src/backend/log.rs", "use super::super::chat::Chat;"),
        ("src/backend/log.rs", "use super::{super::{model, ws}, Result};"),
        ("src/backend/mod.rs", "fn f() { self::super::http::rooms() }"),
        ("src/utils.rs", ""),
    ] {
        assert_eq!(wrong_imports(&[Source::new(path, text)]).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        ("src/cli/main.rs", "use crate::server;"),
        (
            "src/chat/mod.rs",
            "/// Called by `crate::ws`.\nuse crate::{backend::Backend, model::{Epoch, ids}};",
        ),
        ("src/ws/mod.rs", "use crate::chat::Chat;\npub(crate) fn f() {}"),
        ("src/backend/memory/log.rs", "use super::MemoryNode;\nuse self::super::super::{Result, log::Log};"),
    ] {
        assert_eq!(wrong_imports(&[Source::new(path, text)]), NONE);
    }
}

#[test]
fn no_import_runs_up_within_the_redis_backend() {
    let folder = ["backend", "redis"];
    assert_eq!(imports_that_run_up(&sources("src", &["rs"]), &folder, &REDIS_FLOORS), NONE);
    for (path, text) in [
        (
            "src/backend/redis/client/server/mod.rs",
            "use crate::backend::redis::presence::tracking::KeyTracking;",
        ),
        ("src/backend/redis/topology/mod.rs", "use super::log::Log;"),
        ("src/backend/redis/pubsub/mod.rs", "use crate::backend::{Result, redis::{keys::Keys, cluster}};"),
        ("src/backend/redis/keys.rs", "use super::reason;"),
        ("src/backend/redis/vault.rs", ""),
    ] {
        let planted = [Source::new(path, text)];
        assert_eq!(imports_that_run_up(&planted, &folder, &REDIS_FLOORS).len(), 1, "{path}: {text}");
    }
    let wiring =
        [Source::new("src/backend/redis/mod.rs", "use self::cluster::Liveness;\nuse self::keys::Keys;")];
    assert_eq!(imports_that_run_up(&wiring, &folder, &REDIS_FLOORS), NONE);
}

#[test]
fn no_folder_has_too_many_entries() {
    let found: Vec<_> =
        ["src", "public/js", "clients"].iter().flat_map(|folder| crowded(&root().join(folder))).collect();
    assert_eq!(found, NONE);
    let planted = std::env::temp_dir().join(format!("adda-crowded-{}", std::process::id()));
    std::fs::create_dir_all(planted.join("empty")).unwrap();
    for number in 0..=MAX_ENTRIES {
        assert_eq!(crowded(&planted), NONE, "{number}");
        std::fs::write(planted.join(number.to_string()), "").unwrap();
    }
    assert_eq!(crowded(&planted).len(), 1);
    std::fs::remove_dir_all(planted).unwrap();
}

#[test]
fn the_library_lists_its_modules_in_reading_order() {
    let library =
        &sources("src", &["rs"]).into_iter().find(|source| source.path == "src/lib.rs").unwrap().text;
    let listed = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(listed.collect::<Vec<_>>(), MODULES);
}

#[test]
fn only_the_backend_names_redis() {
    let rust = sources("src", &["rs"]);
    let is_outside = |source: &Source| !source.path.starts_with("src/backend/");
    assert_eq!(lines_with(&rust, &["backend::redis", "redis::", "deadpool"], is_outside), NONE);
    let is_beside = |source: &Source| source.path.starts_with("src/backend/memory");
    assert_eq!(lines_with(&rust, &["redis::", "super::redis"], is_beside), NONE);
    let planted = [Source::new("src/chat/hub.rs", "use crate::backend::redis::RedisBackend;")];
    assert_eq!(lines_with(&planted, &["backend::redis"], is_outside).len(), 1);
}

#[test]
fn the_model_does_no_input_or_output() {
    let is_model = |source: &Source| source.path.starts_with("src/model/");
    let io = ["tokio", "redis::", "axum", "hyper", "std::net", "std::fs", "async fn"];
    assert_eq!(lines_with(&sources("src", &["rs"]), &io, is_model), NONE);
    let planted = [Source::new("src/model/ids.rs", "use tokio::sync::mpsc;")];
    assert_eq!(lines_with(&planted, &io, is_model).len(), 1);
}

#[test]
fn only_ws_http_and_server_know_http_crates() {
    let is_above =
        |source: &Source| source.module().is_some_and(|name| !["ws", "http", "server"].contains(&name));
    assert_eq!(lines_with(&sources("src", &["rs"]), &["axum", "hyper::"], is_above), NONE);
}

#[test]
fn no_file_is_too_long() {
    let mut all = sources("src", &["rs", "lua"]);
    all.extend(sources("tests", &["rs", "js"]));
    all.extend(sources("public/js", &["js"]));
    all.extend(sources("public/css", &["css"]));
    all.extend(sources("clients", &["js", "ts"]));
    assert_eq!(too_long(&all), NONE);
    assert_eq!(too_long(&[Source::new("src/x.rs", &"line\n".repeat(401))]).len(), 1);
}

#[test]
fn no_code_unwraps_outside_tests() {
    let is_product = |source: &Source| !source.is_test();
    assert_eq!(lines_with(&sources("src", &["rs"]), &[".unwrap()"], is_product), NONE);
    let planted = [Source::new("src/x.rs", "let a = b.unwrap();\n#[cfg(test)]\nmod tests { b.unwrap() }")];
    assert_eq!(lines_with(&planted, &[".unwrap()"], is_product).len(), 1);
}

#[test]
fn intervals_are_made_by_the_supervisor_and_skip_missed_ticks() {
    let is_outside = |source: &Source| source.path != "src/supervisor/mod.rs";
    let constructors = ["time::interval(", " interval(", "interval_at("];
    assert_eq!(lines_with(&sources("src", &["rs"]), &constructors, is_outside), NONE);
    let planted = [Source::new("src/x.rs", "let mut ticks = tokio::time::interval(SECOND);")];
    assert_eq!(lines_with(&planted, &constructors, is_outside).len(), 1);
}

#[test]
fn tasks_are_spawned_by_the_supervisor() {
    let is_outside = |source: &Source| source.path != "src/supervisor/mod.rs";
    assert_eq!(lines_with(&sources("src", &["rs"]), &["tokio::spawn("], is_outside), NONE);
    let planted = [Source::new("src/x.rs", "tokio::spawn(forgotten());")];
    assert_eq!(lines_with(&planted, &["tokio::spawn("], is_outside).len(), 1);
}

#[test]
fn the_state_of_the_client_names_neither_document_nor_socket() {
    let outside =
        ["document", "window", "WebSocket", "fetch(", "localStorage", "sessionStorage", "setTimeout"];
    let state = sources("public/js/state", &["js"]);
    assert!(!state.is_empty());
    assert_eq!(lines_with(&state, &outside, |_| true), NONE);
    let planted = [Source::new("public/js/state/x.js", "document.title = 1")];
    assert_eq!(lines_with(&planted, &outside, |_| true).len(), 1);
}

#[test]
fn the_page_has_no_html_sink() {
    let page = sources("public", &["js", "html"]);
    assert!(!page.is_empty());
    assert_eq!(lines_with(&page, &SINKS, |_| true), NONE);
    let planted = [Source::new("public/js/x.js", "row.innerHTML = content")];
    assert_eq!(lines_with(&planted, &SINKS, |_| true).len(), 1);
}

#[test]
fn the_markup_holds_no_code() {
    let found: Vec<_> = sources("public", &["html"]).iter().flat_map(inline_code).collect();
    assert_eq!(found, NONE);
    for planted in ["<p onclick=\"x()\">", "<script>x()</script>", "<b style=\"x\">", "<style>"] {
        assert!(!inline_code(&Source::new("public/x.html", planted)).is_empty(), "{planted}");
    }
}
