//! `replication_method` and its fields: how new and changed rows of a table are found.

use super::fields::Fields;

/// How the new and changed rows of an incremental stream are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replication {
    /// By a cursor column.
    Standard,
    /// By the changes that the table's format keeps.
    Changes,
}

/// The settings of `replication_method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sync {
    /// How changes are found.
    pub(crate) replication: Replication,
    /// Reads by cursor leave out rows that are newer than so many seconds.
    pub(crate) cursor_lag: Option<u64>,
    /// Whether reads by cursor leave out rows of the present day, in UTC.
    pub(crate) exclude_todays_data: bool,
}

pub(super) fn read_sync(fields: &mut Fields<'_>) -> Sync {
    fields.object("replication_method", "method", |fields| {
        let replication = match fields.word("method", &["STANDARD", "CHANGES"]) {
            Some("CHANGES") => Replication::Changes,
            _ => Replication::Standard,
        };
        let cursor_lag = fields.integer("cursor_lag", 0, 0..=31_536_000);
        Sync {
            replication,
            cursor_lag: (cursor_lag > 0).then_some(cursor_lag),
            exclude_todays_data: fields.flag("exclude_todays_data", false),
        }
    })
}

/// Reads `as_of`: a day or a time, in UTC unless it has an offset. The result is ISO 8601 in UTC.
pub(super) fn as_of(fields: &mut Fields<'_>) -> Option<String> {
    let given = fields.text("as_of")?;
    let day = || given.parse::<jiff::civil::DateTime>().ok();
    let time = given
        .parse::<jiff::Timestamp>()
        .ok()
        .or_else(|| jiff::tz::TimeZone::UTC.to_timestamp(day()?).ok());
    if time.is_none() {
        let text = format!(
            "\"{given}\" is not a time; expected is for example \"2024-01-31T12:00:00Z\" or \"2024-01-31\""
        );
        fields.problem("as_of", &text);
    }
    Some(time?.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_utc() {
        for (given, expected) in [
            ("2024-01-31T12:00:00Z", Some("2024-01-31T12:00:00Z")),
            ("2024-01-31T12:00:00+02:00", Some("2024-01-31T10:00:00Z")),
            ("2024-01-31 12:00", Some("2024-01-31T12:00:00Z")),
            ("2024-01-31", Some("2024-01-31T00:00:00Z")),
            ("yesterday", None),
        ] {
            let config = json!({"as_of": given});
            assert_eq!(
                as_of(&mut Fields::new(&config)).as_deref(),
                expected,
                "{given}"
            );
        }
    }
}
