//! Digits as numbers, eight at once.

/// The number of the first `length` bytes, 1 to 8 of them, which are digits.
#[inline(always)]
pub(super) fn up_to_eight(bytes: [u8; 8], length: usize) -> u64 {
    // The digits move to the end of the word, and zeros come before them.
    let digits = u64::from_le_bytes(bytes) & 0x0f0f_0f0f_0f0f_0f0f;
    let digits = digits << ((8 * (8 - length)) & 63);
    // Neighbours become numbers of two digits, these of four, and these of eight.
    let pairs = digits * 10 + (digits >> 8);
    let even = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let odd = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    even.wrapping_add(odd) >> 32
}

/// The numbers of two digits each at these places. Other bytes may be any of ASCII's.
#[inline(always)]
pub(super) fn pairs<const N: usize>(bytes: [u8; 8], places: [u32; N]) -> [u32; N] {
    let digits = u64::from_le_bytes(bytes) & 0x0f0f_0f0f_0f0f_0f0f;
    // A product of a byte is less than 256, so that none is carried over.
    let pairs = digits * 10 + (digits >> 8);
    places.map(|place| u32::from((pairs >> (8 * place)).to_le_bytes()[0]))
}

/// The number of 9 to 19 digits; `None` for more.
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
        fn digits_are_the_number(text in "[0-9]{1,8}", after in "[ -~]{8}") {
            let bytes = format!("{text}{after}").into_bytes();
            let found = up_to_eight(*bytes.first_chunk().unwrap(), text.len());
            prop_assert_eq!(found, text.parse::<u64>().unwrap());
        }

        #[test]
        fn pairs_are_their_numbers(text in "[0-9]{2}[ -~][0-9]{2}[ -~][0-9]{2}") {
            let number = |place: usize| text[place..place + 2].parse::<u32>().unwrap();
            let found = pairs(text.as_bytes().try_into().unwrap(), [0, 3, 6]);
            prop_assert_eq!(found, [0, 3, 6].map(number));
        }

        #[test]
        fn many_digits_are_the_number(text in "[0-9]{9,21}") {
            let expected = text.parse().ok().filter(|_| text.len() <= 19);
            prop_assert_eq!(up_to_nineteen(text.as_bytes()), expected);
        }
    }
}
