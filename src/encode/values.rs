//! The values of one row of the page, one after the other, as the fast path finds them.
//!
//! Most values end at the next comma. The commas of 64 bytes are found at once, and the processor
//! goes on at the next one while it still looks at the value before it; without this, it would wait
//! for each value's length.

use std::hint::cold_path;
use std::num::NonZero;

use super::place::Stop;
use super::short::BLOCK;
use super::simd::Level;

/// Bytes of a window: wherever a value begins within its first block, the block that begins there
/// lies within the window.
pub(super) const WINDOW: usize = 2 * BLOCK;

/// Where the fast path is in a row.
pub(super) struct Values<'p> {
    /// The page from the row on.
    page: &'p [u8],
    /// Where the window begins in it.
    start: usize,
    /// It begins before a value.
    window: &'p [u8; WINDOW],
    /// Where the present value begins, in the window.
    at: usize,
    /// The commas behind it, of the window's first block. If there are none, the first bit, where
    /// no value ends.
    commas: NonZero<u64>,
}

impl<'p> Values<'p> {
    /// The values of the row that `page` begins with.
    #[inline(always)]
    pub(super) fn new<L: Level>(level: L, page: &'p [u8]) -> Result<Self, Stop> {
        if page.first() != Some(&b'[') {
            return Err(Stop::Odd);
        }
        let (window, commas) = window(level, page)?;
        Ok(Self {
            page,
            start: 0,
            window,
            at: 1,
            commas,
        })
    }

    /// The block that begins with the present value.
    #[inline(always)]
    pub(super) fn block(&self) -> Result<&'p [u8; BLOCK], Stop> {
        self.window[self.at..].first_chunk().ok_or(Stop::Odd)
    }

    /// All of the page from the present value on.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'p [u8] {
        self.page.get(self.start + self.at..).unwrap_or_default()
    }

    /// Passes over the present value, which lies within its block. Returns what follows the row if
    /// no other value does.
    #[inline(always)]
    pub(super) fn pass_short<L: Level>(
        &mut self,
        level: L,
        length: usize,
    ) -> Result<Option<&'p [u8]>, Stop> {
        let comma = self.commas.trailing_zeros() as usize;
        if comma != self.at + length {
            cold_path();
            return self.pass(level, length);
        }
        let commas = self.commas.get();
        if let Some(commas) = NonZero::new(commas & (commas - 1)) {
            (self.at, self.commas) = (comma + 1, commas);
        } else {
            cold_path();
            self.go_on(level, self.start + comma)?;
        }
        Ok(None)
    }

    /// Passes over the present value, whatever its length. Returns what follows the row if no other
    /// value does.
    #[inline(always)]
    pub(super) fn pass<L: Level>(
        &mut self,
        level: L,
        length: usize,
    ) -> Result<Option<&'p [u8]>, Stop> {
        let end = self.start + self.at + length;
        match self.page.get(end..) {
            Some([b',', ..]) => self.go_on(level, end).map(|()| None),
            Some([b']', rest @ ..]) => Ok(Some(rest)),
            _ => Err(Stop::Odd),
        }
    }

    /// Goes on with the value behind the comma at this place of the page.
    #[inline(always)]
    fn go_on<L: Level>(&mut self, level: L, comma: usize) -> Result<(), Stop> {
        let page = self.page.get(comma..).ok_or(Stop::Odd)?;
        (self.window, self.commas) = window(level, page)?;
        (self.start, self.at) = (comma, 1);
        Ok(())
    }
}

/// The window that the page begins with, and the commas of its first block, the first byte left
/// out.
#[inline(always)]
fn window<L: Level>(level: L, page: &[u8]) -> Result<(&[u8; WINDOW], NonZero<u64>), Stop> {
    let window: &[u8; WINDOW] = page.first_chunk().ok_or(Stop::Odd)?;
    let ([block, _], _) = window.as_chunks() else {
        return Err(Stop::Odd);
    };
    let commas = NonZero::new(level.commas(block) & !1);
    Ok((window, commas.unwrap_or(NonZero::<u64>::MIN)))
}
