//! Source files as the checks read them.

use std::path::{Path, PathBuf};

/// A source file: its path from the root of the checkout, and its text.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn sources(folder: &str, extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.retain(|path| path.extension().is_some_and(|is| extensions.iter().any(|wanted| is == *wanted)));
    found.sort();
    let relative = |path: &Path| path.strip_prefix(root()).expect("below the root").display().to_string();
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("a source is text");
    found.iter().map(|path| Source { path: relative(path), text: read(path) }).collect()
}

pub(super) fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The module of `src/` that it belongs to; `None` for cli/ and lib.rs, which know all.
    pub(super) fn module(&self) -> Option<&str> {
        let name = self.path.strip_prefix("src/")?.split('/').next()?.trim_end_matches(".rs");
        (!["cli", "lib"].contains(&name)).then_some(name)
    }

    /// Whether all of it is tests.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The code before the tests, without comment lines.
    pub(super) fn code(&self) -> String {
        let is_tests = |place: &usize| {
            let module = &self.text[*place..];
            module.lines().nth(1).is_some_and(|line| line.starts_with("mod ") && line.contains('{'))
        };
        let tests = self.text.match_indices("#[cfg(test)]\n").map(|(place, _)| place).find(is_tests);
        let code = &self.text[..tests.unwrap_or(self.text.len())];
        let comments: &[&str] = if self.path.ends_with(".js") { &["//", "/*", "*"] } else { &["//"] };
        let is_code = |line: &&str| !comments.iter().any(|start| line.trim_start().starts_with(start));
        code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
    }

    /// Its path among the modules: `["backend", "redis", "keys"]`.
    pub(super) fn module_path(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut names: Vec<String> = path.split('/').map(str::to_owned).collect();
        if names.last().is_some_and(|name| name == "mod" || name == "lib") {
            names.pop();
        }
        names
    }

    /// Every path that it names from the root of the crate: `crate::x::y`, `self::y` and `super::super::y`, and each
    /// of `crate::{x, y::z}`.
    pub(super) fn named_paths(&self) -> Vec<Vec<String>> {
        let code = self.code();
        let mut found = Vec::new();
        for start in ["crate::", "self::", "super::"] {
            for (place, _) in code.match_indices(start) {
                let before = code[..place].chars().next_back();
                let is_whole = !before.is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c));
                if is_whole {
                    found.extend(expand(&code[place..]).iter().filter_map(|path| self.resolve(path)));
                }
            }
        }
        found
    }

    fn resolve(&self, path: &[String]) -> Option<Vec<String>> {
        let mut resolved = self.module_path();
        for name in path {
            match name.as_str() {
                "crate" => resolved.clear(),
                "self" => {}
                "super" => drop(resolved.pop()?),
                name => resolved.push(name.to_owned()),
            }
        }
        Some(resolved)
    }
}

/// The paths that a text begins with: `a::{b, c::d}` are two.
fn expand(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return members(group).into_iter().flat_map(expand).collect();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Vec::new();
    }
    let mut tails = rest.strip_prefix("::").map(expand).unwrap_or_default();
    if tails.is_empty() {
        tails.push(Vec::new());
    }
    tails.iter().map(|tail| [&[name.to_owned()], tail.as_slice()].concat()).collect()
}

/// The members of a group between its commas; the first brace is cut off.
fn members(group: &str) -> Vec<&str> {
    let mut depth = 1;
    let mut start = 0;
    let mut members = Vec::new();
    for (place, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                members.push(&group[start..place]);
                start = place + 1;
            }
            _ => {}
        }
        if depth == 0 {
            members.push(&group[start..place]);
            break;
        }
    }
    members
}
