//! Where the fast path is in page and line, and its block-wise reads and writes.
//!
//! Blocks of constant size are copied, longer than needed, and the next write covers the excess: a
//! store of known size is one instruction, and most cells and keys fit in one block. Every index is
//! checked.

use super::plan::Fixed;

/// Why the fast path left a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Not a form that the fast path takes, or too near to the end of the page to read whole
    /// blocks.
    Odd,
    /// `out` is full.
    Full,
}

/// How far the page is read and the line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The next byte of the page.
    pub(super) page: usize,
    /// The next byte of `out`.
    pub(super) out: usize,
}

impl Place {
    /// `length` bytes of the page are copied.
    pub(super) fn copied(self, length: usize) -> Self {
        self.step(length, length)
    }

    /// So many bytes of the page are read, and so many are written.
    pub(super) fn step(self, page: usize, out: usize) -> Self {
        Self {
            page: self.page + page,
            out: self.out + out,
        }
    }
}

/// What has become of the rows of a page.
#[derive(Debug)]
pub(super) struct Written {
    /// Rows that were written whole.
    pub(super) rows: u64,
    /// How far the page is read and `out` is written: after the last of them.
    pub(super) place: Place,
    /// Why the next row was left; `None` if none was seen.
    pub(super) stop: Option<Stop>,
}

/// Where a step of the fast path ends, or why it stops.
pub(super) type Step = Result<Place, Stop>;

/// The `N` bytes at a place of the page.
#[inline]
pub(super) fn block<const N: usize>(page: &[u8], at: usize) -> Result<&[u8; N], Stop> {
    page.get(at..)
        .and_then(<[u8]>::first_chunk)
        .ok_or(Stop::Odd)
}

/// The `N` bytes of `out` at a place.
#[inline]
pub(super) fn room<const N: usize>(out: &mut [u8], at: usize) -> Result<&mut [u8; N], Stop> {
    out.get_mut(at..)
        .and_then(<[u8]>::first_chunk_mut)
        .ok_or(Stop::Full)
}

/// Writes `N` bytes at a place of `out`.
#[inline]
pub(super) fn put<const N: usize>(out: &mut [u8], at: usize, block: &[u8; N]) -> Result<(), Stop> {
    *room(out, at)? = *block;
    Ok(())
}

/// Passes over a byte that must stand here.
#[inline]
pub(super) fn accept(page: &[u8], place: Place, byte: u8) -> Step {
    if page.get(place.page) == Some(&byte) {
        Ok(place.step(1, 0))
    } else {
        Err(Stop::Odd)
    }
}

/// Writes fixed bytes and returns the room after them.
#[inline]
pub(super) fn put_fixed<'o>(mut out: &'o mut [u8], fixed: &Fixed) -> Result<&'o mut [u8], Stop> {
    for block in fixed.whole_blocks() {
        *out.first_chunk_mut().ok_or(Stop::Full)? = *block;
        out = &mut out[Fixed::BLOCK..];
    }
    let (last, length) = fixed.last_block();
    *out.first_chunk_mut().ok_or(Stop::Full)? = *last;
    out.get_mut(length..).ok_or(Stop::Full)
}

/// Writes any bytes and returns where they end.
pub(super) fn put_bytes(out: &mut [u8], at: usize, bytes: &[u8]) -> Result<usize, Stop> {
    let end = at + bytes.len();
    out.get_mut(at..end)
        .ok_or(Stop::Full)?
        .copy_from_slice(bytes);
    Ok(end)
}
