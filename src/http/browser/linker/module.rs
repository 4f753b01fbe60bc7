//! One module of the browser client: its lines, what it imports and what it exports.

use std::collections::BTreeSet;

use super::LinkError;
use crate::http::browser::comments::stripped;

/// A module without its statements of import and export.
#[derive(Debug)]
pub(super) struct Module {
    /// As many as the file has.
    pub(super) lines: Vec<String>,
    pub(super) imports: Vec<Import>,
    pub(super) exports: BTreeSet<String>,
}

/// `import { a, b as c } from './x.js';` or `import * as x from './x.js';`
#[derive(Debug)]
pub(super) struct Import {
    /// The path of the file.
    pub(super) from: String,
    /// The names that the other module must export.
    pub(super) names: Vec<String>,
    /// The same names as a declaration has them: `{ a, b: c }` or `x`.
    pub(super) pattern: String,
    /// The line of the statement in its module.
    pub(super) line: usize,
}

impl Module {
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, LinkError> {
        let mut module = Self { lines: Vec::new(), imports: Vec::new(), exports: BTreeSet::new() };
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let number = module.lines.len() + 1;
            let read = match is_word_first(line, "import") {
                true => module.read_import(path, line, &mut lines),
                false => module.read_line(line),
            };
            if read.is_none() {
                let reason = format!("`{}` is a form that can't be linked", line.trim());
                return Err(LinkError::new(path, number, reason));
            }
        }
        let assigned =
            module.lines.iter().position(|line| module.exports.iter().any(|name| assigns(line, name)));
        match assigned {
            Some(place) => {
                let reason = format!("`{}` changes an export", module.lines[place].trim());
                Err(LinkError::new(path, place + 1, reason))
            }
            None => Ok(Self { lines: stripped(module.lines), ..module }),
        }
    }

    /// A statement of import may stand on several lines; empty ones take their place.
    fn read_import<'a>(
        &mut self,
        path: &str,
        first: &'a str,
        others: &mut impl Iterator<Item = &'a str>,
    ) -> Option<()> {
        let line = self.lines.len() + 1;
        let mut statement = first.to_owned();
        self.lines.push(String::new());
        while !statement.contains(';') {
            statement = format!("{statement} {}", others.next()?.trim());
            self.lines.push(String::new());
        }
        let (names, from) = statement.strip_prefix("import ")?.strip_suffix("';")?.split_once(" from '")?;
        let from = resolved(path, from)?;
        let (names, pattern) = match names.strip_prefix("* as ") {
            Some(name) => (Vec::new(), identifier(name)?.to_owned()),
            None => named(names)?,
        };
        self.imports.push(Import { from, names, pattern, line });
        Some(())
    }

    fn read_line(&mut self, line: &str) -> Option<()> {
        let mut kept = line;
        if line.starts_with("export ") {
            let (name, declaration) = exported(line)?;
            self.exports.insert(name.to_owned());
            kept = declaration;
        }
        self.lines.push(kept.to_owned());
        is_plain(kept).then_some(())
    }
}

/// `{ a, b as c }`: the names `a` and `b`, and the pattern `{ a, b: c }`.
fn named(names: &str) -> Option<(Vec<String>, String)> {
    let names = names.strip_prefix('{')?.strip_suffix('}')?.split(',').map(str::trim);
    let mut imported = Vec::new();
    let mut pattern = Vec::new();
    for name in names.filter(|name| !name.is_empty()) {
        let (theirs, ours) = name.split_once(" as ").unwrap_or((name, name));
        imported.push(identifier(theirs)?.to_owned());
        let ours = identifier(ours)?;
        pattern.push(if theirs == ours { ours.to_owned() } else { format!("{theirs}: {ours}") });
    }
    Some((imported, format!("{{ {} }}", pattern.join(", "))))
}

/// The name that a line exports, and the declaration of it.
fn exported(line: &str) -> Option<(&str, &str)> {
    let declaration = line.strip_prefix("export ")?;
    let kinds = [("async function ", '('), ("function ", '('), ("class ", ' '), ("const ", ' ')];
    let (rest, end) = kinds.iter().find_map(|(kind, end)| Some((declaration.strip_prefix(kind)?, *end)))?;
    let name = identifier(rest.split(end).next()?)?;
    Some((name, declaration))
}

/// Whether a line means in a function what it means in a module.
fn is_plain(line: &str) -> bool {
    let imports_late = line.match_indices("import").any(|(at, word)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(is_of_identifier) && line[at + word.len()..].trim_start().starts_with('(')
    });
    let awaits = is_word_first(line, "await") || (line.starts_with("const ") && line.contains("= await "));
    let is_statement = ["import", "export"].iter().any(|word| is_word_first(line.trim_start(), word));
    !imports_late && !awaits && !is_statement
}

/// Whether a line begins with a word; `import.meta` does not begin with `import`.
fn is_word_first(line: &str, word: &str) -> bool {
    let rest = line.strip_prefix(word).map(|rest| rest.chars().next());
    rest.is_some_and(|next| !next.is_some_and(|next| is_of_identifier(next) || next == '.'))
}

/// Whether a line begins with an assignment to a name. Importers have a copy, which would not follow.
fn assigns(line: &str, name: &str) -> bool {
    let rest = line.trim_start().strip_prefix(name).unwrap_or_default().trim_start();
    rest.starts_with('=') && !rest.starts_with("==") && !rest.starts_with("=>")
}

fn identifier(word: &str) -> Option<&str> {
    let is_identifier = !word.is_empty() && word.chars().all(is_of_identifier);
    is_identifier.then_some(word)
}

fn is_of_identifier(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

/// The path of the file that a module names: `../x.js` of `js/a/b.js` is `js/x.js`.
fn resolved(path: &str, from: &str) -> Option<String> {
    if !from.starts_with("./") && !from.starts_with("../") {
        return None;
    }
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    for part in from.split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()?),
            part => folders.push(part),
        }
    }
    Some(folders.join("/"))
}
