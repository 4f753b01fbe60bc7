//! The page and its service worker, as they name the files of their build: the styles as one file and the modules
//! as one script, where a browser would find a hundred, one behind the other.

use tracing::error;

use super::linker::{self, Linked};
use super::text;

/// All styles in one, and all modules, below the build's address.
const STYLE: &str = "style.css";
pub(super) const SCRIPT: &str = "client.js";
const SCRIPT_MAP: &str = "client.js.map";

/// Where the style is named, in index.html.
const STYLE_PLACE: &str = "<!-- style -->";
/// Where the service worker names its files.
const SHELL: &str = "{ build: '', files: [] }";
/// The module that a browser starts with, and the script that runs before it.
const MAIN: &str = "js/main.js";
const ALONE: &str = "js/load_failure.js";

/// All files that differ from those in `public/`, by their paths.
pub(super) fn write(build: &str) -> Vec<(&'static str, String)> {
    let Linked { script, map } = script();
    vec![
        ("index.html", index(build)),
        ("sw.js", worker(build)),
        (STYLE, style()),
        (SCRIPT, script),
        (SCRIPT_MAP, map),
    ]
}

fn index(build: &str) -> String {
    let style = format!("  <link rel=\"stylesheet\" href=\"v/{build}/{STYLE}\">");
    let lines = page();
    let lines = lines.lines().map(|line| match line.trim_start() {
        STYLE_PLACE => style.as_str(),
        line if line.starts_with("<link rel=\"stylesheet\"") => "",
        _ => line,
    });
    let page: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    page.join("\n")
        .replace(&format!("src=\"{MAIN}\""), &format!("src=\"v/{build}/{SCRIPT}\""))
        .replace("src=\"js/", &format!("src=\"v/{build}/js/"))
        .replace("href=\"icon", &format!("href=\"v/{build}/icon"))
        .replace("href=\"manifest", &format!("href=\"v/{build}/manifest"))
        + "\n"
}

/// The styles in the order in which the page names them, which decides between them.
fn style() -> String {
    let page = page();
    let links = page.lines().filter(|line| line.trim_start().starts_with("<link rel=\"stylesheet\""));
    let paths = links.filter_map(|line| line.split("href=\"").nth(1)?.split('"').next());
    paths.filter_map(text).collect::<Vec<_>>().join("\n")
}

/// The modules in one script. If they can't be linked, the script is an error that says why, and the page tells that
/// it did not load.
fn script() -> Linked {
    linker::link(MAIN, SCRIPT_MAP, text).unwrap_or_else(|error| {
        error!(%error, "could not link the browser client");
        let reason = serde_json::json!(error.to_string());
        Linked { script: format!("throw new SyntaxError({reason});\n"), map: "{}".to_owned() }
    })
}

fn worker(build: &str) -> String {
    let parts = [STYLE, SCRIPT, ALONE, "icon.svg", "manifest.webmanifest"];
    let files: Vec<String> = parts.iter().map(|path| format!("v/{build}/{path}")).collect();
    let shell = serde_json::json!({ "build": build, "files": files });
    text("sw.js").unwrap_or_default().replace(SHELL, &shell.to_string())
}

fn page() -> String {
    text("index.html").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_of_the_client_can_be_linked() {
        let linked = linker::link(MAIN, SCRIPT_MAP, text);
        assert!(linked.is_ok(), "{}", linked.expect_err("it was refused"));
    }
}
