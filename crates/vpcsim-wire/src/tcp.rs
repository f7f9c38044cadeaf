//! TCP segments (RFC 9293).

use std::net::Ipv4Addr;

use crate::field::{be16, be32};
use crate::{Malformed, Protocol, checksum};

/// Length of a header without options.
pub const HEADER_LEN: usize = 20;
/// Offset of the checksum.
pub const CHECKSUM_AT: usize = 16;

/// No more data from the sender.
pub const FIN: u8 = 0x01;
/// Synchronize sequence numbers.
pub const SYN: u8 = 0x02;
/// Reset the connection.
pub const RST: u8 = 0x04;
/// Hand the data to the application at once.
pub const PSH: u8 = 0x08;
/// The acknowledgement number counts.
pub const ACK: u8 = 0x10;
/// The urgent pointer counts.
pub const URG: u8 = 0x20;
/// Congestion was experienced.
pub const ECE: u8 = 0x40;
/// The congestion window was reduced.
pub const CWR: u8 = 0x80;

/// Kind of the option that ends the list.
pub const OPTION_END: u8 = 0;
/// Kind of the one-byte filler.
pub const OPTION_NOP: u8 = 1;
/// Kind of the maximum segment size.
pub const OPTION_MSS: u8 = 2;

/// A segment whose data offset lies within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    bytes: &'a [u8],
    header_len: usize,
}

impl<'a> Segment<'a> {
    /// Reads the payload of an unfragmented packet.
    ///
    /// # Errors
    ///
    /// Fewer than 20 bytes, or a data offset below 20 or beyond the end.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Malformed::unless_covered("tcp", HEADER_LEN, bytes.len())?;
        let header_len = usize::from(bytes[12] >> 4) * 4;
        if header_len < HEADER_LEN {
            return Err(Malformed::BadLength {
                header: "tcp",
                stated_len: header_len,
            });
        }
        Malformed::unless_covered("tcp", header_len, bytes.len())?;
        Ok(Self { bytes, header_len })
    }

    /// Port of the sender.
    pub fn source_port(&self) -> u16 {
        be16(self.bytes, 0)
    }

    /// Port of the receiver.
    pub fn destination_port(&self) -> u16 {
        be16(self.bytes, 2)
    }

    /// Sequence number of the first byte, or of the SYN.
    pub fn seq(&self) -> u32 {
        be32(self.bytes, 4)
    }

    /// The next sequence number that the sender expects; counts only with [`ACK`].
    pub fn ack(&self) -> u32 {
        be32(self.bytes, 8)
    }

    /// Length of the header with its options, in bytes.
    pub const fn header_len(&self) -> usize {
        self.header_len
    }

    /// The eight flags, from [`FIN`] to [`CWR`].
    pub const fn flags(&self) -> u8 {
        self.bytes[13]
    }

    /// The receive window, not scaled.
    pub fn window(&self) -> u16 {
        be16(self.bytes, 14)
    }

    /// The checksum as it is written, right or wrong.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes, CHECKSUM_AT)
    }

    /// End of the urgent data; counts only with [`URG`].
    pub fn urgent_pointer(&self) -> u16 {
        be16(self.bytes, 18)
    }

    /// The options, padding included.
    pub fn options(&self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..self.header_len]
    }

    /// The maximum segment size that the sender takes, if it states one.
    pub fn mss(&self) -> Option<u16> {
        mss_at(self.options()).map(|at| be16(self.options(), at))
    }

    /// The data.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.header_len..]
    }

    /// Sequence numbers that the segment takes up: its data, and one each for SYN and FIN.
    pub fn sequence_len(&self) -> u32 {
        let marks = u32::from(self.flags() & SYN != 0) + u32::from(self.flags() & FIN != 0);
        self.payload().len() as u32 + marks
    }

    /// Whether the checksum is right for a packet between these addresses.
    pub fn verify_checksum(&self, source: Ipv4Addr, destination: Ipv4Addr) -> bool {
        checksum::transport(source, destination, Protocol::TCP, self.bytes) == 0
    }
}

