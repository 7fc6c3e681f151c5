//! The wire format of Protobuf, as far as Airbyte's messages need it.

/// Bytes of the longest varint.
const LONGEST: usize = 10;

/// Fields and their wire types, as they stand before a value.
pub(super) mod tag {
    /// `AirbyteMessageProtobuf.record`
    pub(in super::super) const RECORD: u8 = 1 << 3 | 2;
    /// `AirbyteMessageProtobuf.airbyte_protocol_message`
    pub(in super::super) const PROTOCOL_MESSAGE: u8 = 2 << 3 | 2;
    /// `AirbyteRecordMessageProtobuf.stream_namespace`
    pub(in super::super) const NAMESPACE: u8 = 1 << 3 | 2;
    /// `AirbyteRecordMessageProtobuf.stream_name`
    pub(in super::super) const NAME: u8 = 2 << 3 | 2;
    /// `AirbyteRecordMessageProtobuf.emitted_at_ms`
    pub(in super::super) const EMITTED_AT: u8 = 3 << 3;
    /// `AirbyteRecordMessageProtobuf.partition_id`
    pub(in super::super) const PARTITION: u8 = 4 << 3 | 2;
    /// `AirbyteRecordMessageProtobuf.data`
    pub(in super::super) const VALUE: u8 = 5 << 3 | 2;
    /// `AirbyteRecordMessageProtobuf.meta`
    pub(in super::super) const META: u8 = 6 << 3 | 2;
    /// `AirbyteValueProtobuf.boolean`
    pub(in super::super) const BOOLEAN: u8 = 1 << 3;
    /// `AirbyteValueProtobuf.string`
    pub(in super::super) const STRING: u8 = 2 << 3 | 2;
    /// `AirbyteValueProtobuf.integer`
    pub(in super::super) const INTEGER: u8 = 3 << 3;
    /// `AirbyteValueProtobuf.big_integer`
    pub(in super::super) const BIG_INTEGER: u8 = 4 << 3 | 2;
    /// `AirbyteValueProtobuf.number`
    pub(in super::super) const NUMBER: u8 = 5 << 3 | 1;
    /// `AirbyteValueProtobuf.big_decimal`
    pub(in super::super) const BIG_DECIMAL: u8 = 6 << 3 | 2;
    /// `AirbyteValueProtobuf.date`
    pub(in super::super) const DATE: u8 = 7 << 3;
    /// `AirbyteValueProtobuf.time_with_timezone`
    pub(in super::super) const TIME_WITH_TIME_ZONE: u8 = 8 << 3 | 2;
    /// `AirbyteValueProtobuf.time_without_timezone`
    pub(in super::super) const TIME: u8 = 9 << 3;
    /// `AirbyteValueProtobuf.timestamp_with_timezone`
    pub(in super::super) const TIMESTAMP_WITH_TIME_ZONE: u8 = 10 << 3 | 2;
    /// `AirbyteValueProtobuf.timestamp_without_timezone`
    pub(in super::super) const TIMESTAMP: u8 = 11 << 3 | 2;
    /// `AirbyteValueProtobuf.json`
    pub(in super::super) const JSON: u8 = 12 << 3 | 2;
    /// The first field of a message inside of a value, a number.
    pub(in super::super) const FIRST: u8 = 1 << 3;
    /// Its second field, a number.
    pub(in super::super) const SECOND: u8 = 2 << 3;
    /// Its third field, a number.
    pub(in super::super) const THIRD: u8 = 3 << 3;
    /// The first field of a message inside of `meta`, of some length.
    pub(in super::super) const FIRST_LONG: u8 = 1 << 3 | 2;
}

/// A number whose small values, also those below zero, have short varints.
#[inline(always)]
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

/// Bytes of a varint.
#[inline(always)]
pub(super) fn varint_length(value: u64) -> usize {
    // Seven bits a byte, and one byte for 0.
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Writes a varint into a block of constant size and returns where it ends; `None` where the block
/// ends first.
#[inline(always)]
pub(super) fn put_varint(room: &mut [u8], mut at: usize, mut value: u64) -> Option<usize> {
    while value >= 0x80 {
        *room.get_mut(at)? = low_bits(value) | 0x80;
        value >>= 7;
        at += 1;
    }
    *room.get_mut(at)? = low_bits(value);
    Some(at + 1)
}

/// The lowest seven bits.
#[inline(always)]
fn low_bits(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

/// Appends a varint.
pub(super) fn push_varint(out: &mut Vec<u8>, value: u64) {
    let mut room = [0; LONGEST];
    if let Some(end) = put_varint(&mut room, 0, value) {
        out.extend_from_slice(&room[..end]);
    }
}

/// Appends a field of some length.
pub(super) fn push_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a field with a number; zero is the default and is not written.
pub(super) fn push_number(out: &mut Vec<u8>, tag: u8, value: u64) {
    if value != 0 {
        out.push(tag);
        push_varint(out, value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn varints_and_zigzag_are_those_of_protobuf() {
        for (value, expected) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (300, &[0xd8, 4]),
            (
                i64::MAX,
                &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            ),
            (
                i64::MIN,
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            ),
        ] {
            let mut out = Vec::new();
            push_varint(&mut out, zigzag(value));
            assert_eq!(out, expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_varint_is_as_long_as_told(value in any::<u64>(), shift in 0..64) {
            let value = value >> shift;
            let mut out = Vec::new();
            push_varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_length(value));
        }
    }
}
