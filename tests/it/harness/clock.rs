//! A clock for one process, which a test sets while the process runs.

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
    /// A clock without an offset, kept in a file of this name; `None` if there is no C compiler.
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

    /// Sets its offset from the real time.
    pub fn set(&self, millis: i64) {
        // Atomic, since the process may read the file meanwhile.
        let next = self.file.with_extension("next");
        std::fs::write(&next, millis.to_string()).expect("the target folder can be written");
        std::fs::rename(&next, &self.file).expect("the target folder can be written");
    }

    /// Makes the process use this clock.
    pub fn rule(&self, command: &mut Command) {
        command.env("LD_PRELOAD", self.library).env("SHIFT_FILE", &self.file);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Compiles the library; each test process has its own copy.
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
