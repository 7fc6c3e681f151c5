//! How messages say how many there are of a thing.

/// A number with its thing in the singular or in the plural: `1 record`, `2 records`. The plural
/// has an `s` at its end.
pub(crate) fn amount(number: impl TryInto<u64>, thing: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(amount(0_u64, "record"), "0 records");
        assert_eq!(amount(1_usize, "record"), "1 record");
        assert_eq!(amount(12_u32, "finished slice"), "12 finished slices");
    }
}
