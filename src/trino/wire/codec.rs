//! Content of segments: bytes as stored → JSON text. Pure.
//!
//! Source: `client/trino-client`, `CompressedQueryDataDecoder`: a segment is compressed only if
//! it says its `uncompressedSize`, whatever encoding the answer names; LZ4 is a raw block without
//! a frame; sizes are checked before and after.

/// How the segments of an answer are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Plain JSON.
    Json,
    /// Zstandard frames.
    Zstd,
    /// Raw LZ4 blocks.
    Lz4,
}

/// Encodings to ask for, best first. On the networks measured so far, the smaller size of zstd does
/// not make up for its CPU time compared with lz4 (docs/performance.md).
pub const ACCEPTED: &str = "json+lz4, json+zstd, json";

/// The largest segment that is unpacked, in bytes. Trino's own limit is 128 MB of pages in memory.
const LARGEST: u64 = 1 << 30;

/// Why a segment could not be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// An encoding that this client did not ask for.
    #[error("the encoding {0:?} is not known")]
    Unknown(String),
    /// The segment is not as large as it should be.
    #[error("a segment has {found} bytes {what}, not {expected}")]
    Size {
        /// Which size.
        what: &'static str,
        /// The size from the segment's metadata.
        expected: u64,
        /// The real size.
        found: u64,
    },
    /// The bytes cannot be decompressed.
    #[error("a segment cannot be decompressed: {0}")]
    Corrupt(String),
}

impl Encoding {
    /// The encoding by its name in an answer.
    ///
    /// # Errors
    ///
    /// When this encoding was not asked for.
    pub fn from_name(name: &str) -> Result<Self, CodecError> {
        match name {
            "json" => Ok(Self::Json),
            "json+zstd" => Ok(Self::Zstd),
            "json+lz4" => Ok(Self::Lz4),
            other => Err(CodecError::Unknown(other.to_owned())),
        }
    }

    /// Unpacks the segment `stored` into `out`, in place of what is there. Returns false if it is
    /// plain JSON already.
    ///
    /// # Errors
    ///
    /// When it cannot be decompressed to exactly `uncompressed` bytes.
    pub fn unpack(
        self,
        stored: &[u8],
        uncompressed: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Result<bool, CodecError> {
        let Some(expected) = uncompressed else {
            return Ok(false);
        };
        let size = room(expected)
            .ok_or_else(|| CodecError::Corrupt(format!("{expected} bytes are too many")))?;
        let found = match self {
            Self::Json => return Ok(false),
            Self::Lz4 => {
                // What is in a used buffer is written over, and need not be zeroed before.
                out.resize(size, 0);
                lz4_flex::block::decompress_into(stored, out)
                    .map_err(|error| CodecError::Corrupt(error.to_string()))?
            }
            Self::Zstd => {
                // The capacity is the limit: a frame that unpacks to more is an error and takes no
                // more memory.
                out.clear();
                out.reserve_exact(size);
                zstd::bulk::Decompressor::new()
                    .and_then(|mut unpacker| unpacker.decompress_to_buffer(stored, out))
                    .map_err(|error| CodecError::Corrupt(error.to_string()))?
            }
        };
        check("decompressed", expected, found)?;
        Ok(true)
    }
}

/// How many bytes of memory a segment needs that says that it has `size`; `None` if that is not
/// believed.
pub(crate) fn room(size: u64) -> Option<usize> {
    usize::try_from(size).ok().filter(|_| size <= LARGEST)
}

/// Compares a size with what the segment's metadata says.
///
/// # Errors
///
/// When they differ.
pub fn check(what: &'static str, expected: u64, found: usize) -> Result<(), CodecError> {
    let found = found as u64;
    if found == expected {
        Ok(())
    } else {
        Err(CodecError::Size {
            what,
            expected,
            found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Compressed by other implementations than the ones tested here, python-lz4
    // (`lz4.block.compress(store_size=False)`) and python-zstandard: a codec that is tested
    // against itself can be wrong twice.
    const PLAIN: &[u8] = br#"[[1,"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]]"#;
    const LZ4: &[u8] = b"\x6f\x5b\x5b\x31\x2c\x22\x61\x01\x00\x12\x50\x61\x61\x22\x5d\x5d";
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\x20\x30\x7d\x00\x00\x48\x5b\x5b\x31\x2c\x22\x61\x22\x5d\x5d\x01\x00\x4a\x50\x04";

    fn unpacked(
        encoding: Encoding,
        stored: &[u8],
        size: Option<u64>,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let mut out = Vec::new();
        encoding
            .unpack(stored, size, &mut out)
            .map(|packed| packed.then_some(out))
    }

    #[test]
    fn a_segment_without_uncompressed_size_is_plain_under_every_encoding() {
        for encoding in [Encoding::Json, Encoding::Lz4, Encoding::Zstd] {
            assert_eq!(unpacked(encoding, PLAIN, None), Ok(None));
        }
    }

    #[test]
    fn a_raw_lz4_block_is_unpacked() {
        assert_eq!(
            unpacked(Encoding::Lz4, LZ4, Some(PLAIN.len() as u64)),
            Ok(Some(PLAIN.to_vec()))
        );
    }

    #[test]
    fn a_zstd_frame_is_unpacked() {
        assert_eq!(
            unpacked(Encoding::Zstd, ZSTD, Some(PLAIN.len() as u64)),
            Ok(Some(PLAIN.to_vec()))
        );
    }

    #[test]
    fn another_size_than_promised_is_an_error() {
        for size in [PLAIN.len() as u64 - 1, PLAIN.len() as u64 + 1, u64::MAX] {
            assert!(
                unpacked(Encoding::Lz4, LZ4, Some(size)).is_err(),
                "lz4 {size}"
            );
            assert!(
                unpacked(Encoding::Zstd, ZSTD, Some(size)).is_err(),
                "zstd {size}"
            );
        }
    }

    #[test]
    fn an_unknown_encoding_is_named() {
        assert_eq!(
            Encoding::from_name("arrow"),
            Err(CodecError::Unknown("arrow".into()))
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(stored: Vec<u8>, size in 0_u64..10_000) {
            for encoding in [Encoding::Lz4, Encoding::Zstd] {
                let _ = unpacked(encoding, &stored, Some(size));
            }
        }
    }
}
