//! The room for a short value, and the messages of one or two numbers in it.

use super::wire::{put_varint, tag};
use crate::encode::short::BLOCK;

/// More bytes than a short value has, with what is written beyond it. A power of two, so that
/// remainders cost nothing.
pub(super) const ROOM: usize = 128;

pub(super) type Block = [u8; BLOCK];
pub(super) type Room = [u8; ROOM];

/// Bytes read and bytes written.
pub(super) type Lengths = Option<(usize, usize)>;

/// Writes a field with one number as the whole value.
#[inline(always)]
pub(super) fn put_number(room: &mut Room, case: u8, number: u64) -> Option<usize> {
    [room[0], room[2]] = [tag::VALUE, case];
    let end = put_varint(room, 3, number)?;
    room[1] = byte(end - 2);
    Some(end)
}

/// A length that fits into a byte, as all lengths within a room do.
#[inline(always)]
fn byte(length: usize) -> u8 {
    length.to_le_bytes()[0]
}

/// Writes what stands before the bytes of a value, which are at 4.
#[inline(always)]
pub(super) fn put_header(room: &mut Room, case: u8, length: usize) {
    let header = [tag::VALUE, byte(length + 2), case, byte(length)];
    room[..4].copy_from_slice(&header);
}

/// Writes a message of two numbers as the whole value; zeros are not written.
#[inline(always)]
pub(super) fn put_pair(room: &mut Room, case: u8, first: u64, second: u64) -> Option<usize> {
    let mut end = 4;
    if first != 0 {
        room[end] = tag::FIRST;
        end = put_varint(room, end + 1, first)?;
    }
    if second != 0 {
        *room.get_mut(end)? = tag::SECOND;
        end = put_varint(room, end + 1, second)?;
    }
    put_header(room, case, end - 4);
    Some(end)
}
