//! Plain words: comments, documents and names of tests use the field's terms. No word of the list, and no sentence
//! whose subject is a clause with *who* or *what*. Code in backticks is exempt.

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
const WORDS: [&str; 43] = [
    "aloud", "amid", "bear", "bearing", "bears", "bore", "buried", "buries", "bury", "clerk", "clerks", "desk",
    "doubt", "doubts", "door", "doors", "farewell", "farewells", "goodbye", "goodbyes", "hear", "heard", "hearing",
    "hears", "housework", "linger", "lingered", "lingering", "lingers", "lookout", "seat", "seats", "stray", "strays",
    "thereby", "till", "unheard", "whoever", "whom", "whomever", "whosoever", "burial", "deaf",
];

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
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        is_code ^= path.ends_with(".md") && line.starts_with("```");
        let starting = marks.iter().find_map(|mark| line.strip_prefix(mark));
        let comment = starting.or_else(|| Some(line.split_once(&format!(" {}", marks[0]))?.1));
        let name = line.trim_start_matches("async ").strip_prefix("fn ").or(line.strip_prefix("test('"));
        let name = name.filter(|_| path.starts_with("tests/")).map(capitalized);
        let sentence = comment.map(|comment| comment.split('`').step_by(2).collect::<Vec<_>>().join("code"));
        found.extend(sentence.or(name).filter(|_| !is_code).map(|sentence| (number, sentence)));
    }
    found
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
        ("tests/js/x.test.js", "test('what is left stays', () => {", "tests/js/x.test.js:1: What"),
    ] {
        assert_eq!(violations(path, text), [expected]);
    }
    for (path, text) in [
        ("src/x.rs", "/// Runs until `till`. What remains?\nlet hear = \"heard\";"),
        ("src/x.rs", "/// What is a question on\n/// two lines?"),
        ("docs/x.md", "```\nhear\n```\nIt tells what it does."),
    ] {
        assert_eq!(violations(path, text), [""; 0], "{text}");
    }
}
