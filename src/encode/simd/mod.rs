//! Questions about 32 bytes at once: the innermost step of the fast path.
//!
//! A [`Level`] is what a processor can do. The fast path is compiled once for each of them, and
//! [`Best`] says at run time which one this processor has. On x86-64 there are AVX2 with BMI, which
//! nearly all have since 2013, and SSE2, which all have; elsewhere there is 64-bit arithmetic. An
//! answer is a set of bits, bit 0 for the first byte.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg_attr(
    target_arch = "x86_64",
    cfg_attr(
        not(test),
        expect(dead_code, reason = "most of it is for other processors and tests")
    )
)]
mod portable;
#[cfg(target_arch = "x86_64")]
mod sse2;

/// How many bytes a question is about.
pub(super) const BYTES: usize = 32;

/// The bytes that a question is about.
pub(super) type Bytes = [u8; BYTES];

/// What texts of one form have in each of their places: `least`, or up to `span` more.
#[derive(Debug)]
pub(super) struct Pattern {
    least: Bytes,
    span: Bytes,
}

impl Pattern {
    /// `9` in `pattern` stands for any digit, `?` for any byte, and all others for themselves.
    /// Digits follow its end.
    pub(super) const fn new(pattern: &[u8]) -> Self {
        let mut least = [b'0'; 32];
        let mut span = [9; 32];
        let mut at = 0;
        while at < pattern.len() {
            match pattern[at] {
                b'9' => {}
                b'?' => (least[at], span[at]) = (0, u8::MAX),
                byte => (least[at], span[at]) = (byte, 0),
            }
            at += 1;
        }
        Self { least, span }
    }
}

/// Digits, and nothing else.
static DIGITS: Pattern = Pattern::new(b"");

/// Commas, and nothing else.
static COMMAS: Pattern = Pattern::new(&[b','; BYTES]);

/// What a processor can do. A value of it proves that this one can.
pub(super) trait Level: Copy {
    /// The bytes that end the plain part of a JSON string: `"`, `\` and control characters.
    fn string_marks(self, bytes: &Bytes) -> u32;

    /// The bytes that do not fit this pattern.
    fn unlike(self, pattern: &Pattern, bytes: &Bytes) -> u32;

    /// The commas of twice as many bytes.
    fn commas(self, bytes: &[u8; 2 * BYTES]) -> u64;

    /// The number whose digits are the first `whole` bytes and the `fraction` ones behind the next
    /// byte. All of them lie within the bytes, one at least, and are digits.
    fn number(self, bytes: &[u8; 16], whole: usize, fraction: usize) -> u64;

    /// Of a date `YYYY-MM-DD`, whose digits were looked at: sixteen times the year plus the month,
    /// the month, and the day. Months and days may be any two digits. What follows the date is not
    /// looked at.
    fn date(self, bytes: &[u8; 16]) -> [u32; 3];

    /// The bytes that are not `0` to `9`.
    #[inline]
    fn non_digits(self, bytes: &Bytes) -> u32 {
        self.unlike(&DIGITS, bytes)
    }

    /// Does the work in code that is compiled for this level.
    fn run<W: Work>(self, work: W) -> W::Output;
}

/// Work that is compiled once for each level, with all of it that is always inlined. A closure
/// would be inlined only if the compiler likes.
pub(super) trait Work {
    type Output;

    /// Does it. This has to be inlined always.
    fn run<L: Level>(self, level: L) -> Self::Output;
}

/// The best level of this processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Best {
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Usual(Usual),
}

impl Best {
    /// Asks the processor.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(level) = avx2::Avx2::detect() {
            return Self::Avx2(level);
        }
        Self::Usual(Usual)
    }

    /// Does the work at this level.
    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(level) => level.run(work),
            Self::Usual(level) => level.run(work),
        }
    }
}

/// What every processor of this architecture can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usual;

impl Level for Usual {
    #[inline]
    fn string_marks(self, bytes: &Bytes) -> u32 {
        #[cfg(target_arch = "x86_64")]
        {
            sse2::ask(sse2::Question::StringMarks, bytes)
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            portable::string_marks(bytes)
        }
    }

    #[inline]
    fn commas(self, bytes: &[u8; 2 * BYTES]) -> u64 {
        let (halves, _) = bytes.as_chunks();
        let unlike = halves.iter().map(|bytes| self.unlike(&COMMAS, bytes));
        !unlike
            .rev()
            .fold(0, |all, half| all << 32 | u64::from(half))
    }

    #[inline]
    fn unlike(self, pattern: &Pattern, bytes: &Bytes) -> u32 {
        #[cfg(target_arch = "x86_64")]
        {
            sse2::ask(sse2::Question::Unlike(pattern), bytes)
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            portable::unlike(pattern, bytes)
        }
    }

    #[inline]
    fn number(self, bytes: &[u8; 16], whole: usize, fraction: usize) -> u64 {
        portable::number(bytes, whole, fraction)
    }

    #[inline]
    fn date(self, bytes: &[u8; 16]) -> [u32; 3] {
        portable::date(bytes)
    }

