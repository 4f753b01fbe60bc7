//! A clock that a process has for itself, and that a test sets while it runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::skip;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/harness/clock.c");

/// The clock of one redis-server.
#[derive(Debug)]
pub struct Clock {
    library: &'static Path,
    file: PathBuf,
}

impl Clock {
    /// A right clock, which is kept in a file of this name; `None` if there is no C compiler to be had here.
    pub fn new(name: &str) -> Option<Self> {
        static LIBRARY: LazyLock<Option<PathBuf>> = LazyLock::new(compile);
        let Some(library) = LIBRARY.as_deref() else {
            skip("cc");
            return None;
        };
        let clock = Self { library, file: Path::new(env!("CARGO_TARGET_TMPDIR")).join(name) };
        clock.set(0);
        Some(clock)
    }

    /// From now on it is so many milliseconds off, if negative behind.
    pub fn set(&self, millis: i64) {
        // In one step: a clock that is read while it is written must show something.
        let next = self.file.with_extension("next");
        std::fs::write(&next, millis.to_string()).expect("the target folder can be written");
        std::fs::rename(&next, &self.file).expect("the target folder can be written");
    }

    /// The process will go by this clock.
    pub fn rule(&self, command: &mut Command) {
        command.env("LD_PRELOAD", self.library).env("SHIFT_FILE", &self.file);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Each process of tests compiles its own; all are the same.
fn compile() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (mine, library) = (folder.join(format!("clock-{}.so", std::process::id())), folder.join("clock.so"));
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&mine).arg(SOURCE).status();
    if !compiled.ok()?.success() {
        return None;
    }
    std::fs::rename(&mine, &library).ok()?;
    Some(library)
}
