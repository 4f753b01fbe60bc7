//! The browser client's files: inside the binary of a release, read from `public/` in a debug build; and the
//! build that they make, which names them in addresses that a browser need not ask for twice. How they
//! are served is in `http`.

mod comments;
mod linker;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::model::hex;

#[derive(RustEmbed)]
#[folder = "public/"]
struct Files;

/// A file as it is served.
#[derive(Debug, Clone)]
pub struct File {
    /// Its content.
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

/// All files together: another build, other bytes.
#[derive(Debug)]
struct Build {
    name: String,
    /// The files that the node writes from those in `public/` when a browser first asks for a file, by their paths.
    written: OnceLock<BTreeMap<&'static str, File>>,
}

/// The file at a path of the site, without its first slash.
pub fn find(path: &str) -> Option<File> {
    let build = current();
    let Some((asked, path)) = path.strip_prefix("v/").and_then(|path| path.split_once('/')) else {
        return build.file(path);
    };
    // A page of another build, which a rolling upgrade may bring here, gets today's bytes.
    let lifetime = if asked == build.name { Lifetime::Forever } else { Lifetime::UntilAsked };
    Some(File { lifetime, ..build.file(path)? })
}

/// The name of all files together.
pub fn build() -> String {
    current().name.clone()
}

fn current() -> Arc<Build> {
    static KNOWN: Mutex<Option<(Instant, Arc<Build>)>> = Mutex::new(None);
    // The files of a debug build may change under it.
    let is_fresh = |at: &Instant| !cfg!(debug_assertions) || at.elapsed() < Duration::from_secs(1);
    let mut known = KNOWN.lock().expect("no code panics while it holds this lock");
    match &*known {
        Some((at, build)) if is_fresh(at) => build.clone(),
        _ => {
            let build = Arc::new(Build::read());
            *known = Some((Instant::now(), build.clone()));
            build
        }
    }
}

impl Build {
    fn read() -> Self {
        Self { name: hash_of_all(), written: OnceLock::new() }
    }

    fn file(&self, path: &str) -> Option<File> {
        self.written().get(path).cloned().or_else(|| File::embedded(path))
    }

    fn written(&self) -> &BTreeMap<&'static str, File> {
        self.written.get_or_init(|| {
            let written = shell::write(&self.name).into_iter();
            written.map(|(path, text)| (path, File::written(text))).collect()
        })
    }
}

impl File {
    /// A file that the node has written.
    pub(in crate::http) fn written(text: String) -> Self {
        let hash = Sha256::digest(text.as_bytes()).into();
        Self { bytes: text.into(), hash, lifetime: Lifetime::UntilAsked }
    }

    fn embedded(path: &str) -> Option<Self> {
        let file = Files::get(path)?;
        let hash = file.metadata.sha256_hash();
        Some(Self { bytes: file.data.into_owned().into(), hash, lifetime: Lifetime::UntilAsked })
    }
}

fn hash_of_all() -> String {
    let mut all = Sha256::new();
    for path in paths() {
        all.update(path.as_bytes());
        all.update(Files::get(&path).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    hex(&all.finalize()[..8])
}

/// The paths of all files, in order.
fn paths() -> BTreeSet<String> {
    Files::iter().map(|path| path.into_owned()).collect()
}

/// A text file's text.
fn text(path: &str) -> Option<String> {
    Files::get(path).map(|file| String::from_utf8_lossy(&file.data).into_owned())
}
