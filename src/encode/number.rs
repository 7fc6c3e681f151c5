//! Which texts are numbers, by the grammar of JSON.

/// Whether `text` is a JSON number without fraction and exponent.
pub(super) fn is_integer(text: &[u8]) -> bool {
    integer_part(text).is_some_and(<[u8]>::is_empty)
}

/// Whether `text` is a JSON number (RFC 8259 section 6).
pub(super) fn is_number(text: &[u8]) -> bool {
    let Some(rest) = integer_part(text) else {
        return false;
    };
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => match digits(fraction) {
            Some(rest) => rest,
            None => return false,
        },
        None => rest,
    };
    match rest.split_first() {
        None => true,
        Some((b'e' | b'E', exponent)) => {
            let unsigned = match exponent {
                [b'+' | b'-', unsigned @ ..] => unsigned,
                _ => exponent,
            };
            digits(unsigned).is_some_and(<[u8]>::is_empty)
        }
        Some(_) => false,
    }
}

/// Whether `text` is one of the values of a `real`, `double` or `number` that JSON has no number
/// for.
pub(super) fn is_not_finite(text: &[u8]) -> bool {
    matches!(text, b"NaN" | b"Infinity" | b"+Infinity" | b"-Infinity")
}

/// What follows the sign and the digits before the point; no leading zeros.
fn integer_part(text: &[u8]) -> Option<&[u8]> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    match unsigned {
        [b'0', rest @ ..] => (!rest.first().is_some_and(u8::is_ascii_digit)).then_some(rest),
        _ => digits(unsigned),
    }
}

/// What follows one or more digits.
fn digits(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (length > 0).then(|| &text[length..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn integers_have_digits_only() {
        for text in [
            "0",
            "-0",
            "7",
            "-128",
            "9223372036854775807",
            "99999999999999999999999999999999999999",
        ] {
            assert!(is_integer(text.as_bytes()), "{text}");
            assert!(is_number(text.as_bytes()), "{text}");
        }
        for text in [
            "", "-", "+1", "01", "-01", "1.0", "1e3", "1 ", " 1", "a", "0x1", "--1",
        ] {
            assert!(!is_integer(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn values_without_a_number_are_known_by_name() {
        for text in ["NaN", "Infinity", "+Infinity", "-Infinity"] {
            assert!(
                is_not_finite(text.as_bytes()) && !is_number(text.as_bytes()),
                "{text}"
            );
        }
        for text in ["", "nan", "Inf", "1", "NaN "] {
            assert!(!is_not_finite(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_what_serde_json_takes_for_one(text in "-?(0|[0-9]{1,3})?(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?[ x]?") {
            let one = serde_json::from_str::<&RawValue>(&text).is_ok_and(|raw| raw.get() == text);
            prop_assert_eq!(is_number(text.as_bytes()), one, "{}", text);
        }
    }
}
