//! Documents name files and folders; each must exist. A path may be short: the end of a file's path, or a part of a
//! folder's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 7] = [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "benches/README.md",
    "clients/js/README.md",
    "docs",
];

/// The folders and files that are searched, and that a path in a document may begin with.
const FOLDERS: [&str; 12] = [
    ".config", ".github", "benches", "clients", "config", "docs", "examples", "fuzz", "public", "scripts",
    "src", "tests",
];

const EXTENSIONS: [&str; 5] = ["css", "js", "lua", "md", "rs"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files and folders below a path, the folders with a slash at the end.
fn collect(path: &Path, found: &mut BTreeSet<String>) {
    let name = path.strip_prefix(root()).expect("below the root").display().to_string();
    let Ok(entries) = std::fs::read_dir(path) else {
        found.insert(format!("/{name}"));
        return;
    };
    found.insert(format!("/{name}/"));
    for entry in entries {
        let path: PathBuf = entry.expect("a readable folder").path();
        // Built by cargo.
        if !path.join("CACHEDIR.TAG").exists() {
            collect(&path, found);
        }
    }
}

fn tree() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(root()).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let is_searched = FOLDERS.iter().any(|folder| path.ends_with(folder));
        if path.is_file() || is_searched {
            collect(&path, &mut found);
        }
    }
    found
}

/// Words in backticks and targets of links that look like paths of the repository.
fn paths(text: &str) -> Vec<String> {
    let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let candidates = text.split(['`', '\n']).chain(links).map(|path| path.trim_start_matches("../"));
    let is_path = |path: &&str| {
        let has_extension =
            path.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && EXTENSIONS.contains(&end));
        let is_below = path.split_once('/').is_some_and(|(first, _)| FOLDERS.contains(&first));
        let characters = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        path.chars().all(characters)
            && !path.starts_with('/')
            && (has_extension || is_below || path.ends_with('/'))
    };
    candidates.filter(is_path).map(str::to_owned).collect()
}

fn missing(tree: &BTreeSet<String>, document: &str, text: &str) -> Vec<String> {
    let exists = |path: &str| {
        let (file, folder) = (format!("/{path}"), format!("/{}/", path.trim_end_matches('/')));
        tree.iter().any(|known| known.ends_with(&folder) || !path.ends_with('/') && known.ends_with(&file))
    };
    let paths = paths(text).into_iter().filter(|path| !exists(path));
    paths.map(|path| format!("{document}: {path}")).collect()
}

#[test]
fn every_path_in_the_documents_exists() {
    let tree = tree();
    let mut documents = BTreeSet::new();
    DOCUMENTS.iter().for_each(|document| collect(&root().join(document), &mut documents));
    let mut found = Vec::new();
    for document in documents.iter().filter(|document| document.ends_with(".md")) {
        let document = document.trim_start_matches('/');
        let text = std::fs::read_to_string(root().join(document)).expect("a document");
        found.extend(missing(&tree, document, &text));
    }
    assert!(found.is_empty(), "no such file or folder:\n{}", found.join("\n"));
}

#[test]
fn a_path_that_does_not_exist_is_found() {
    let tree = BTreeSet::from(["/src/chat/", "/src/chat/rooms.rs", "/docs/redis.md"].map(str::to_owned));
    for text in
        ["`src/chat/`", "`chat/rooms.rs`", "`rooms.rs` and `src/chat`", "[it](docs/redis.md#keys)", "`/api/`"]
    {
        assert_eq!(missing(&tree, "x.md", text), [""; 0], "{text}");
    }
    for (text, path) in [
        ("`src/chats/`", "src/chats/"),
        ("in `chat/room.rs`.", "chat/room.rs"),
        ("`ooms.rs`", "ooms.rs"),
        ("`src/chat/rooms`", "src/chat/rooms"),
        ("[it](redis.markdown.md)", "redis.markdown.md"),
    ] {
        assert_eq!(missing(&tree, "x.md", text), [format!("x.md: {path}")]);
    }
}
