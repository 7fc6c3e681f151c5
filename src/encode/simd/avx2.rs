//! The questions for processors with AVX2.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi8, _mm_cvtsi128_si64, _mm_madd_epi16, _mm_maddubs_epi16,
    _mm_packus_epi32, _mm_set_epi64x, _mm_set1_epi8, _mm_set1_epi16, _mm_set1_epi32, _mm_setr_epi8,
    _mm_setr_epi16, _mm_shuffle_epi8, _mm_sub_epi8, _mm256_cmpeq_epi8, _mm256_min_epu8,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi8, _mm256_setr_epi8,
    _mm256_shuffle_epi8, _mm256_sub_epi8,
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
    fn number(self, bytes: &[u8; 16], whole: usize, fraction: usize) -> u64 {
        // SAFETY: the only requirement is AVX2, which `self` proves.
        unsafe { number(bytes, whole, fraction) }
    }

    #[inline]
    fn date(self, bytes: &[u8; 16]) -> [u32; 3] {
        // SAFETY: the only requirement is AVX2, which `self` proves.
        unsafe { date(bytes) }
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
    // At the lower half of a byte: the byte with this half that ends a string, or one that has
    // another half.
    let quote = i8::from_le_bytes([b'"']);
    let backslash = i8::from_le_bytes([b'\\']);
    let ends = _mm256_setr_epi8(
        1, 0, quote, 0, 0, 0, 0, 0, 0, 0, 0, 0, backslash, 0, 0, 0, 1, 0, quote, 0, 0, 0, 0, 0, 0,
        0, 0, 0, backslash, 0, 0, 0,
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

/// From `digits` on, the places of so many bytes from the first on, at the end of sixteen. A place
/// with its highest bit stands for zero.
static PLACES: [u8; 48] = {
    let mut places = [0; 48];
    let mut at: u8 = 0;
    while at < 48 {
        places[at as usize] = at.wrapping_sub(16);
        at += 1;
    }
    places
};

/// From `digits` on, a one for so many bytes at the end of sixteen.
static ONES: [u8; 48] = {
    let mut ones = [1; 48];
    let mut at = 0;
    while at < 16 {
        ones[at] = 0;
        at += 1;
    }
    ones
};

#[inline]
#[target_feature(enable = "avx2")]
fn number(bytes: &[u8; 16], whole: usize, fraction: usize) -> u64 {
    // The digits move to the end, those of the fraction by one place less, and zeros come before
    // them.
    let places = load_half(from(&PLACES, whole + fraction));
    let places = _mm_add_epi8(places, load_half(from(&ONES, fraction)));
    let digits = _mm_sub_epi8(load_half(bytes), _mm_set1_epi8(b'0'.cast_signed()));
    let digits = _mm_shuffle_epi8(digits, places);
    // Neighbours become numbers of two digits, these of four, and these of eight.
    let twos = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 + (1 << 8)));
    let fours = _mm_madd_epi16(twos, _mm_set1_epi32(100 + (1 << 16)));
    let fours = _mm_packus_epi32(fours, fours);
    let eights = _mm_madd_epi16(fours, _mm_set1_epi32(10_000 + (1 << 16)));
    let eights = _mm_cvtsi128_si64(eights).cast_unsigned();
    (eights & u64::from(u32::MAX)) * 100_000_000 + (eights >> 32)
}

#[inline]
#[target_feature(enable = "avx2")]
fn date(bytes: &[u8; 16]) -> [u32; 3] {
    let digits = _mm_sub_epi8(load_half(bytes), _mm_set1_epi8(b'0'.cast_signed()));
    let places = _mm_setr_epi8(0, 1, 2, 3, 5, 6, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1);
    let twos = _mm_maddubs_epi16(
        _mm_shuffle_epi8(digits, places),
        _mm_set1_epi16(10 + (1 << 8)),
    );
    // Century and year become sixteen times the year; month and day stay apart by a byte.
    let scales = _mm_setr_epi16(1600, 16, 1, 1 << 8, 0, 0, 0, 0);
    let parts = _mm_cvtsi128_si64(_mm_madd_epi16(twos, scales)).to_le_bytes();
    let [a, b, c, d, month, day, ..] = parts;
    let month = u32::from(month);
    [u32::from_le_bytes([a, b, c, d]) + month, month, day.into()]
}

/// The sixteen bytes of a table from a place on.
#[inline]
fn from(table: &[u8; 48], place: usize) -> &[u8; 16] {
    // The remainder changes nothing, and tells the compiler that all of it lies within the table.
    let bytes = table[place % 32..].first_chunk();
    bytes.unwrap_or(&[0; 16])
}

/// Two reads of an array, which the compiler makes one of.
#[inline]
#[target_feature(enable = "avx2")]
fn load_half(bytes: &[u8; 16]) -> __m128i {
    let (words, _) = bytes.as_chunks::<8>();
    let [a, b] = [words[0], words[1]].map(i64::from_le_bytes);
    _mm_set_epi64x(b, a)
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
