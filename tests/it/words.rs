//! Plain words: comments, documents, names of tests and names of items use the field's terms. No word of the list, and
//! no sentence whose subject is a clause with *who* or *what*. Code in backticks is exempt.

use std::path::{Path, PathBuf};

/// The checked folders and files.
const CHECKED: [&str; 20] = [
    ".config",
    ".github",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "README.md",
    "SECURITY.md",
    "benches",
    "clients",
    "config",
    "docker-compose.yml",
    "docs",
    "examples",
    "fuzz",
    "justfile",
    "public",
    "scripts",
    "src",
    "tests",
];

/// Parts of them that are exempt.
const EXEMPT: [&str; 2] = ["tests/it/words.rs", "/target/"];

const SUBJECTS: [&str; 6] = ["Who", "Whom", "Whose", "Whoever", "What", "Whatever"];

#[rustfmt::skip]
const WORDS: [&str; 45] = [
    "aloud", "amid", "bear", "bearing", "bears", "bore", "buried", "buries", "bury", "clerk", "clerks", "desk",
    "doubt", "doubts", "door", "doors", "farewell", "farewells", "goodbye", "goodbyes", "hear", "heard", "hearing",
    "hears", "housework", "linger", "lingered", "lingering", "lingers", "lookout", "seat", "seats", "stray", "strays",
    "thereby", "till", "unheard", "whoever", "whom", "whomever", "whosoever", "burial", "deaf",
    "impatience", "patience",
];

/// Words that prose may use, and names of items may not.
const NAMES: [&str; 6] = ["bearable", "doubtful", "obey", "obeyed", "seated", "seating"];

/// The attributes of a test.
const TESTS: [&str; 2] = ["#[test]", "#[tokio::test"];

/// The keywords before the name of an item.
const ITEMS: [&str; 8] = ["const", "enum", "fn", "mod", "static", "struct", "trait", "type"];

const ENDS: [char; 5] = ['.', '!', '?', ':', ';'];

/// The sentences of a file by line: its comments or Markdown, and the names of its tests.
fn prose(path: &str, text: &str) -> Vec<(usize, String)> {
    let marks = match path.rsplit('.').next() {
        Some("md") => ["", "", ""],
        Some("rs" | "js" | "css" | "c") => ["//", "/*", "* "],
        Some("lua") => ["--", "--", "--"],
        _ => ["#", "#", "\"\"\""],
    };
    let mut found = Vec::new();
    let mut is_code = false;
    let mut is_test = path.starts_with("tests/");
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        is_code ^= path.ends_with(".md") && line.starts_with("```");
        let starting = marks.iter().find_map(|mark| line.strip_prefix(mark));
        let comment = starting.or_else(|| Some(line.split_once(&format!(" {}", marks[0]))?.1));
        let name = line.trim_start_matches("async ").strip_prefix("fn ").or(line.strip_prefix("test('"));
        let name = name.filter(|_| is_test).map(capitalized);
        let is_attribute = line.starts_with("#[");
        is_test = path.starts_with("tests/")
            || is_attribute && (is_test || TESTS.iter().any(|test| line.starts_with(test)));
        let sentence = comment.map(|comment| comment.split('`').step_by(2).collect::<Vec<_>>().join("code"));
        found.extend(sentence.or(name).filter(|_| !is_code).map(|sentence| (number, sentence)));
    }
    found
}

/// The names of the items of a source file by line, each in words: `HeardAt` and `HEARD_AT` are two.
fn names(path: &str, text: &str) -> Vec<(usize, String)> {
    let is_source = path.starts_with("src/") && path.ends_with(".rs");
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|_| is_source);
    lines.filter_map(|(number, line)| Some((number, in_words(item(line)?)))).collect()
}

/// The name of the item that a line begins.
fn item(line: &str) -> Option<&str> {
    let tokens = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|token| !token.is_empty());
    let tokens: Vec<&str> = tokens.collect();
    let is_item = |token: &str| ITEMS.contains(&token);
    let begins_item = tokens.first().is_some_and(|first| is_item(first) || ["pub", "async"].contains(first));
    let named = |pair: &&[&str]| is_item(pair[0]) && !is_item(pair[1]);
    tokens.windows(2).find(named).filter(|_| begins_item && !line.starts_with('/')).map(|pair| pair[1])
}

