//! Links the modules of the browser client into one script, so that a first visit asks for one file and not for a
//! hundred.
//!
//! Each module becomes a function that returns what the module exports; the functions stand in the order in which
//! a browser runs modules. The linker reads the statements that import and export, and copies every other line. Those statements
//! have few forms in the client, and any other form is refused by name.

mod module;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::module::{Import, Module};

/// The modules as one script, and its source map: which line came from which file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Linked {
    pub(super) script: String,
    pub(super) map: String,
}

/// Why modules can't be linked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}: {reason}")]
pub(super) struct LinkError {
    path: String,
    line: usize,
    reason: String,
}

impl LinkError {
    fn new(path: &str, line: usize, reason: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, reason: reason.into() }
    }
}

/// Links a module and all that it imports. `read` gives the text of the file at a path; the script names its source
/// map by the address `map`, and the map names the files by their paths.
pub(super) fn link(
    main: &str,
    map: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Linked, LinkError> {
    let (exports, numbers) = (BTreeMap::new(), BTreeMap::new());
    let mut linker = Linker { read, exports, numbers, script: Vec::new(), sections: Vec::new() };
    let Some(text) = (linker.read)(main) else {
        return Err(LinkError::new(main, 1, "there is no such file"));
    };
    linker.add(main, &text)?;
    linker.script.extend([format!("//# sourceMappingURL={map}"), String::new()]);
    let map = json!({ "version": 3, "sections": linker.sections }).to_string();
    Ok(Linked { script: linker.script.join("\n"), map })
}

struct Linker<R> {
    read: R,
    /// Of each module that was begun, by its path; `None` while what it imports is still added.
    exports: BTreeMap<String, Option<BTreeSet<String>>>,
    /// Of each module that was written, by its path: its place in the script.
    numbers: BTreeMap<String, usize>,
    /// The lines of the script.
    script: Vec<String>,
    /// The sections of the source map, one a module.
    sections: Vec<Value>,
}

impl<R: Fn(&str) -> Option<String>> Linker<R> {
    /// Adds a module behind those that it imports.
    fn add(&mut self, path: &str, text: &str) -> Result<(), LinkError> {
        let module = Module::parse(path, text)?;
        self.exports.insert(path.to_owned(), None);
        for import in &module.imports {
            self.add_imported(path, import)?;
        }
        self.write(path, &module);
        self.exports.insert(path.to_owned(), Some(module.exports));
        Ok(())
    }

    fn add_imported(&mut self, path: &str, import: &Import) -> Result<(), LinkError> {
        let refused = |reason| Err(LinkError::new(path, import.line, reason));
        let from = &import.from;
        match self.exports.get(from) {
            Some(Some(_)) => {}
            Some(None) => return refused(format!("{from} needs this module first")),
            None => match (self.read)(from) {
                Some(text) => self.add(from, &text)?,
                None => return refused(format!("there is no {from}")),
            },
        }
        let exported = self.exports[from].as_ref().expect("it was added");
        match import.names.iter().find(|name| !exported.contains(*name)) {
            Some(name) => refused(format!("{from} exports no {name}")),
            None => Ok(()),
        }
    }

    fn write(&mut self, path: &str, module: &Module) {
        let name = variable(self.numbers.len());
        self.numbers.insert(path.to_owned(), self.numbers.len());
        let bindings: Vec<String> = module.imports.iter().map(|import| self.binding(import)).collect();
        self.script.push(format!("const {name} = (() => {{ {}", bindings.join(" ")));
        let kept = kept_lines(&module.lines);
        self.sections.push(json!({
            "offset": { "line": self.script.len(), "column": 0 },
            "map": { "version": 3, "sources": [path], "names": [], "mappings": mappings(&kept) },
        }));
        self.script.extend(kept.iter().map(|&place| module.lines[place].clone()));
        let exports: Vec<&str> = module.exports.iter().map(String::as_str).collect();
        self.script.push(format!("return {{ {} }}; }})();", exports.join(", ")));
    }

    /// The statement that makes an import's names known in the function of its module.
    fn binding(&self, import: &Import) -> String {
        format!("const {} = {};", import.pattern, variable(self.numbers[&import.from]))
    }
}

/// The places of a module's lines that are not empty. An empty line may be part of a template of several lines: of a module that has one
/// all lines stay.
fn kept_lines(lines: &[String]) -> Vec<usize> {
    let has_template = lines.iter().any(|line| !line.matches('`').count().is_multiple_of(2));
    (0..lines.len()).filter(|&place| has_template || !lines[place].is_empty()).collect()
}

/// The mappings of a source map for lines that follow each other and were at these places of their file.
fn mappings(places: &[usize]) -> String {
    let befores = std::iter::once(&0).chain(places);
    let steps = befores.zip(places).map(|(before, place)| format!("AA{}A", vlq(place - before)));
    steps.collect::<Vec<_>>().join(";")
}

/// A number as source maps write it: five bits a digit, the lowest first, behind a bit for the sign (ECMA-426, section 5).
fn vlq(number: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut left = number << 1;
    let mut digits = String::new();
    loop {
        let goes_on = usize::from(left > 31) << 5;
        digits.push(char::from(DIGITS[(left & 31) | goes_on]));
        left >>= 5;
        if left == 0 {
            return digits;
        }
    }
}

/// The name of a module in the script. It is short, since a reader finds the module in the source map, and no module has it among its own names.
fn variable(number: usize) -> String {
    format!("${number}")
}

#[cfg(test)]
mod tests;
