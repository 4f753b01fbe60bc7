//! Points in time as clients see them.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use utoipa::ToSchema;

/// RFC 3339 in UTC with milliseconds, such as `2026-11-20T08:00:00.123Z`. For display; the order
/// of messages is their `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(OffsetDateTime);

const RFC3339_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl Timestamp {
    /// This node's clock.
    pub fn now() -> Self {
        Self(SystemTime::now().into())
    }

    /// Milliseconds since 1970, as Redis' clock gives them; `None` after the year 9999.
    pub fn from_unix_millis(millis: u64) -> Option<Self> {
        let since = time::Duration::try_from(Duration::from_millis(millis)).ok()?;
        OffsetDateTime::UNIX_EPOCH.checked_add(since).map(Self)
    }

    /// A time of RFC 3339, in whole milliseconds. `None` before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Self::from_unix_millis(u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()?)
    }

    /// Milliseconds since 1970.
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.0.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.format(RFC3339_MILLIS).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_any_offset() {
        let millis = |text| Timestamp::parse(text).map(Timestamp::unix_millis);
        assert_eq!(millis("2026-11-22T08:00:00.007Z"), Some(1_795_334_400_007));
        assert_eq!(millis("2026-11-22T14:00:00.0079+06:00"), Some(1_795_334_400_007));
        for foreign in ["", "tomorrow", "2026-11-22", "2026-11-22T08:00:00", "1969-12-31T23:59:59Z"] {
            assert_eq!(millis(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn a_timestamp_is_rfc_3339_with_milliseconds() {
        let text = |millis| Timestamp::from_unix_millis(millis).map(|instant| instant.to_string());
        assert_eq!(text(1_795_334_400_007).as_deref(), Some("2026-11-22T08:00:00.007Z"));
        assert_eq!(text(253_402_300_799_999).as_deref(), Some("9999-12-31T23:59:59.999Z"));
        for far in [253_402_300_800_000, 1 << 63, u64::MAX] {
            assert_eq!(text(far), None);
        }
    }
}