/// A name of any case in small words.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    let mut was_small = false;
    for c in name.chars() {
        if was_small && c.is_uppercase() {
            words.push(' ');
        }
        was_small = c.is_lowercase();
        words.extend(c.to_lowercase());
    }
    words.replace('_', " ")
}

/// A name as a sentence.
fn capitalized(name: &str) -> String {
    let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    first.to_uppercase() + &rest.replace('_', " ")
}

/// Each word of the list and each such subject, with file and line. A question may begin with *who* or *what*.
fn violations(path: &str, text: &str) -> Vec<String> {
    let prose = prose(path, text);
    let mut found = Vec::new();
    for (index, (number, line)) in prose.iter().enumerate() {
        let words =
            |text: &str| text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
        let listed = words(line).into_iter().filter(|word| WORDS.contains(&word.to_lowercase().as_str()));
        let next = prose.get(index + 1).and_then(|(_, next)| next.split_inclusive(ENDS).next());
        let is_question = |part: &str| {
            part.ends_with('?') || !part.ends_with(ENDS) && next.is_some_and(|next| next.ends_with('?'))
        };
        let statements = line.split_inclusive(ENDS).filter(|part| !is_question(part));
        let first_words = statements.filter_map(|part| words(part).into_iter().find(|word| !word.is_empty()));
        let subjects = first_words.filter(|word| SUBJECTS.contains(&word.as_str()));
        found.extend(listed.chain(subjects).map(|word| format!("{path}:{number}: {word}")));
    }
    for (number, name) in names(path, text) {
        let listed = name.split(' ').filter(|word| WORDS.contains(word) || NAMES.contains(word));
        found.extend(listed.map(|word| format!("{path}:{number}: {word} in a name")));
    }
    found
}

fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(path) else { return vec![path.to_owned()] };
    entries.flat_map(|entry| files(&entry.expect("a readable folder").path())).collect()
}

#[test]
fn prose_uses_the_terms_of_the_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for file in CHECKED.iter().flat_map(|path| files(&root.join(path))) {
        let path = file.strip_prefix(root).expect("below the root").display().to_string();
        let is_source = !EXEMPT.iter().any(|exempt| path.contains(exempt)) && !path.ends_with(".lock");
        // Binary files are no prose.
        if let Some(text) = is_source.then(|| std::fs::read_to_string(&file).ok()).flatten() {
            found.extend(violations(&path, &text));
        }
    }
    assert!(found.is_empty(), "say it in the field's terms:\n{}", found.join("\n"));
}

#[test]
fn a_private_word_and_a_clause_as_subject_are_found() {
    for (path, text, expected) in [
        ("src/x.rs", "a();\n/// Waits till the end.", "src/x.rs:2: till"),
        ("src/x.rs", "a(); // Done. Who waits is told.", "src/x.rs:1: Who"),
        ("src/x.lua", "-- What is left stays.", "src/x.lua:1: What"),
        ("config/x.toml", "# A farewell", "config/x.toml:1: farewell"),
        ("docs/x.md", "Sent to whom\nit concerns", "docs/x.md:1: whom"),
        ("tests/it/x.rs", "async fn who_left_is_gone() {", "tests/it/x.rs:1: Who"),
        ("src/x.rs", "#[tokio::test]\nasync fn what_is_left_stays() {", "src/x.rs:2: What"),
        ("src/x.rs", "pub(in crate::chat) const HEARD_AT: u8 = 0;", "src/x.rs:1: heard in a name"),
        ("src/x.rs", "pub struct InDoubt;", "src/x.rs:1: doubt in a name"),
        ("src/x.rs", "pub const fn obey() {}", "src/x.rs:1: obey in a name"),
        ("tests/js/x.test.js", "test('what is left stays', () => {", "tests/js/x.test.js:1: What"),
    ] {
        assert_eq!(violations(path, text), [expected]);
    }
    for (path, text) in [
        ("src/x.rs", "/// Runs until `till`. What remains?\nlet hear = \"heard\";"),
        ("src/x.rs", "/// What is a question on\n/// two lines?"),
        ("src/x.rs", "fn what_is_left() {}\nstruct Bearer;"),
        ("docs/x.md", "```\nhear\n```\nIt tells what it does."),
    ] {
        assert_eq!(violations(path, text), [""; 0], "{text}");
    }
}
