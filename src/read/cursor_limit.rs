//! Compares a cursor's values with the present time.

use super::plan::StreamPlan;
use crate::clock;
use crate::config::Connection;
use crate::sql::cursor::Cursor;
use crate::types::TrinoType;

/// Values without a zone may be in local time, which is up to 14 hours ahead of UTC.
const ZONES: u64 = 14 * 60 * 60;
/// Tolerance, because clocks differ.
const CLOCKS: u64 = 60;

/// The value from which on rows are left for a later sync, because of `exclude_todays_data` or
/// `cursor_lag`.
pub(super) fn before(connection: &Connection, cursor: &Cursor) -> Option<String> {
    if !cursor.ty.is_point_in_time() {
        return None;
    }
    let limits = [
        connection.sync.cursor_lag.map(clock::utc_before),
        connection
            .sync
            .exclude_todays_data
            .then(clock::utc_midnight),
    ];
    // All limits are texts of the same form, so the order of the texts is the order of the times.
    let limit = limits.into_iter().flatten().min()?;
    Some(as_text_of_type(limit, &cursor.ty))
}

/// Warns that a sync ends with a value in the future: rows that are written until then have lower
/// values, so later syncs will not see them.
pub(super) fn warn_of_the_future(plan: &StreamPlan, cursor: &Cursor, end: Option<&str>) {
    let ahead = match cursor.ty {
        TrinoType::TimestampWithTimeZone { .. } => CLOCKS,
        _ => ZONES,
    };
    if let Some(end) = end
        && cursor.ty.is_point_in_time()
        && is_after(end, &as_text_of_type(clock::utc_after(ahead), &cursor.ty))
    {
        tracing::warn!(
            "stream \"{}\": the highest value of the cursor \"{}\" is {end}, which is in the future. Rows that are written from now on and have lower values will not be seen. Correct that value in the table, or set ‹cursor_lag› so that such rows wait, and then clear the stream",
            plan.descriptor,
            cursor.column
        );
    }
}

/// Both texts have the same form, except that years of more than four digits have a sign.
fn is_after(value: &str, now: &str) -> bool {
    value.starts_with('+') || (!value.starts_with('-') && value > now)
}

fn as_text_of_type(time: String, ty: &TrinoType) -> String {
    match ty {
        TrinoType::Date => time[..10].to_owned(),
        TrinoType::Timestamp { .. } => time,
        _ => format!("{time} UTC"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_years_are_after_now_and_those_before_christ_are_not() {
        for (value, expected) in [
            ("2026-01-01", false),
            ("2026-01-02", true),
            ("9999-12-31", true),
            ("+10000-01-01", true),
            ("-0044-03-15", false),
        ] {
            assert_eq!(is_after(value, "2026-01-01"), expected, "{value}");
        }
    }
}
