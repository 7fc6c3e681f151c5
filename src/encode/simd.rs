//! Questions about 32 bytes at once: the innermost step of the fast path.
//!
//! A [`Level`] is what a processor can do. The fast path is compiled once for each of them, and [`Best`] says at run time
//! which one this processor has. On x86-64 there are AVX2 with BMI, which nearly all have since 2013, and SSE2, which
//! all have; elsewhere there is 64-bit arithmetic. An answer is a set of bits, bit 0 for the first byte.

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
    /// `9` in `pattern` stands for any digit, `?` for any byte, and all others for themselves. Digits follow its end.
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

    /// The bytes that are not `0` to `9`.
    #[inline]
    fn non_digits(self, bytes: &Bytes) -> u32 {
        self.unlike(&DIGITS, bytes)
    }

    /// Does the work in code that is compiled for this level.
    fn run<W: Work>(self, work: W) -> W::Output;
}

/// Work that is compiled once for each level, with all of it that is always inlined. A closure would be inlined only if
/// the compiler likes.
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
    fn run<W: Work>(self, work: W) -> W::Output {
        work.run(self)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set_epi64x, _mm256_set1_epi8, _mm256_setr_epi8, _mm256_shuffle_epi8,
        _mm256_sub_epi8,
    };

    use super::{BYTES, Bytes, Level, Pattern, Work};

    /// AVX2, BMI and LZCNT, which came together. Made by [`detect`](Self::detect) alone.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in super::super) struct Avx2(());

    impl Avx2 {
        pub(super) fn detect() -> Option<Self> {
            let is_there = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt");
            is_there.then_some(Self(()))
        }
    }

    #[expect(unsafe_code, reason = "enters code compiled for AVX2")]
    impl Level for Avx2 {
        #[inline]
        fn string_marks(self, bytes: &Bytes) -> u32 {
            // SAFETY: the only requirement is AVX2, which `self` proves.
            unsafe { string_marks(bytes) }
        }

        #[inline]
        fn commas(self, bytes: &[u8; 2 * BYTES]) -> u64 {
            // SAFETY: the only requirement is AVX2, which `self` proves.
            unsafe { commas(bytes) }
        }

        #[inline]
        fn unlike(self, pattern: &Pattern, bytes: &Bytes) -> u32 {
            // SAFETY: the only requirement is AVX2, which `self` proves.
            unsafe { unlike(pattern, bytes) }
        }

        #[inline]
        fn run<W: Work>(self, work: W) -> W::Output {
            #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
            fn run<W: Work>(level: Avx2, work: W) -> W::Output {
                work.run(level)
            }
            // SAFETY: the only requirement is what `self` proves.
            unsafe { run(self, work) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn string_marks(bytes: &Bytes) -> u32 {
        let bytes = load(bytes);
        // At the lower half of a byte: the byte with this half that ends a string, or one that has another half.
        let quote = i8::from_le_bytes([b'"']);
        let backslash = i8::from_le_bytes([b'\\']);
        let ends = _mm256_setr_epi8(
            1, 0, quote, 0, 0, 0, 0, 0, 0, 0, 0, 0, backslash, 0, 0, 0, 1, 0, quote, 0, 0, 0, 0, 0,
            0, 0, 0, 0, backslash, 0, 0, 0,
        );
        let quotes = _mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(ends, bytes));
        let controls = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
        mask(_mm256_or_si256(quotes, controls))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn commas(bytes: &[u8; 2 * BYTES]) -> u64 {
        let (halves, _) = bytes.as_chunks();
        let comma = _mm256_set1_epi8(b','.cast_signed());
        let half = |at: usize| u64::from(mask(_mm256_cmpeq_epi8(load(&halves[at]), comma)));
        half(0) | half(1) << 32
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn unlike(pattern: &Pattern, bytes: &Bytes) -> u32 {
        let beyond = _mm256_sub_epi8(load(bytes), load(&pattern.least));
        !mask(_mm256_cmpeq_epi8(
            _mm256_min_epu8(beyond, load(&pattern.span)),
            beyond,
        ))
    }

    /// Four reads of an array, which the compiler makes one of.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &Bytes) -> __m256i {
        let (words, _) = bytes.as_chunks::<8>();
        let [a, b, c, d] = [words[0], words[1], words[2], words[3]].map(i64::from_le_bytes);
        _mm256_set_epi64x(d, c, b, a)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn mask(lanes: __m256i) -> u32 {
        _mm256_movemask_epi8(lanes).cast_unsigned()
    }
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8, _mm_sub_epi8,
    };

    use super::{Bytes, Pattern};

    #[derive(Clone, Copy)]
    pub(super) enum Question<'a> {
        StringMarks,
        Unlike(&'a Pattern),
    }

    /// The only entry, so that there is one `unsafe`. The question is known where this is inlined.
    #[inline]
    #[expect(unsafe_code, reason = "enters code compiled for SSE2")]
    pub(super) fn ask(question: Question, bytes: &Bytes) -> u32 {
        // SAFETY: the only requirement of `answer` is SSE2, and SSE2 is part of x86-64.
        unsafe { answer(question, bytes) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn answer(question: Question, bytes: &Bytes) -> u32 {
        let [first, second] = load(bytes);
        match question {
            Question::StringMarks => string_marks(first) | string_marks(second) << 16,
            Question::Unlike(pattern) => {
                let [least, span] = [load(&pattern.least), load(&pattern.span)];
                let like = like(first, least[0], span[0]) | like(second, least[1], span[1]) << 16;
                !like
            }
        }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn string_marks(bytes: __m128i) -> u32 {
        let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
        let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
        let controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        mask(_mm_or_si128(_mm_or_si128(quotes, backslashes), controls))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn like(bytes: __m128i, least: __m128i, span: __m128i) -> u32 {
        let beyond = _mm_sub_epi8(bytes, least);
        mask(_mm_cmpeq_epi8(_mm_min_epu8(beyond, span), beyond))
    }

    /// Reads of an array, which the compiler makes two of.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(bytes: &Bytes) -> [__m128i; 2] {
        let (words, _) = bytes.as_chunks::<8>();
        let [a, b, c, d] = [words[0], words[1], words[2], words[3]].map(i64::from_le_bytes);
        [_mm_set_epi64x(b, a), _mm_set_epi64x(d, c)]
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn mask(lanes: __m128i) -> u32 {
        _mm_movemask_epi8(lanes).cast_unsigned()
    }
}

/// The same questions in 64-bit arithmetic, eight bytes a step, exact for every byte.
#[cfg_attr(
    target_arch = "x86_64",
    cfg_attr(
        not(test),
        expect(dead_code, reason = "for other processors and tests")
    )
)]
mod portable {
    use super::{Bytes, Pattern};

    const HIGH: u64 = all(0x80);

    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }

    pub(super) fn string_marks(bytes: &Bytes) -> u32 {
        let (words, _) = bytes.as_chunks::<8>();
        let marks = words.iter().map(|word| {
            let bytes = u64::from_le_bytes(*word);
            zeros(bytes ^ all(b'"')) | zeros(bytes ^ all(b'\\')) | zeros(bytes & all(0xe0))
        });
        gather(marks)
    }

    pub(super) fn unlike(pattern: &Pattern, bytes: &Bytes) -> u32 {
        let words = |bytes: &Bytes| {
            let (words, _) = bytes.as_chunks::<8>();
            [words[0], words[1], words[2], words[3]].map(u64::from_le_bytes)
        };
        let (bytes, least, span) = (words(bytes), words(&pattern.least), words(&pattern.span));
        gather((0..4).map(|at| at_most(differences(bytes[at], least[at]), span[at]) ^ HIGH))
    }

    /// `left - right`, byte by byte, without carries.
    fn differences(left: u64, right: u64) -> u64 {
        ((left | HIGH) - (right & !HIGH)) ^ ((left ^ !right) & HIGH)
    }

    /// The highest bit of every byte that is at most that of `most`.
    fn at_most(bytes: u64, most: u64) -> u64 {
        // Of the lower seven bits, whether nothing is carried; the highest bits decide where they differ.
        let lower = ((most | HIGH) - (bytes & !HIGH)) & HIGH;
        (most & !bytes | lower & !(most ^ bytes)) & HIGH
    }

    /// The highest bit of every byte that is zero. Carries cannot cross bytes: 0x7f + 0x7f < 0x100.
    fn zeros(bytes: u64) -> u64 {
        !(((bytes & !HIGH) + !HIGH) | bytes) & HIGH
    }

    /// The highest bits of the bytes of four words, side by side.
    fn gather(high_bits: impl Iterator<Item = u64>) -> u32 {
        let bytes = high_bits.map(|bits| {
            let [gathered, ..] = ((bits >> 7).wrapping_mul(0x0102_0408_1020_4080)).to_be_bytes();
            gathered
        });
        bytes
            .enumerate()
            .map(|(at, byte)| u32::from(byte) << (8 * at))
            .sum()
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
    }
}
