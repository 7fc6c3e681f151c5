//! The values of one row of the page, one after the other, as the fast path finds them.
//!
//! Most values end at the next comma. The commas of 64 bytes are found at once, and the processor goes on at the next one
//! while it still looks at the value before it; without this, it would wait for each value's length.

use std::hint::cold_path;

use super::place::Stop;
use super::short::BLOCK;
use super::simd::Level;

/// Where the fast path is in a row.
pub(super) struct Values<'p> {
    /// The page from the present value on; after the last one, from what follows it on.
    page: &'p [u8],
    /// The commas of some of its first bytes.
    commas: u64,
    /// Whether the last value was passed over.
    is_over: bool,
}

impl<'p> Values<'p> {
    /// The values of the row that `page` begins with, which has one at least.
    #[inline(always)]
    pub(super) fn new<L: Level>(level: L, page: &'p [u8]) -> Result<Self, Stop> {
        let mut values = Self {
            page,
            commas: 0,
            is_over: false,
        };
        values.start(level, b'[')?;
        Ok(values)
    }

    /// Starts with the value behind the next byte, which has to be `before`.
    #[inline(always)]
    fn start<L: Level>(&mut self, level: L, before: u8) -> Result<(), Stop> {
        match self.page.split_first() {
            Some((found, page)) if *found == before => self.page = page,
            _ => return Err(Stop::Odd),
        }
        self.commas = level.commas(self.block()?);
        Ok(())
    }

    /// The block that begins with the present value.
    #[inline(always)]
    pub(super) fn block(&self) -> Result<&'p [u8; BLOCK], Stop> {
        self.page.first_chunk().ok_or(Stop::Odd)
    }

    /// All of the page from the present value on.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'p [u8] {
        self.page
    }

    /// Passes over the present value, which lies within its block. If `is_last`, no other value follows.
    #[inline(always)]
    pub(super) fn pass_short<L: Level>(
        &mut self,
        level: L,
        length: usize,
        is_last: impl FnOnce() -> bool,
    ) -> Result<(), Stop> {
        // The same as `length == commas.trailing_zeros()`, of which the compiler would use the former below.
        if 1 << (length % BLOCK) == self.commas & self.commas.wrapping_neg() {
            // The remainder changes nothing, and tells the compiler that all of it lies within the block.
            let length = self.commas.trailing_zeros() as usize % BLOCK;
            self.page = &self.page[length + 1..];
            self.commas = self.commas >> length >> 1;
            return Ok(());
        }
        cold_path();
        self.pass(level, length, is_last())
    }

    /// Passes over the present value, whatever its length.
    #[inline(always)]
    pub(super) fn pass<L: Level>(
        &mut self,
        level: L,
        length: usize,
        is_last: bool,
    ) -> Result<(), Stop> {
        self.page = self.page.get(length..).ok_or(Stop::Odd)?;
        if is_last {
            self.is_over = true;
            return Ok(());
        }
        self.start(level, b',')
    }

    /// What follows the row, of which all values were passed over, and no comma behind them.
    #[inline(always)]
    pub(super) fn end(self) -> Result<&'p [u8], Stop> {
        match self.page.split_first() {
            Some((b']', rest)) if self.is_over => Ok(rest),
            _ => Err(Stop::Odd),
        }
    }
}