    #[inline]
    fn run<W: Work>(self, work: W) -> W::Output {
        work.run(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static DATE: Pattern = Pattern::new(b"\"9999-99-99\"??");

    fn bits(bytes: &Bytes, test: impl Fn(usize, u8) -> bool) -> u32 {
        let places = (0..32).filter(|at| test(*at, bytes[*at]));
        places.map(|at| 1 << at).sum()
    }

    fn check_level(level: impl Level, bytes: &Bytes) {
        let twice: &[u8; 64] = &[*bytes, [b','; 32]].concat().try_into().unwrap();
        let commas = u64::from(bits(bytes, |_, byte| byte == b',')) | !0 << 32;
        assert_eq!(level.commas(twice), commas, "{bytes:?}");
        let marks = bits(bytes, |_, byte| {
            byte < 0x20 || byte == b'"' || byte == b'\\'
        });
        assert_eq!(level.string_marks(bytes), marks, "{bytes:?}");
        let others = bits(bytes, |_, byte| !byte.is_ascii_digit());
        assert_eq!(level.non_digits(bytes), others, "{bytes:?}");
        assert_eq!(
            level.unlike(&DATE, bytes),
            unlike_a_date(bytes),
            "{bytes:?}"
        );
    }

    fn unlike_a_date(bytes: &Bytes) -> u32 {
        bits(bytes, |at, byte| match at {
            0 | 11 => byte != b'"',
            5 | 8 => byte != b'-',
            12 | 13 => false,
            _ => !byte.is_ascii_digit(),
        })
    }

    fn check(bytes: &Bytes) {
        match Best::detect() {
            #[cfg(target_arch = "x86_64")]
            Best::Avx2(level) => check_level(level, bytes),
            Best::Usual(_) => {}
        }
        check_level(Usual, bytes);
        check_level(Portable, bytes);
    }

    /// The number of the digits of `text`, which may have one point, with `after` behind it, at
    /// every level.
    fn check_number(text: &str, after: &str) {
        let bytes = format!("{text}{after}").into_bytes();
        let bytes = bytes.first_chunk().unwrap();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let expected = format!("{whole}{fraction}").parse::<u64>().unwrap();
        let (whole, fraction) = (whole.len(), fraction.len());
        match Best::detect() {
            #[cfg(target_arch = "x86_64")]
            Best::Avx2(level) => assert_eq!(level.number(bytes, whole, fraction), expected),
            Best::Usual(_) => {}
        }
        assert_eq!(Usual.number(bytes, whole, fraction), expected, "{text}");
    }

    /// The numbers of the date of these digits, with `after` behind it, at every level.
    fn check_date(digits: &str, after: &str) {
        let [year, month, day] = [0..4, 4..6, 6..8].map(|part| &digits[part]);
        let bytes = format!("{year}-{month}-{day}{after}").into_bytes();
        let bytes = bytes.first_chunk().unwrap();
        let [year, month, day] = [year, month, day].map(|text| text.parse::<u32>().unwrap());
        let expected = [16 * year + month, month, day];
        match Best::detect() {
            #[cfg(target_arch = "x86_64")]
            Best::Avx2(level) => assert_eq!(level.date(bytes), expected),
            Best::Usual(_) => {}
        }
        assert_eq!(Usual.date(bytes), expected, "{digits}");
    }

    /// The 64-bit arithmetic, also where there is better.
    #[derive(Clone, Copy)]
    struct Portable;

    impl Level for Portable {
        fn string_marks(self, bytes: &Bytes) -> u32 {
            portable::string_marks(bytes)
        }

        fn commas(self, bytes: &[u8; 2 * BYTES]) -> u64 {
            Usual.commas(bytes)
        }

        fn unlike(self, pattern: &Pattern, bytes: &Bytes) -> u32 {
            portable::unlike(pattern, bytes)
        }

        fn number(self, bytes: &[u8; 16], whole: usize, fraction: usize) -> u64 {
            portable::number(bytes, whole, fraction)
        }

        fn date(self, bytes: &[u8; 16]) -> [u32; 3] {
            portable::date(bytes)
        }

        fn run<W: Work>(self, work: W) -> W::Output {
            work.run(self)
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "many")]
    fn every_byte_is_judged_alike_at_every_place() {
        for byte in 0..=u8::MAX {
            for other in [0, b'0', b'a', 0xff] {
                for at in 0..32 {
                    let mut bytes = [other; 32];
                    bytes[at] = byte;
                    check(&bytes);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn bytes_are_judged_one_by_one(bytes in any::<Bytes>()) {
            check(&bytes);
        }

        #[test]
        fn digits_are_their_number(text in "[0-9]{1,16}", after in "[ -~]{16}") {
            check_number(&text, &after);
        }

        #[test]
        fn dates_are_their_numbers(digits in "[0-9]{8}", after in "[ -~]{6}") {
            check_date(&digits, &after);
        }

        #[test]
        fn digits_around_a_point_are_their_number(
            digits in "[0-9]{2,15}", point in 1..15_usize, after in "[ -~]{16}",
        ) {
            let (whole, fraction) = digits.split_at(point.min(digits.len() - 1));
            check_number(&format!("{whole}.{fraction}"), &after);
        }
    }
}
