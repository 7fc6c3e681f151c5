//! Dates and times as numbers, checked: what is no date or time has none.

use std::hint::cold_path;

/// Days from 1 January 1970 to a date of the proleptic Gregorian calendar; year 0 is 1 BC.
#[inline(always)]
pub(super) fn days(year: i32, month: u32, day: u32) -> Option<i64> {
    if day == 0 || day > month_length(year, month) {
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

/// The days of a month; 0 of what is no month.
const fn month_length(year: i32, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// The years in which nearly all dates are.
const USUAL_YEARS: std::ops::Range<u32> = 1900..2100;

/// The first number of a month of these years: sixteen numbers a year, of which those for the
/// months count from one.
const FIRST_MONTH: u32 = 16 * USUAL_YEARS.start;

/// How many numbers there are.
const NUMBERS: usize = (16 * (USUAL_YEARS.end - USUAL_YEARS.start)) as usize;

/// What is known of each month of these years: 32 times the days from their start to its own, and
/// its length. No months have the length 0.
static MONTHS: [u32; NUMBERS] = {
    let mut months = [0; NUMBERS];
    let (mut year, mut days) = (USUAL_YEARS.start, 0);
    while year < USUAL_YEARS.end {
        let mut month = 1;
        while month <= 12 {
            let length = month_length(year.cast_signed(), month);
            months[(16 * year + month - FIRST_MONTH) as usize] = days << 5 | length;
            days += length;
            month += 1;
        }
        year += 1;
    }
    months
};

/// The same as [`days`] for the years 1 to 9999, quicker for [`USUAL_YEARS`]. `number` is sixteen
/// times the year plus the month.
#[inline(always)]
pub(super) fn usual_days(number: u32, month: u32, day: u32) -> Option<i64> {
    /// Days from their start to 1970, and one, because days count from one.
    const BEFORE_1970: i64 = 25_568;
    if month >= 16 {
        return None;
    }
    let Some(entry) = MONTHS.get(number.wrapping_sub(FIRST_MONTH) as usize) else {
        cold_path();
        let year = i32::try_from(number / 16).ok()?;
        return days(year, month, day).filter(|_| year > 0);
    };
    let (before, length) = (entry >> 5, entry & 31);
    let is_there = day.wrapping_sub(1) < length;
    is_there.then_some(i64::from(before) + i64::from(day) - BEFORE_1970)
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

    #[test]
    #[cfg_attr(miri, ignore = "many")]
    fn usual_days_are_those_of_jiff_for_any_two_digits() {
        let epoch = Date::new(1970, 1, 1).unwrap();
        for year in [0..5, 1895..1905, 1995..2005, 2095..2105, 9995..10_000]
            .into_iter()
            .flatten()
        {
            for (month, day) in (0..100).flat_map(|month| (0..100).map(move |day| (month, day))) {
                let date = Date::new(year, month, day).ok().filter(|_| year > 0);
                let expected = date.map(|date| i64::from((date - epoch).get_days()));
                let [month, day] = [month, day].map(|number| u32::from(number.unsigned_abs()));
                let year = u32::from(year.unsigned_abs());
                let found = usual_days(16 * year + month, month, day);
                assert_eq!(found, expected, "{year}-{month}-{day}");
            }
        }
    }

    proptest! {
        #[test]
        fn dates_are_those_of_jiff(year in -9999..=9999_i16, month in 0..=13_i8, day in 0..=32_i8) {
            let date = Date::new(year, month, day).ok();
            let epoch = Date::new(1970, 1, 1).unwrap();
            let expected = date.map(|date| i64::from((date - epoch).get_days()));
            let found = days(year.into(), month.unsigned_abs().into(), day.unsigned_abs().into());
            prop_assert_eq!(found, expected);
        }
    }
}
