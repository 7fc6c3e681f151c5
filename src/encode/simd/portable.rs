//! The same questions in 64-bit arithmetic, eight bytes a step, exact for every byte.

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
    // Of the lower seven bits, whether nothing is carried; the highest bits decide where they
    // differ.
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

pub(super) fn number(bytes: &[u8; 16], whole: usize, fraction: usize) -> u64 {
    let bits = |bytes: usize| u32::try_from(8 * bytes).unwrap_or(u32::MAX);
    let digits = u128::from_le_bytes(*bytes) & u128::from_le_bytes([0x0f; 16]);
    // Those of the fraction move to the point's place, then all move to the end, and zeros come
    // before them.
    let behind = u128::MAX.checked_shl(bits(whole)).unwrap_or_default();
    let digits = digits & !behind | digits >> 8 & behind;
    let digits = digits << (bits(16 - (whole + fraction)) & 127);
    let [first, second] = [digits & u128::from(u64::MAX), digits >> 64]
        .map(|half| eight_digits(u64::try_from(half).unwrap_or_default()));
    first * 100_000_000 + second
}

/// The number of eight bytes that are 0 to 9 each.
fn eight_digits(digits: u64) -> u64 {
    // Neighbours become numbers of two digits, these of four, and these of eight.
    let pairs = digits * 10 + (digits >> 8);
    let even = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let odd = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    even.wrapping_add(odd) >> 32
}

pub(super) fn date(bytes: &[u8; 16]) -> [u32; 3] {
    let two = |at: usize| u32::from(bytes[at] & 15) * 10 + u32::from(bytes[at + 1] & 15);
    let [century, year, month, day] = [0, 2, 5, 8].map(two);
    [1600 * century + 16 * year + month, month, day]
}
