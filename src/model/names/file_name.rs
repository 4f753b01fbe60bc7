//! Names of files: what a stranger's system calls a file, as a name that is safe to show and to save under.

use unicode_normalization::UnicodeNormalization;

use super::marks::Marks;
use super::{invisible, trimmed};
use crate::model::characters::{is_forbidden, is_invisible, is_mark};

/// Characters of a name.
const MAX_CHARS: usize = 100;

/// Characters of its ending, which says how to open it.
const EXTENSION_CHARS: usize = 16;

/// Characters of a name that are looked at: a name of many times the limit is not worth more.
const LOOKED_AT: usize = 1024;

/// The name of a file of which nothing can be shown.
const NAMELESS: &str = "file";

/// The name without folders, and without characters that a user can't see or a file system does not take. A name that is
/// too long loses its middle.
pub fn file_name(raw: &str) -> String {
    let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let (stem, extension) = split(last);
    let stem: String = stem.chars().take(LOOKED_AT).collect();
    let (stem, extension) = (clean(&stem), clean(extension));
    let room = MAX_CHARS - extension.chars().count() - 1;
    let short: String = stem.chars().take(room).collect();
    // A character of the middle may have no purpose at the end.
    let stem = clean(&short);
    let stem = if stem.is_empty() { NAMELESS } else { &stem };
    if extension.is_empty() { stem.to_owned() } else { format!("{stem}.{extension}") }
}

/// The name before its ending, and the ending.
fn split(name: &str) -> (&str, &str) {
    let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace() || is_invisible(c));
    match name.rsplit_once('.') {
        Some((stem, extension)) if is_extension(extension) => (stem, extension),
        _ => (name, ""),
    }
}

fn is_extension(text: &str) -> bool {
    let visible = text.chars().filter(|c| !is_invisible(*c) && !is_forbidden(*c));
    (1..=EXTENSION_CHARS).contains(&text.chars().count()) && visible.clone().count() > 0 && {
        let mut visible = visible;
        visible.all(|c| c.is_alphanumeric() || is_mark(c))
    }
}

fn clean(text: &str) -> String {
    let chars: Vec<char> = bounded_marks(text).nfc().collect();
    let kept = (0..chars.len()).filter_map(|at| match chars[at] {
        c if c.is_whitespace() => Some(' '),
        c if is_forbidden(c) || r#"<>:"|?*/\"#.contains(c) => None,
        c if is_invisible(c) && !invisible::has_purpose(&chars, at) => None,
        c => Some(c),
    });
    let kept: String = kept.collect();
    let single: Vec<&str> = kept.split(' ').filter(|word| !word.is_empty()).collect();
    let single: Vec<char> = single.join(" ").chars().collect();
    let text: String = trimmed(&single).iter().collect();
    // A name that begins with a dot is hidden, and one that ends with it is another on some systems.
    text.trim_matches(|c: char| c == '.' || c == ' ').to_owned()
}

/// The text without marks that have no letter, or are too many on it.
fn bounded_marks(text: &str) -> impl Iterator<Item = char> {
    let mut marks = Marks::new();
    text.nfd().filter(move |c| is_invisible(*c) || marks.allow(*c))
}

#[cfg(test)]
mod tests {
    use super::super::marks::NEEDLESS_MARKS;
    use super::*;

    #[test]
    fn a_name_is_safe_to_show_and_to_save_under() {
        for (raw, name, why) in [
            ("ছবি.png", "ছবি.png", "a good name"),
            ("Annual report (2).pdf", "Annual report (2).pdf", "a good name"),
            ("archive.tar.gz", "archive.tar.gz", "two endings"),
            ("../../etc/passwd", "passwd", "folders"),
            ("C:\\Windows\\a.exe", "a.exe", "folders of another system"),
            ("..", "file", "a folder"),
            ("", "file", "nothing"),
            (" \u{200b}\u{202e} ", "file", "nothing to see"),
            (".png", "file.png", "an ending alone"),
            (".bashrc", "file.bashrc", "hidden"),
            ("photo\u{202e}gnp.exe", "photognp.exe", "an override of the direction"),
            ("a\u{0}b\r\nc\u{7f}.txt", "ab c.txt", "controls"),
            ("a\u{200b}b\u{2066}.t\u{200b}xt", "ab.txt", "invisible"),
            ("a\u{2028}b.txt", "a b.txt", "a line separator"),
            ("a<b>:\"|?*.txt", "ab.txt", "not on every system"),
            ("name. . ", "name", "dots at the end"),
            ("e\u{301}.txt", "é.txt", "composed"),
            ("র\u{200d}্যাব.txt", "র\u{200d}্যাব.txt", "a joiner with a purpose"),
            ("👩\u{200d}👩\u{200d}👧.gif", "👩\u{200d}👩\u{200d}👧.gif", "an emoji"),
            ("a.thisisnoextensionofafile", "a.thisisnoextensionofafile", "a long ending is none"),
        ] {
            assert_eq!(file_name(raw), name, "{raw:?}: {why}");
            assert_eq!(file_name(name), name, "{name:?} is kept");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        for raw in [format!("{}.jpeg", "ক".repeat(300)), format!("{}.jpeg", "👩\u{200d}👧".repeat(5000))]
        {
            let name = file_name(&raw);
            assert!(name.chars().count() <= MAX_CHARS && name.ends_with(".jpeg"), "{name}");
            assert_eq!(file_name(&name), name);
        }
        let zalgo = file_name(&format!("a{}.txt", "\u{301}".repeat(500)));
        assert!(zalgo.chars().count() <= 1 + NEEDLESS_MARKS + 4, "{zalgo:?}");
    }
}
