//! Digits as numbers.

/// The numbers of two digits each at these places. Other bytes may be any of ASCII's.
#[inline(always)]
pub(super) fn pairs<const N: usize>(bytes: [u8; 8], places: [u32; N]) -> [u32; N] {
    let digits = u64::from_le_bytes(bytes) & 0x0f0f_0f0f_0f0f_0f0f;
    // A product of a byte is less than 256, so that none is carried over.
    let pairs = digits * 10 + (digits >> 8);
    places.map(|place| u32::from((pairs >> (8 * place)).to_le_bytes()[0]))
}

/// The number of 17 to 19 digits; `None` for more.
#[inline(never)]
pub(super) fn up_to_nineteen(digits: &[u8]) -> Option<u64> {
    // Nineteen digits never overflow an u64.
    if digits.len() > 19 {
        return None;
    }
    let number = |number, digit: &u8| number * 10 + u64::from(digit & 15);
    Some(digits.iter().fold(0_u64, number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pairs_are_their_numbers(text in "[0-9]{2}[ -~][0-9]{2}[ -~][0-9]{2}") {
            let number = |place: usize| text[place..place + 2].parse::<u32>().unwrap();
            let found = pairs(text.as_bytes().try_into().unwrap(), [0, 3, 6]);
            prop_assert_eq!(found, [0, 3, 6].map(number));
        }

        #[test]
        fn many_digits_are_the_number(text in "[0-9]{17,21}") {
            let expected = text.parse().ok().filter(|_| text.len() <= 19);
            prop_assert_eq!(up_to_nineteen(text.as_bytes()), expected);
        }
    }
}
