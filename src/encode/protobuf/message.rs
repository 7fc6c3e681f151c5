//! The parts of a message around the values, and how values are copied.

use super::super::changes::{Change, Changes};
use super::plan::{Form, ProtobufPlan};
use super::wire::{push_bytes, push_number, push_varint, put_varint, tag, varint_length};

/// Bytes before the constant start of a record: two lengths of two bytes each, and a tag.
pub(super) const USUAL_LENGTHS: usize = 5;

/// The lengths of a message and of its record with the tag between them, if they have the bytes
/// that those of most records have.
#[inline(always)]
pub(super) fn usual_lengths(record: usize) -> Option<[u8; USUAL_LENGTHS]> {
    // As `inner_length` has it for two bytes of length.
    let inner = record + 3;
    if record < 0x80 || inner >= 0x4000 {
        return None;
    }
    let two_bytes = |length: usize| {
        let [low, high, ..] = (length << 1 & 0x7f00 | length & 0x7f | 0x80).to_le_bytes();
        [low, high]
    };
    let ([i1, i2], [r1, r2]) = (two_bytes(inner), two_bytes(record));
    Some([i1, i2, tag::RECORD, r1, r2])
}

/// Writes the lengths of a message and of its record with the tag between them, and returns where
/// they end; `None` if there is no room.
pub(super) fn put_lengths(room: &mut [u8], inner: usize, record: usize) -> Option<usize> {
    let at = put_varint(room, 0, inner as u64)?;
    *room.get_mut(at)? = tag::RECORD;
    put_varint(room, at + 1, record as u64)
}

/// The length of the message around a record of this length.
pub(super) fn inner_length(record: usize) -> usize {
    1 + varint_length(record as u64) + record
}

/// Appends what a record says about its values, as `meta` with its tag and length, or nothing.
pub(super) fn push_meta(changes: &Changes, plan: &ProtobufPlan, out: &mut Vec<u8>) {
    let mut entries = Vec::new();
    for (column, change) in changes.list() {
        if plan.forms[*column] == Form::LeftOut {
            continue;
        }
        let mut entry = Vec::new();
        push_bytes(
            &mut entry,
            tag::FIRST_LONG,
            plan.json.names[*column].as_bytes(),
        );
        push_number(&mut entry, tag::SECOND, u64::from(!change.is_null()));
        push_number(&mut entry, tag::THIRD, reason(*change));
        push_bytes(&mut entries, tag::FIRST_LONG, &entry);
    }
    if !entries.is_empty() {
        push_bytes(out, tag::META, &entries);
    }
}

/// The number of a reason in `AirbyteRecordMessageMeta`.
fn reason(change: Change) -> u64 {
    match change {
        Change::Truncated | Change::Nulled => 6,
        Change::LeftOutOfRecord => 0,
        Change::TooLarge => 3,
    }
}

/// Bytes that are copied of a value that may be shorter.
pub(super) const COPIED: usize = 32;

/// Copies bytes to a place of `room` and returns where they end.
#[inline]
pub(super) fn copy(room: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    let end = at + bytes.len();
    room[at..end].copy_from_slice(bytes);
    end
}

/// Copies a value. A block of constant size is one instruction or two, and nearly all values fit;
/// what is written too much is covered by the next value, or is beyond the message.
#[inline]
pub(super) fn copy_value(
    room: &mut [u8],
    at: usize,
    values: &[u8],
    start: usize,
    end: usize,
) -> usize {
    let length = end - start;
    if length <= COPIED
        && let Some(from) = values.get(start..).and_then(<[u8]>::first_chunk::<COPIED>)
    {
        room[at..at + COPIED].copy_from_slice(from);
        return at + length;
    }
    copy(room, at, &values[start..end])
}

/// A message that is no record, given as its JSON, as it is written to a socket.
pub fn protocol_message(json: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    push_bytes(&mut message, tag::PROTOCOL_MESSAGE, json.trim_ascii_end());
    let mut framed = Vec::with_capacity(message.len() + 5);
    push_varint(&mut framed, message.len() as u64);
    framed.extend_from_slice(&message);
    framed
}
