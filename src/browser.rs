//! The browser client's files: inside the binary of a release, read from `public/` in a debug build; and the
//! build that they make, which names them in addresses that a browser need not ask for twice. How they
//! are served is in `http`.

mod shell;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "public/"]
struct Files;

/// A file as it is served.
#[derive(Debug, Clone)]
pub struct File {
    /// What is in it.
    pub bytes: Bytes,
    /// The SHA-256 of that.
    pub hash: [u8; 32],
    /// How long a browser may keep it.
    pub lifetime: Lifetime,
}

/// How long a browser may keep a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it has asked whether there is another: the address will name other bytes one day.
    UntilAsked,
    /// For ever: the address names these bytes.
    Forever,
}

/// The file at a path of the site, without its first slash.
pub fn find(path: &str) -> Option<File> {
    match path {
        "" | "index.html" => Some(written(shell::index(&build()))),
        "sw.js" => Some(written(shell::worker(&build()))),
        path => versioned(path).or_else(|| embedded(path)),
    }
}

/// What all files together are: another build, other bytes.
pub fn build() -> String {
    static KNOWN: Mutex<Option<(Instant, String)>> = Mutex::new(None);
    // The files of a debug build may change under it.
    let is_fresh = |at: &Instant| !cfg!(debug_assertions) || at.elapsed() < Duration::from_secs(1);
    let mut known = KNOWN.lock().expect("no code panics while it holds this lock");
    match &*known {
        Some((at, build)) if is_fresh(at) => build.clone(),
        _ => {
            let build = hash_of_all();
            *known = Some((Instant::now(), build.clone()));
            build
        }
    }
}

fn hash_of_all() -> String {
    let mut all = Sha256::new();
    for path in paths() {
        all.update(path.as_bytes());
        all.update(Files::get(&path).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    all.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The paths of all files, in order.
fn paths() -> BTreeSet<String> {
    Files::iter().map(|path| path.into_owned()).collect()
}

/// `v/BUILD/PATH`. A page of another build, which a rolling upgrade may bring here, gets today's bytes.
fn versioned(path: &str) -> Option<File> {
    let (asked, path) = path.strip_prefix("v/")?.split_once('/')?;
    let lifetime = if asked == build() { Lifetime::Forever } else { Lifetime::UntilAsked };
    let file = if path == shell::STYLE { written(shell::style()) } else { embedded(path)? };
    Some(File { lifetime, ..file })
}

fn embedded(path: &str) -> Option<File> {
    let file = Files::get(path)?;
    let hash = file.metadata.sha256_hash();
    Some(File { bytes: file.data.into_owned().into(), hash, lifetime: Lifetime::UntilAsked })
}

fn written(text: String) -> File {
    let hash = Sha256::digest(text.as_bytes()).into();
    File { bytes: text.into(), hash, lifetime: Lifetime::UntilAsked }
}

/// A text file's text; nothing if it is not there.
fn text(path: &str) -> String {
    Files::get(path).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
}
