//! Big-endian fields at a byte offset.
//!
//! The `read*` and `write*` functions are total; `be16` and `be32` are for views that have checked the length.

/// The 16-bit field at `at` of a slice known to hold it.
#[inline]
pub(crate) fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The 32-bit field at `at` of a slice known to hold it.
#[inline]
pub(crate) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The 16-bit field at `at`, if the slice reaches that far.
#[inline]
pub(crate) fn read16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|field| u16::from_be_bytes(*field))
}

/// The 32-bit field at `at`, if the slice reaches that far.
#[inline]
pub(crate) fn read32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|field| u32::from_be_bytes(*field))
}

/// Writes a 16-bit field, or nothing when the slice ends before it.
#[inline]
pub(crate) fn write16(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(field) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *field = value.to_be_bytes();
    }
}

/// Writes a 32-bit field, or nothing when the slice ends before it.
#[inline]
pub(crate) fn write32(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(field) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *field = value.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_beyond_the_end_are_neither_read_nor_written() {
        let mut bytes = [1, 2, 3];
        assert_eq!(read16(&bytes, 1), Some(0x0203));
        assert_eq!(read16(&bytes, 2), None);
        assert_eq!(read16(&bytes, 9), None);
        assert_eq!(read32(&bytes, 0), None);
        write16(&mut bytes, 2, 0xffff);
        write32(&mut bytes, 0, 0xffff_ffff);
        assert_eq!(bytes, [1, 2, 3]);
    }
}
