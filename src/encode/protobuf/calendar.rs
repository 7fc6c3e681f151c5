//! Dates and times as numbers, checked: what is no date or time has none.

/// Days from 1 January 1970 to a date of the proleptic Gregorian calendar; year 0 is 1 BC.
#[inline(always)]
pub(super) fn days(year: i32, month: u32, day: u32) -> Option<i64> {
    const LENGTHS: [u8; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = u32::from(*LENGTHS.get(month as usize)?) + u32::from(month == 2 && is_leap);
    if day == 0 || day > length {
        return None;
    }
    // Years begin in March here, so that the leap day is the last one.
    let year = year - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i32::try_from((month + 9) % 12).ok()?;
    let day_of_year = (153 * month_from_march + 2) / 5 + i32::try_from(day).ok()? - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(i64::from(era) * 146_097 + i64::from(day_of_era) - 719_468)
}

/// The same for the year `100 * century + year`, from 1 to 9999, as nearly all years are.
#[inline(always)]
pub(super) fn days_after_christ(century: u32, year: u32, month: u32, day: u32) -> Option<i64> {
    /// Days before each month and the days that it has, without a leap day.
    const MONTHS: [(u16, u8); 16] = [
        (0, 0),
        (0, 31),
        (31, 28),
        (59, 31),
        (90, 30),
        (120, 31),
        (151, 30),
        (181, 31),
        (212, 31),
        (243, 30),
        (273, 31),
        (304, 30),
        (334, 31),
        (0, 0),
        (0, 0),
        (0, 0),
    ];
    // Without branches, which nobody could foretell.
    let is_leap = u32::from((if year == 0 { century } else { year }).is_multiple_of(4));
    let (before, length) = *MONTHS.get(month as usize)?;
    let length = u32::from(length) + (is_leap & u32::from(month == 2));
    if day.wrapping_sub(1) >= length || century + year == 0 {
        return None;
    }
    // Leap days up to the year's own, which is not yet there in January and February.
    let leap_days = 24 * century + century / 4 + year / 4 - (is_leap & u32::from(month < 3));
    let days = 36_500 * century + 365 * year + u32::from(before) + day + leap_days;
    Some(i64::from(days) - 719_528)
}

/// Seconds of the day.
#[inline(always)]
pub(super) fn seconds(hour: u32, minute: u32, second: u32) -> Option<u32> {
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Nanoseconds of a fraction of up to nine digits; none are zero.
#[inline(always)]
pub(super) fn nanoseconds(digits: &[u8]) -> Option<u32> {
    let mut nanoseconds = 0;
    for at in 0..9 {
        let digit = match digits.get(at) {
            Some(digit @ b'0'..=b'9') => u32::from(digit - b'0'),
            Some(_) => return None,
            None => 0,
        };
        nanoseconds = nanoseconds * 10 + digit;
    }
    Some(nanoseconds)
}

/// The number of two digits, which the caller has looked at.
#[inline(always)]
pub(super) fn two(tens: u8, ones: u8) -> u32 {
    u32::from(tens & 15) * 10 + u32::from(ones & 15)
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_count_from_1970() {
        for ((year, month, day), expected) in [
            ((1970, 1, 1), Some(0)),
            ((1969, 12, 31), Some(-1)),
            ((2024, 2, 29), Some(19_782)),
            ((2023, 2, 29), None),
            ((1900, 2, 29), None),
            ((2000, 2, 29), Some(11_016)),
            ((2000, 0, 1), None),
            ((2000, 13, 1), None),
            ((2000, 1, 0), None),
            ((2000, 4, 31), None),
        ] {
            assert_eq!(days(year, month, day), expected, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn times_of_day_are_checked() {
        assert_eq!(seconds(23, 59, 59), Some(86_399));
        for (hour, minute, second) in [(24, 0, 0), (0, 60, 0), (0, 0, 60)] {
            assert_eq!(seconds(hour, minute, second), None);
        }
        assert_eq!(nanoseconds(b"12"), Some(120_000_000));
        assert_eq!(nanoseconds(b""), Some(0));
        assert_eq!(nanoseconds(b"999999999"), Some(999_999_999));
        assert_eq!(nanoseconds(b"1x"), None);
    }

    proptest! {
        #[test]
        fn dates_are_those_of_jiff(year in -9999..=9999_i16, month in 0..=13_i8, day in 0..=32_i8) {
            let date = Date::new(year, month, day).ok();
            let epoch = Date::new(1970, 1, 1).unwrap();
            let expected = date.map(|date| i64::from((date - epoch).get_days()));
            let found = days(year.into(), month.unsigned_abs().into(), day.unsigned_abs().into());
            prop_assert_eq!(found, expected);
            if year > 0 {
                let found = days_after_christ(
                    u32::from(year.unsigned_abs()) / 100,
                    u32::from(year.unsigned_abs()) % 100,
                    month.unsigned_abs().into(),
                    day.unsigned_abs().into(),
                );
                prop_assert_eq!(found, expected);
            }
        }
    }
}
