//! The rules that the sources keep, read from the sources. Each check has a twin that plants a
//! violation and sees that it is found.

use std::path::{Path, PathBuf};

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

/// What a module must not name although it stands above: the doors are equal clients of `chat`.
const STRANGERS: [(&str, &[&str]); 2] = [("ws", &["backend"]), ("http", &["backend", "ws"])];

const MAX_LINES: usize = 400;

/// A source file: its path from the root of the checkout, and its text.
struct Source {
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str, extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.retain(|path| path.extension().is_some_and(|is| extensions.iter().any(|wanted| is == *wanted)));
    found.sort();
    let relative = |path: &Path| path.strip_prefix(root()).expect("below the root").display().to_string();
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("a source is text");
    found.iter().map(|path| Source { path: relative(path), text: read(path) }).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The module of `src/` that it belongs to; `None` for cli/ and lib.rs, which know all.
    fn module(&self) -> Option<&str> {
        let name = self.path.strip_prefix("src/")?.split('/').next()?.trim_end_matches(".rs");
        (!["cli", "lib"].contains(&name)).then_some(name)
    }

    /// Whether all of it is tests.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The code before the tests, without comment lines.
    fn code(&self) -> String {
        let code = self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let comments: &[&str] = if self.path.ends_with(".js") { &["//", "/*", "*"] } else { &["//"] };
        let is_code = |line: &&str| !comments.iter().any(|start| line.trim_start().starts_with(start));
        code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
    }

    /// Every module that it names: `crate::x`, and each of `crate::{x, y::z}`.
    fn named_modules(&self) -> Vec<String> {
        let code = self.code();
        let paths = code.match_indices("crate::").map(|(place, start)| &code[place + start.len()..]);
        paths.flat_map(first_names).collect()
    }
}

/// The first names of what stands behind `crate::`.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut starts) = (1, vec![0]);
    for (place, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => starts.push(place + 1),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    starts.into_iter().map(|start| name(&group[start..])).filter(|name| !name.is_empty()).collect()
}

fn wrong_imports(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let Some(module) = source.module() else { continue };
        let Some(place) = MODULES.iter().position(|name| *name == module) else {
            wrong.push(format!("{}: {module} has no place among the modules", source.path));
            continue;
        };
        let strangers = STRANGERS.iter().filter(|(door, _)| *door == module).flat_map(|(_, names)| *names);
        let strangers: Vec<_> = strangers.copied().collect();
        for name in source.named_modules() {
            let is_above = MODULES[..=place].contains(&name.as_str());
            if !is_above || strangers.contains(&name.as_str()) {
                wrong.push(format!("{} names {name}", source.path));
            }
        }
    }
    wrong
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
fn each_module_names_only_what_stands_above_it() {
    assert_eq!(wrong_imports(&sources("src", &["rs"])), NONE);
}

#[test]
fn an_import_from_below_is_found() {
    for (path, text) in [
        ("src/backend/mod.rs", "use crate::chat::Chat;"),
        ("src/ws/session.rs", "use crate::backend::Backend;"),
        ("src/http/rooms.rs", "fn f() { crate::ws::upgrade() }"),
        ("src/model/ids.rs", "use crate::{model::Epoch, protocol::{Frame, ErrorCode}};"),
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
    ] {
        assert_eq!(wrong_imports(&[Source::new(path, text)]), NONE);
    }
}

#[test]
fn the_library_lists_its_modules_in_reading_order() {
    let library =
        &sources("src", &["rs"]).into_iter().find(|source| source.path == "src/lib.rs").unwrap().text;
    let listed = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(listed.collect::<Vec<_>>(), MODULES);
}

#[test]
fn only_the_backend_knows_that_there_is_a_redis() {
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
fn nothing_above_the_doors_knows_them() {
    let is_above =
        |source: &Source| source.module().is_some_and(|name| !["ws", "http", "server"].contains(&name));
    assert_eq!(lines_with(&sources("src", &["rs"]), &["axum", "hyper::"], is_above), NONE);
}

#[test]
fn no_file_is_longer_than_an_afternoon() {
    let mut all = sources("src", &["rs", "lua"]);
    all.extend(sources("tests", &["rs", "js"]));
    all.extend(sources("public/js", &["js"]));
    all.extend(sources("public/css", &["css"]));
    assert_eq!(too_long(&all), NONE);
    assert_eq!(too_long(&[Source::new("src/x.rs", &"line\n".repeat(401))]).len(), 1);
}

#[test]
fn nothing_unwraps_outside_tests() {
    let is_product = |source: &Source| !source.is_test();
    assert_eq!(lines_with(&sources("src", &["rs"]), &[".unwrap()"], is_product), NONE);
    let planted = [Source::new("src/x.rs", "let a = b.unwrap();\n#[cfg(test)]\nmod tests { b.unwrap() }")];
    assert_eq!(lines_with(&planted, &[".unwrap()"], is_product).len(), 1);
}

#[test]
fn missed_ticks_come_in_no_burst() {
    let is_elsewhere = |source: &Source| source.path != "src/supervisor/mod.rs";
    let made_by_itself = ["time::interval(", " interval(", "interval_at("];
    assert_eq!(lines_with(&sources("src", &["rs"]), &made_by_itself, is_elsewhere), NONE);
    let planted = [Source::new("src/x.rs", "let mut ticks = tokio::time::interval(SECOND);")];
    assert_eq!(lines_with(&planted, &made_by_itself, is_elsewhere).len(), 1);
}

#[test]
fn tasks_have_a_name_and_somebody_who_sees_to_them() {
    let is_elsewhere = |source: &Source| source.path != "src/supervisor/mod.rs";
    assert_eq!(lines_with(&sources("src", &["rs"]), &["tokio::spawn("], is_elsewhere), NONE);
    let planted = [Source::new("src/x.rs", "tokio::spawn(forgotten());")];
    assert_eq!(lines_with(&planted, &["tokio::spawn("], is_elsewhere).len(), 1);
}

#[test]
fn the_state_of_the_page_knows_neither_page_nor_socket() {
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