/// Where in `options` the value of the maximum segment size lies; `None` if absent or the list is broken before it.
pub(crate) fn mss_at(options: &[u8]) -> Option<usize> {
    match option_at(options, OPTION_MSS)? {
        (at, 2) => Some(at),
        _ => None,
    }
}

/// Where in `options` the value of the first option of a kind lies, and its length; `None` if absent or the list is broken
/// before it.
pub(crate) fn option_at(options: &[u8], wanted: u8) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        match *options.get(at)? {
            OPTION_END => return None,
            OPTION_NOP => at += 1,
            kind => {
                let len = usize::from(*options.get(at + 1)?);
                if len < 2 || at + len > options.len() {
                    return None;
                }
                if kind == wanted {
                    return Some((at + 2, len - 2));
                }
                at += len;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{HOST, SERVER};

    /// A SYN from port 40000 to 443 with a maximum segment size of 1460.
    #[rustfmt::skip]
    const SYN_BYTES: [u8; 24] = [
        0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0,
        0x60, 0x02, 0xff, 0xff, 0, 0, 0, 0, 2, 4, 0x05, 0xb4,
    ];

    #[test]
    fn syn_is_read_field_by_field() {
        let segment = Segment::parse(&SYN_BYTES).unwrap();
        assert_eq!((segment.source_port(), segment.destination_port()), (40_000, 443));
        assert_eq!((segment.seq(), segment.ack(), segment.header_len()), (1, 0, 24));
        assert_eq!(
            (segment.flags(), segment.window(), segment.urgent_pointer()),
            (SYN, 65_535, 0)
        );
        assert_eq!(
            (segment.mss(), segment.payload().len(), segment.sequence_len()),
            (Some(1460), 0, 1)
        );
    }

    #[test]
    fn checksum_depends_on_the_addresses() {
        let mut bytes = SYN_BYTES;
        let sum = checksum::transport(HOST, SERVER, Protocol::TCP, &bytes);
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        let segment = Segment::parse(&bytes).unwrap();
        assert!(segment.verify_checksum(HOST, SERVER));
        assert!(!segment.verify_checksum(HOST, HOST));
    }

    #[test]
    fn data_offset_must_lie_within_the_segment() {
        let mut bytes = SYN_BYTES;
        bytes[12] = 0x40;
        assert_eq!(
            Segment::parse(&bytes),
            Err(Malformed::BadLength {
                header: "tcp",
                stated_len: 16
            })
        );
        bytes[12] = 0x70;
        let expected = Malformed::Truncated {
            header: "tcp",
            needed_len: 28,
            available_len: 24,
        };
        assert_eq!(Segment::parse(&bytes), Err(expected));
    }

    #[test]
    fn maximum_segment_size_is_found_behind_other_options() {
        assert_eq!(mss_at(&[1, 1, 4, 2, 2, 4, 5, 0xb4]), Some(6));
        assert_eq!(mss_at(&[1, 2, 4, 5, 0xb4, 0, 0, 0]), Some(3));
    }

    #[test]
    fn broken_option_lists_have_no_maximum_segment_size() {
        for options in [
            &[][..],
            &[0, 2, 4, 5],
            &[3],
            &[3, 0, 2, 4],
            &[3, 1],
            &[2, 4, 5],
            &[8, 10, 2, 4],
            &[2, 3, 5, 0],
        ] {
            assert_eq!(mss_at(options), None, "{options:?}");
        }
    }

    proptest! {
        #[test]
        fn accessors_cannot_panic_on_what_parses(mut bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(offset) = bytes.get_mut(12) {
                *offset |= 0x50;
            }
            if let Ok(segment) = Segment::parse(&bytes) {
                prop_assert_eq!(segment.options().len() + segment.payload().len() + HEADER_LEN, bytes.len());
                let _ = (segment.mss(), segment.sequence_len(), segment.verify_checksum(HOST, SERVER));
            }
        }
    }
}
