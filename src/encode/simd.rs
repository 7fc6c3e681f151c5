//! Questions about 16 bytes at once: the innermost step of the fast path.
//!
//! On x86-64 they are answered by SSE2, which every such processor has, elsewhere by 64-bit arithmetic. An answer is a set
//! of bits, bit 0 for the first byte.

/// The bytes that end the plain part of a JSON string: `"`, `\` and control characters.
#[inline]
pub(super) fn string_marks(block: &[u8; 16]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        sse2::ask(sse2::Question::StringMarks, block)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        portable::string_marks(block)
    }
}

/// The bytes that are not `0` to `9`.
#[inline]
pub(super) fn non_digits(block: &[u8; 16]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        sse2::ask(sse2::Question::NonDigits, block)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        portable::non_digits(block)
    }
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8, _mm_sub_epi8,
    };

    #[derive(Clone, Copy)]
    pub(super) enum Question {
        StringMarks,
        NonDigits,
    }

    /// The only entry, so that there is one `unsafe`. The question is known where this is inlined.
    #[inline]
    #[expect(unsafe_code, reason = "enters code compiled for SSE2")]
    pub(super) fn ask(question: Question, block: &[u8; 16]) -> u32 {
        // SAFETY: the only requirement of `answer` is SSE2, and SSE2 is part of x86-64.
        unsafe { answer(question, block) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn answer(question: Question, block: &[u8; 16]) -> u32 {
        let bytes = load(block);
        match question {
            Question::StringMarks => {
                let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
                let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
                let controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
                mask(_mm_or_si128(_mm_or_si128(quotes, backslashes), controls))
            }
            Question::NonDigits => {
                let values = _mm_sub_epi8(bytes, _mm_set1_epi8(b'0'.cast_signed()));
                let digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
                mask(digits) ^ 0xffff
            }
        }
    }

    /// Two reads of an array, which the compiler makes one of.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(block: &[u8; 16]) -> __m128i {
        let (halves, _) = block.as_chunks::<8>();
        _mm_set_epi64x(i64::from_le_bytes(halves[1]), i64::from_le_bytes(halves[0]))
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
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }

    pub(super) fn string_marks(block: &[u8; 16]) -> u32 {
        each_half(block, |bytes| {
            zeros(bytes ^ all(b'"')) | zeros(bytes ^ all(b'\\')) | zeros(bytes & all(0xe0))
        })
    }

    pub(super) fn non_digits(block: &[u8; 16]) -> u32 {
        each_half(block, |bytes| {
            // Zero in the bytes whose high half is 3 and whose low half is at most 9.
            let high = (bytes & all(0xf0)) ^ all(0x30);
            let low = ((bytes & all(0x0f)) + all(6)) & all(0xf0);
            zeros(high | low) ^ all(0x80)
        })
    }

    fn each_half(block: &[u8; 16], marks: impl Fn(u64) -> u64) -> u32 {
        let (halves, _) = block.as_chunks::<8>();
        gather(marks(u64::from_le_bytes(halves[0])))
            | gather(marks(u64::from_le_bytes(halves[1]))) << 8
    }

    /// The highest bit of every byte that is zero. Carries cannot cross bytes: 0x7f + 0x7f < 0x100.
    fn zeros(bytes: u64) -> u64 {
        !(((bytes & all(0x7f)) + all(0x7f)) | bytes) & all(0x80)
    }

    /// The highest bits of the eight bytes, side by side.
    fn gather(high_bits: u64) -> u32 {
        let [gathered, ..] = ((high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080)).to_be_bytes();
        u32::from(gathered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits(block: &[u8; 16], test: impl Fn(u8) -> bool) -> u32 {
        (0..16)
            .filter(|at| test(block[*at]))
            .map(|at| 1 << at)
            .sum()
    }

    fn check(block: &[u8; 16]) {
        let marks = bits(block, |byte| byte < 0x20 || byte == b'"' || byte == b'\\');
        assert_eq!(string_marks(block), marks, "{block:?}");
        assert_eq!(portable::string_marks(block), marks, "{block:?}");
        let others = bits(block, |byte| !byte.is_ascii_digit());
        assert_eq!(non_digits(block), others, "{block:?}");
        assert_eq!(portable::non_digits(block), others, "{block:?}");
    }

    #[test]
    #[cfg_attr(miri, ignore = "many")]
    fn every_byte_is_judged_alike_at_every_place() {
        for byte in 0..=u8::MAX {
            for other in [0, b'0', b'a', 0xff] {
                for at in 0..16 {
                    let mut block = [other; 16];
                    block[at] = byte;
                    check(&block);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn blocks_are_judged_byte_by_byte(block in any::<[u8; 16]>()) {
            check(&block);
        }
    }
}
