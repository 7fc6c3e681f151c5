//! Memory for the bodies of answers, used again and again.
//!
//! A page has a megabyte or more, a segment ten. As fresh memory of the system, each byte of it
//! would be zeroed before it is written, and given back right after it is read: a tenth of all CPU
//! time (docs/performance.md).

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// The most bytes that are kept for later use, together with those in use. As much as the memory
/// budget of segments.
const LIMIT: usize = 64 << 20;

/// Buffers that are not in use at the moment. Cheap to clone; all clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    spare: Vec<Vec<u8>>,
    /// Bytes of the spare ones, and of those in use.
    size: usize,
}

/// A buffer in use. It goes back when it is dropped, or the [`Bytes`] that were made of it.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// The content. A used buffer still has its old one, so that it need not be zeroed again.
    pub(crate) bytes: Vec<u8>,
    taken_as: usize,
    buffers: Buffers,
}

impl Buffers {
    /// A buffer for `size` bytes; it grows where more are needed.
    pub(crate) fn take(&self, size: usize) -> Buffer {
        let mut kept = self.lock();
        let fitting = kept.spare.iter().enumerate();
        let fitting = fitting.filter(|(_, bytes)| bytes.capacity() >= size);
        let smallest = fitting.min_by_key(|(_, bytes)| bytes.capacity());
        let bytes = if let Some((at, _)) = smallest {
            kept.spare.swap_remove(at)
        } else {
            // Others are too small, and would only be in the way.
            while kept.size + size > LIMIT
                && let Some(bytes) = kept.spare.pop()
            {
                kept.size -= bytes.capacity();
            }
            let bytes = Vec::with_capacity(size);
            kept.size += bytes.capacity();
            bytes
        };
        drop(kept);
        Buffer {
            taken_as: bytes.capacity(),
            bytes,
            buffers: self.clone(),
        }
    }

    fn give_back(&self, bytes: Vec<u8>, taken_as: usize) {
        let mut kept = self.lock();
        kept.size -= taken_as;
        if kept.size + bytes.capacity() <= LIMIT {
            kept.size += bytes.capacity();
            kept.spare.push(bytes);
        }
    }

    /// A poisoned lock only means that a thread has panicked while it moved a buffer.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    /// The content as bytes that can be shared.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = mem::take(&mut self.bytes);
        self.buffers.give_back(bytes, self.taken_as);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spare(buffers: &Buffers) -> Vec<usize> {
        let kept = buffers.lock();
        kept.spare.iter().map(Vec::capacity).collect()
    }

    #[test]
    fn a_buffer_comes_back_when_the_last_part_of_its_bytes_is_dropped() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take(10);
        buffer.bytes.extend_from_slice(b"0123456789");
        let address = buffer.bytes.as_ptr();
        let bytes = buffer.into_bytes();
        let part = bytes.slice(2..4);
        drop(bytes);
        assert_eq!((&part[..], spare(&buffers)), (&b"23"[..], vec![]));
        drop(part);
        assert_eq!(buffers.take(5).bytes.as_ptr(), address);
    }

    #[test]
    fn the_smallest_buffer_that_is_large_enough_is_taken() {
        let buffers = Buffers::default();
        let all = [30, 10, 20].map(|size| buffers.take(size));
        drop(all);
        assert_eq!(buffers.take(15).bytes.capacity(), 20);
        assert_eq!(buffers.take(21).bytes.capacity(), 30);
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        let buffers = Buffers::default();
        let [first, second] = [LIMIT / 2, LIMIT].map(|size| buffers.take(size));
        drop(second);
        assert_eq!(spare(&buffers), [0; 0]);
        drop(first);
        assert_eq!(spare(&buffers), [LIMIT / 2]);
        let whole = buffers.take(LIMIT);
        assert_eq!(spare(&buffers), [0; 0]);
        drop(whole);
        assert_eq!(spare(&buffers), [LIMIT]);
    }

    #[test]
    fn a_buffer_that_has_grown_is_counted_as_it_is() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take(1);
        buffer.bytes.resize(LIMIT + 1, 0);
        drop(buffer);
        assert_eq!((spare(&buffers), buffers.lock().size), (vec![], 0));
    }
}
