//! Values evenly spread between two others, to cut a table by ranges of a column.

use jiff::Span;
use jiff::civil::{Date, DateTime};

use crate::types::TrinoType;

/// The texts of up to `slices - 1` rising values between `low` and `high`. Empty if this is not
/// possible for the type or the values, or if there are too few values in between.
///
/// All texts have the form of [`crate::sql::literal::exact_text`].
pub(crate) fn spread(low: &str, high: &str, ty: &TrinoType, slices: u64) -> Vec<String> {
    let Some(scale) = Scale::of_type(ty) else {
        return Vec::new();
    };
    let (Some(low), Some(high)) = (scale.number(low), scale.number(high)) else {
        return Vec::new();
    };
    let (width, slices) = (high.saturating_sub(low), i128::from(slices));
    let mut values: Vec<i128> = (1..slices)
        .filter_map(|n| Some(low + width.checked_mul(n)? / slices))
        .collect();
    values.dedup();
    values.retain(|value| *value > low);
    values
        .into_iter()
        .filter_map(|value| scale.write(value))
        .collect()
}

/// How values are turned into numbers with meaningful differences.
#[derive(Clone, Copy)]
enum Scale {
    Numbers,
    Days,
    Microseconds {
        zone: &'static str,
    },
    /// Without their last bits, so that their differences are numbers of the same type.
    Uuids,
}

/// How many of the last bits of a UUID do not count.
const BITS_LEFT_OUT: u32 = 16;

const EPOCH: Date = Date::constant(1970, 1, 1);

impl Scale {
    fn of_type(ty: &TrinoType) -> Option<Self> {
        Some(match ty {
            TrinoType::Tinyint
            | TrinoType::Smallint
            | TrinoType::Integer
            | TrinoType::Bigint
            | TrinoType::Decimal { .. } => Self::Numbers,
            TrinoType::Date => Self::Days,
            TrinoType::Timestamp { .. } => Self::Microseconds { zone: "" },
            TrinoType::TimestampWithTimeZone { .. } => Self::Microseconds { zone: " UTC" },
            ty if ty.is_uuid() => Self::Uuids,
            _ => return None,
        })
    }

    /// The number of a value's text. Digits that are finer than the scale are dropped.
    fn number(self, text: &str) -> Option<i128> {
        match self {
            Self::Numbers => text.split('.').next()?.parse().ok(),
            Self::Days => {
                let days = (text.parse::<Date>().ok()? - EPOCH).get_days();
                Some(i128::from(days))
            }
            Self::Microseconds { zone } => {
                let text = text.strip_suffix(zone)?;
                // Trino may write twelve digits of a fraction, and jiff reads only nine.
                let text = match text.split_once('.') {
                    Some((seconds, fraction)) => {
                        format!("{seconds}.{}", fraction.get(..6).unwrap_or(fraction))
                    }
                    None => text.to_owned(),
                };
                let time = text.replacen(' ', "T", 1).parse::<DateTime>().ok()?;
                let since = time.duration_since(EPOCH.to_datetime(jiff::civil::Time::midnight()));
                Some(since.as_micros())
            }
            Self::Uuids => {
                let value = u128::from_str_radix(&text.replace('-', ""), 16).ok()?;
                i128::try_from(value >> BITS_LEFT_OUT).ok()
            }
        }
    }

    fn write(self, value: i128) -> Option<String> {
        Some(match self {
            Self::Numbers => value.to_string(),
            Self::Days => {
                let span = Span::new().try_days(i64::try_from(value).ok()?).ok()?;
                EPOCH.checked_add(span).ok()?.to_string()
            }
            Self::Microseconds { zone } => {
                let span = Span::new()
                    .try_microseconds(i64::try_from(value).ok()?)
                    .ok()?;
                let epoch = EPOCH.to_datetime(jiff::civil::Time::midnight());
                let time = epoch.checked_add(span).ok()?;
                format!("{}{zone}", time.strftime("%Y-%m-%d %H:%M:%S%.6f"))
            }
            Self::Uuids => {
                let digits = format!("{:032x}", value << BITS_LEFT_OUT);
                let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
                groups.map(|group| &digits[group]).join("-")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(low: &str, high: &str, ty: &str, slices: u64) -> Vec<String> {
        spread(low, high, &TrinoType::parse(ty), slices)
    }

    #[test]
    fn values_are_spread_evenly() {
        assert_eq!(between("0", "100", "bigint", 4), ["25", "50", "75"]);
        assert_eq!(between("-10.5", "10.5", "decimal(4, 1)", 2), ["0"]);
        assert_eq!(
            between("2020-01-01", "2020-01-05", "date", 2),
            ["2020-01-03"]
        );
        assert_eq!(
            between(
                "2020-01-01 00:00:00",
                "2020-01-02 00:00:00",
                "timestamp(0)",
                2
            ),
            ["2020-01-01 12:00:00.000000"]
        );
        assert_eq!(
            between(
                "2020-01-01 00:00:00.000000000001 UTC",
                "2020-01-01 00:00:01.000000000000 UTC",
                "timestamp(12) with time zone",
                2
            ),
            ["2020-01-01 00:00:00.500000 UTC"]
        );
    }

    #[test]
    fn uuids_are_spread_over_all_their_bits() {
        let (none, all) = (
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        );
        assert_eq!(
            between(none, all, "uuid", 2),
            ["7fffffff-ffff-ffff-ffff-ffffffff0000"]
        );
        // Made within a millisecond, by time.
        assert_eq!(
            between(
                "01890a5d-ac96-774b-bcce-b302099a8057",
                "01890a5d-ac96-774b-ffff-b302099a8057",
                "uuid",
                2
            ),
            ["01890a5d-ac96-774b-de67-3302099a0000"]
        );
        assert!(between(all, all, "uuid", 9).is_empty());
    }

    #[test]
    fn too_few_values_or_other_types_give_none() {
        assert!(between("1", "1", "bigint", 9).is_empty());
        assert!(between("a", "b", "varchar", 9).is_empty());
        assert!(between("+10000-01-01", "+10000-02-01", "date", 9).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn values_rise_within_the_range(low: i64, high: i64, slices in 0_u64..50) {
            let (low, high) = (low.min(high), low.max(high));
            let values: Vec<i64> = between(&low.to_string(), &high.to_string(), "bigint", slices)
                .iter()
                .map(|value| value.parse().unwrap())
                .collect();
            proptest::prop_assert!(values.windows(2).all(|pair| pair[0] < pair[1]));
            proptest::prop_assert!(values.iter().all(|value| low < *value && *value <= high));
        }
    }
}
