//! Compressed files: Brotli for those who take it, else gzip.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::task::spawn_blocking;

use crate::http::browser::File;

/// How the bytes of an answer are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Brotli,
}

impl Coding {
    /// The best of those that a client takes (RFC 9110, section 12.5.3), whichever it prefers.
    pub(super) fn chosen<'a>(taken: impl Iterator<Item = &'a str>) -> Self {
        taken.filter_map(Self::read).max().unwrap_or(Self::Plain)
    }

    fn read(item: &str) -> Option<Self> {
        let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let is_refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0);
        match coding.trim().to_ascii_lowercase().as_str() {
            _ if is_refused => None,
            "br" => Some(Self::Brotli),
            "gzip" => Some(Self::Gzip),
            _ => None,
        }
    }

    /// Its name in headers.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// The file's bytes, packed when they are first asked for. A large file takes a tenth of a second: not on a thread that serves.
pub(super) async fn compressed(file: &File, coding: Coding) -> Bytes {
    static PACKED: Mutex<BTreeMap<(Coding, [u8; 32]), Bytes>> = Mutex::new(BTreeMap::new());
    if coding == Coding::Plain {
        return file.bytes.clone();
    }
    let all = || PACKED.lock().expect("no code panics while it holds this lock");
    let known = all().get(&(coding, file.hash)).cloned();
    if let Some(packed) = known {
        return packed;
    }
    let bytes = file.bytes.clone();
    let packed = spawn_blocking(move || pack(&bytes, coding)).await.expect("packing does not panic");
    all().insert((coding, file.hash), packed.clone());
    packed
}

fn pack(bytes: &[u8], coding: Coding) -> Bytes {
    let packed = match coding {
        Coding::Plain => Ok(bytes.to_vec()),
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(bytes).and_then(|()| encoder.finish())
        }
        Coding::Brotli => pack_brotli(bytes),
    };
    packed.expect("writing to memory can't fail").into()
}

fn pack_brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    // The best would save another twelfth of the largest file, and take several times as long. Where nothing is optimised also this is slow.
    let quality = if cfg!(debug_assertions) { 4 } else { 9 };
    let window_bits = 18;
    let mut encoder = CompressorWriter::new(Vec::new(), 4096, quality, window_bits);
    encoder.write_all(bytes)?;
    encoder.flush()?;
    Ok(encoder.into_inner())
}
