//! The stored statistics of nodes: `<start of the node, ms> <JSON>`. The time is outside of the JSON, so an
//! unchanged node writes nothing.

use serde::{Deserialize, Serialize};

use crate::backend::{Fingerprints, NodeStats};

/// The format of leases and vitals. A change that an older node would misread raises it. Other changes add fields,
/// because unknown fields are ignored.
pub const FORMAT: u64 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    format: u64,
    version: String,
    sessions: u64,
    rooms: u64,
    #[serde(default)]
    fingerprints: Fingerprints,
}

/// The JSON to store.
pub fn write(vitals: &NodeStats) -> String {
    let NodeStats { version, uptime_s: _, sessions, rooms, fingerprints } = vitals.clone();
    let stored = Stored { format: FORMAT, version, sessions, rooms, fingerprints };
    serde_json::to_string(&stored).expect("vitals are always JSON")
}

/// Parses the stored text; `None` if it has a later format, or is not of adda.
pub fn read(stored: &[u8], now_ms: f64) -> Option<NodeStats> {
    let (started_ms, json) = std::str::from_utf8(stored).ok()?.split_once(' ')?;
    let started_ms: f64 = started_ms.parse().ok()?;
    let Stored { format, version, sessions, rooms, fingerprints } = serde_json::from_str(json).ok()?;
    let uptime_s = ((now_ms - started_ms) / 1000.0) as u64;
    (format <= FORMAT).then_some(NodeStats { version, uptime_s, sessions, rooms, fingerprints })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vitals() -> NodeStats {
        let (version, fingerprints) = ("1.2.3".into(), Fingerprints::default());
        NodeStats { version, uptime_s: 4, sessions: 5, rooms: 6, fingerprints }
    }

    #[test]
    fn vitals_are_read_with_their_age() {
        let stored = format!("1000 {}", write(&vitals()));
        assert_eq!(read(stored.as_bytes(), 5000.0), Some(vitals()));
        assert_eq!(read(stored.as_bytes(), 0.0).map(|vitals| vitals.uptime_s), Some(0));
    }

    #[test]
    fn fields_of_a_later_version_are_ignored_and_later_formats_skipped() {
        let written = write(&vitals());
        let more = written.replacen('{', r#"{"colour":"green","#, 1);
        assert_eq!(read(format!("1000 {more}").as_bytes(), 5000.0), Some(vitals()));
        let later = written.replacen(r#""format":1"#, r#""format":2"#, 1);
        assert_eq!(read(format!("1000 {later}").as_bytes(), 5000.0), None);
    }

    #[test]
    fn foreign_values_are_skipped() {
        for junk in ["", "word", "1000 {}", "1000 word", "x {\"format\":1}", "1e400 {}"] {
            assert_eq!(read(junk.as_bytes(), 5000.0), None, "{junk}");
        }
        assert_eq!(read(b"1000 \xff", 5000.0), None);
    }
}
