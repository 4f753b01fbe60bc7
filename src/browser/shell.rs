//! The page and its service worker, as they name the files of their build: the styles as one file, and all
//! modules at once, where a browser would find them one behind the other.

use super::{paths, text};

/// All styles in one, below the build's address.
pub(super) const STYLE: &str = "style.css";

/// Where the modules are named, in index.html.
const MODULES: &str = "<!-- modules -->";
/// Where the service worker names its files.
const SHELL: &str = "{ build: '', files: [] }";
/// The module that a browser starts with, and the script that runs before it.
const MAIN: &str = "js/main.js";
const ALONE: &str = "js/load_failure.js";

/// The page.
pub(super) fn index(build: &str) -> String {
    let lines = text("index.html");
    let lines = lines.lines().map(|line| match line.trim_start() {
        MODULES => preloads(build),
        line if line.starts_with("<link rel=\"stylesheet\"") => String::new(),
        _ => line.to_owned(),
    });
    let page: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    page.join("\n")
        .replace("src=\"js/", &format!("src=\"v/{build}/js/"))
        .replace("href=\"icon", &format!("href=\"v/{build}/icon"))
        .replace("href=\"manifest", &format!("href=\"v/{build}/manifest"))
        + "\n"
}

fn preloads(build: &str) -> String {
    let style = format!("  <link rel=\"stylesheet\" href=\"v/{build}/{STYLE}\">");
    let modules = modules().map(|path| format!("  <link rel=\"modulepreload\" href=\"v/{build}/{path}\">"));
    std::iter::once(style).chain(modules).collect::<Vec<_>>().join("\n")
}

/// The styles in the order in which the page names them, which decides between them.
pub(super) fn style() -> String {
    let page = text("index.html");
    let links = page.lines().filter(|line| line.trim_start().starts_with("<link rel=\"stylesheet\""));
    let paths = links.filter_map(|line| line.split("href=\"").nth(1)?.split('"').next());
    paths.map(text).collect::<Vec<_>>().join("\n")
}

/// The service worker.
pub(super) fn worker(build: &str) -> String {
    let parts = [STYLE, ALONE, "icon.svg", "manifest.webmanifest"].map(str::to_owned);
    let parts = parts.into_iter().chain(modules());
    let files: Vec<String> = parts.map(|path| format!("v/{build}/{path}")).collect();
    let shell = serde_json::json!({ "build": build, "files": files });
    text("sw.js").replace(SHELL, &shell.to_string())
}

fn modules() -> impl Iterator<Item = String> {
    let main = std::iter::once(MAIN.to_owned());
    let others = paths().into_iter().filter(|path| {
        path.starts_with("js/") && path.ends_with(".js") && ![MAIN, ALONE].contains(&path.as_str())
    });
    main.chain(others)
}
