//! The wall clock, in the forms of Airbyte's messages and of Trino's timestamps.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 00:00 UTC; 0 if the clock shows an earlier time.
pub(crate) fn now_ms() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// The time some seconds ago in UTC, as `2020-01-31 12:34:56.000000`.
pub(crate) fn utc_before(seconds: u64) -> String {
    let now = jiff::Timestamp::now();
    let ago = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let then = now.checked_sub(ago).unwrap_or(jiff::Timestamp::MIN);
    then.strftime("%Y-%m-%d %H:%M:%S.000000").to_string()
}

/// The time some seconds from now in UTC, in the same form.
pub(crate) fn utc_after(seconds: u64) -> String {
    let now = jiff::Timestamp::now();
    let span = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let then = now.checked_add(span).unwrap_or(jiff::Timestamp::MAX);
    then.strftime("%Y-%m-%d %H:%M:%S.000000").to_string()
}

/// The last midnight in UTC, in the same form.
pub(crate) fn utc_midnight() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%d 00:00:00.000000")
        .to_string()
}
