//! How messages say how many there are of a thing.

use std::fmt::Display;

use indicatif::HumanCount;

/// A number with its thing in the singular or in the plural: `1 record`, `2 records`. The plural
/// has an `s` at its end.
pub fn amount(number: impl TryInto<u64>, thing: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {thing}{}", ending(number))
}

/// The same for numbers that may be large: `1,234,567 records`.
pub fn grouped_amount(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", HumanCount(number), ending(number))
}

fn ending(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// Names for a message, each in quotes: the first `at_most` of them, and how many others there are.
pub(crate) fn names(names: &[impl Display], at_most: usize) -> String {
    let first: Vec<String> = names
        .iter()
        .take(at_most)
        .map(|name| format!("\"{name}\""))
        .collect();
    let first = first.join(", ");
    match names.len().saturating_sub(at_most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(amount(0_u64, "record"), "0 records");
        assert_eq!(amount(1_usize, "record"), "1 record");
        assert_eq!(amount(12_u32, "finished slice"), "12 finished slices");
        assert_eq!(grouped_amount(1, "row"), "1 row");
        assert_eq!(grouped_amount(1_234, "row"), "1,234 rows");
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(names(&["a"], 2), "\"a\"");
        assert_eq!(names(&["a", "b"], 2), "\"a\", \"b\"");
        assert_eq!(names(&["a", "b", "c", "d"], 2), "\"a\", \"b\" and 2 more");
    }
}
