//! The questions for processors of x86-64 without AVX2: twice sixteen bytes.

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
