//! The pages and the service worker, as they name the files of their build: the styles of a page as one file and its
//! modules as one script, where a browser would find a hundred, one behind the other.

use tracing::error;

use super::comments::{stripped, without_comments};
use super::linker::{self, Linked};
use super::text;

/// A page, and its files below the build's address: all styles in one, and all modules.
struct Page {
    html: &'static str,
    /// From the page's address to that of the client, where all files are.
    up: &'static str,
    /// The module that a browser starts with.
    main: &'static str,
    style: &'static str,
    script: &'static str,
    script_map: &'static str,
}

const CLIENT: Page = Page {
    html: "index.html",
    up: "",
    main: "js/main.js",
    style: "style.css",
    script: "client.js",
    script_map: "client.js.map",
};

const DASHBOARD: Page = Page {
    html: "dashboard.html",
    up: "",
    main: "js/dashboard/main.js",
    style: "dashboard.css",
    script: "dashboard.js",
    script_map: "dashboard.js.map",
};

const API_DOCS: Page = Page {
    html: "api_docs.html",
    up: "../",
    main: "js/api_docs/main.js",
    style: "api_docs.css",
    script: "api_docs.js",
    script_map: "api_docs.js.map",
};

/// All of them.
const PAGES: [Page; 3] = [CLIENT, DASHBOARD, API_DOCS];

/// Where the style is named, in a page.
const STYLE_PLACE: &str = "<!-- style -->";
/// Where the service worker names its files.
const SHELL: &str = "{ build: '', files: [] }";
/// The script that runs before all modules.
const ALONE: &str = "js/load_failure.js";

/// All files that differ from those in `public/`, by their paths.
pub(super) fn write(build: &str) -> Vec<(&'static str, String)> {
    let pages = PAGES.into_iter().flat_map(|page| page.write(build));
    pages.chain([("sw.js", worker(build))]).collect()
}

impl Page {
    fn write(&self, build: &str) -> [(&'static str, String); 4] {
        let Linked { script, map } = self.link();
        [
            (self.html, self.markup(build)),
            (self.style, self.styles()),
            (self.script, script),
            (self.script_map, map),
        ]
    }

    fn markup(&self, build: &str) -> String {
        let files = format!("{}v/{build}", self.up);
        let style = format!("  <link rel=\"stylesheet\" href=\"{files}/{}\">", self.style);
        let text = self.text();
        let lines = text.lines().map(|line| match line.trim_start() {
            STYLE_PLACE => style.as_str(),
            line if line.starts_with("<link rel=\"stylesheet\"") => "",
            _ => line,
        });
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        without_comments(&lines.join("\n"))
            .trim_start()
            .replace(&format!("src=\"{}\"", self.main), &format!("src=\"{files}/{}\"", self.script))
            .replace("src=\"js/", &format!("src=\"{files}/js/"))
            .replace("href=\"icon", &format!("href=\"{files}/icon"))
            .replace("href=\"manifest", &format!("href=\"{files}/manifest"))
            + "\n"
    }

    /// The styles in the order in which the page names them, which decides between them.
    fn styles(&self) -> String {
        let page = self.text();
        let links = page.lines().filter(|line| line.trim_start().starts_with("<link rel=\"stylesheet\""));
        let paths = links.filter_map(|line| line.split("href=\"").nth(1)?.split('"').next());
        let styles = paths.filter_map(text).collect::<Vec<_>>().join("\n");
        let lines = stripped(styles.lines().map(str::to_owned).collect());
        lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The modules in one script. If they can't be linked, the script is an error that says why, and the page tells
    /// that it did not load.
    fn link(&self) -> Linked {
        linker::link(self.main, self.script_map, text).unwrap_or_else(|error| {
            error!(%error, page = self.html, "could not link the modules of a page");
            let reason = serde_json::json!(error.to_string());
            Linked { script: format!("throw new SyntaxError({reason});\n"), map: "{}".to_owned() }
        })
    }

    fn text(&self) -> String {
        text(self.html).unwrap_or_default()
    }
}

fn worker(build: &str) -> String {
    let parts = [CLIENT.style, CLIENT.script, ALONE, "icon.svg", "manifest.webmanifest"];
    let files: Vec<String> = parts.iter().map(|path| format!("v/{build}/{path}")).collect();
    let shell = serde_json::json!({ "build": build, "files": files });
    let text = text("sw.js").unwrap_or_default();
    stripped(text.lines().map(str::to_owned).collect()).join("\n").replace(SHELL, &shell.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_of_each_page_can_be_linked() {
        for page in PAGES {
            let linked = linker::link(page.main, page.script_map, text);
            assert!(linked.is_ok(), "{}", linked.expect_err("it was refused"));
        }
    }
}
