//! IPv4 headers (RFC 791).

use std::net::Ipv4Addr;

use crate::field::{be16, be32};
use crate::{Malformed, Protocol, checksum};

/// Length of a header without options.
pub const HEADER_LEN: usize = 20;

/// Offset of the total length.
pub const TOTAL_LEN_AT: usize = 2;
/// Offset of the identification.
pub const IDENTIFICATION_AT: usize = 4;
/// Offset of the flags and the fragment offset.
pub const FRAGMENT_AT: usize = 6;
/// Offset of the time to live.
pub const TTL_AT: usize = 8;
/// Offset of the protocol.
pub const PROTOCOL_AT: usize = 9;
/// Offset of the header checksum.
pub const CHECKSUM_AT: usize = 10;
/// Offset of the source address.
pub const SOURCE_AT: usize = 12;
/// Offset of the destination address.
pub const DESTINATION_AT: usize = 16;

/// "Do not fragment" in the 16-bit word at [`FRAGMENT_AT`].
pub const DONT_FRAGMENT: u16 = 0x4000;
/// "More fragments follow" in the 16-bit word at [`FRAGMENT_AT`].
pub const MORE_FRAGMENTS: u16 = 0x2000;
/// The fragment offset in units of eight bytes in the 16-bit word at [`FRAGMENT_AT`].
pub const OFFSET_MASK: u16 = 0x1fff;

/// The fixed part of a header and its length in bytes with options, after version and both lengths were found consistent.
///
/// Whether the bytes reach up to the total length is left to the caller: inside an ICMP error they do not.
#[inline]
pub(crate) fn check_header(bytes: &[u8]) -> Result<(&[u8; HEADER_LEN], usize), Malformed> {
    let Some(header) = bytes.first_chunk::<HEADER_LEN>() else {
        return Err(header_fault(bytes));
    };
    let header_len = usize::from(header[0] & 0x0f) * 4;
    let total_len = usize::from(be16(header, TOTAL_LEN_AT));
    let is_sound =
        header[0] >= 0x45 && header[0] <= 0x4f && header_len <= bytes.len() && header_len <= total_len;
    if is_sound {
        Ok((header, header_len))
    } else {
        Err(header_fault(bytes))
    }
}

/// What is wrong with a header; kept apart so that the way of the sound ones stays short.
#[cold]
fn header_fault(bytes: &[u8]) -> Malformed {
    let truncated = |needed_len| Malformed::Truncated {
        header: "ipv4",
        needed_len,
        available_len: bytes.len(),
    };
    let bad_length = |stated_len| Malformed::BadLength {
        header: "ipv4",
        stated_len,
    };
    let Some(header) = bytes.first_chunk::<HEADER_LEN>() else {
        return truncated(HEADER_LEN);
    };
    let header_len = usize::from(header[0] & 0x0f) * 4;
    match header[0] >> 4 {
        4 if header_len < HEADER_LEN => bad_length(header_len),
        4 if header_len > bytes.len() => truncated(header_len),
        4 => bad_length(be16(header, TOTAL_LEN_AT).into()),
        version => Malformed::Unsupported {
            header: "ipv4",
            value: version.into(),
        },
    }
}

/// An IPv4 packet whose lengths are consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    header_len: usize,
}

impl<'a> Packet<'a> {
    /// Reads a packet; bytes behind the total length are padding and left out.
    ///
    /// # Errors
    ///
    /// Another version, an inconsistent length, or fewer bytes than the total length.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, header_len) = check_header(bytes)?;
        let total_len = usize::from(be16(header, TOTAL_LEN_AT));
        Malformed::unless_covered("ipv4", total_len, bytes.len())?;
        Ok(Self {
            bytes: &bytes[..total_len],
            header_len,
        })
    }

    /// The whole packet without padding.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Length of the header with its options, in bytes.
    pub const fn header_len(&self) -> usize {
        self.header_len
    }

    /// Length of header and payload, in bytes.
    pub const fn total_len(&self) -> usize {
        self.bytes.len()
    }

    /// Differentiated services code point.
    pub const fn dscp(&self) -> u8 {
        self.bytes[1] >> 2
    }

    /// Explicit congestion notification bits.
    pub const fn ecn(&self) -> u8 {
        self.bytes[1] & 3
    }

    /// What the fragments of one datagram share.
    pub fn identification(&self) -> u16 {
        be16(self.bytes, IDENTIFICATION_AT)
    }

    /// Whether routers must not cut this packet.
    pub fn dont_fragment(&self) -> bool {
        be16(self.bytes, FRAGMENT_AT) & DONT_FRAGMENT != 0
    }

    /// Whether further fragments follow this one.
    pub fn more_fragments(&self) -> bool {
        be16(self.bytes, FRAGMENT_AT) & MORE_FRAGMENTS != 0
    }

    /// Where the payload belongs in the whole datagram, in bytes.
    pub fn fragment_offset(&self) -> u16 {
        (be16(self.bytes, FRAGMENT_AT) & OFFSET_MASK) * 8
    }

    /// Routers that may still forward the packet.
    pub const fn ttl(&self) -> u8 {
        self.bytes[TTL_AT]
    }

    /// Protocol of the payload.
    pub const fn protocol(&self) -> Protocol {
        Protocol(self.bytes[PROTOCOL_AT])
    }

    /// The header checksum as it is written, right or wrong.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes, CHECKSUM_AT)
    }

    /// Address of the sender.
    pub fn source(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(be32(self.bytes, SOURCE_AT))
    }

    /// Address of the receiver.
    pub fn destination(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(be32(self.bytes, DESTINATION_AT))
    }

    /// The options, padding included; mostly empty.
    pub fn options(&self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..self.header_len]
    }

    /// Everything behind the header.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.header_len..]
    }

    /// Whether the header checksum is right.
    pub fn verify_checksum(&self) -> bool {
        checksum::internet(&self.bytes[..self.header_len]) == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;

    /// The worked example of a header known from many textbooks: its checksum is 0xb861.
    #[rustfmt::skip]
    const GOLDEN: [u8; 20] = [
        0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61,
        0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
    ];

    fn golden_packet() -> Vec<u8> {
        let mut bytes = GOLDEN.to_vec();
        bytes.resize(0x73, 0);
        bytes
    }

    #[test]
    fn golden_header_is_read_field_by_field() {
        let bytes = golden_packet();
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(
            (packet.header_len(), packet.total_len(), packet.identification()),
            (20, 115, 0)
        );
        assert!(packet.dont_fragment() && !packet.more_fragments());
        assert_eq!(
            (packet.fragment_offset(), packet.ttl(), packet.protocol()),
            (0, 64, Protocol::UDP)
        );
        assert_eq!(packet.source(), Ipv4Addr::new(192, 168, 0, 1));
        assert_eq!(packet.destination(), Ipv4Addr::new(192, 168, 0, 199));
        assert_eq!((packet.checksum(), packet.verify_checksum()), (0xb861, true));
        assert_eq!((packet.options().len(), packet.payload().len()), (0, 95));
    }

    #[test]
    fn type_of_service_and_fragment_word_are_taken_apart() {
        let mut bytes = golden_packet();
        bytes[1] = 0b1011_1001;
        bytes[6..8].copy_from_slice(&[0x20, 0xb9]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.dscp(), packet.ecn()), (46, 1));
        assert!(packet.more_fragments() && !packet.dont_fragment());
        assert_eq!(packet.fragment_offset(), 0xb9 * 8);
        assert!(!packet.verify_checksum());
    }

    #[test]
    fn padding_behind_the_total_length_is_left_out() {
        let mut bytes = golden_packet();
        bytes.extend_from_slice(&[0; 7]);
        assert_eq!(Packet::parse(&bytes).unwrap().bytes().len(), 115);
    }

    #[test]
    fn contradictory_lengths_are_refused() {
        let with = |at: usize, value: u8| {
            let mut bytes = golden_packet();
            bytes[at] = value;
            bytes
        };
        assert_eq!(
            Packet::parse(&with(0, 0x65)),
            Err(Malformed::Unsupported {
                header: "ipv4",
                value: 6
            })
        );
        assert_eq!(
            Packet::parse(&with(0, 0x44)),
            Err(Malformed::BadLength {
                header: "ipv4",
                stated_len: 16
            })
        );
        assert_eq!(
            Packet::parse(&with(3, 19)),
            Err(Malformed::BadLength {
                header: "ipv4",
                stated_len: 19
            })
        );
        let expected = Malformed::Truncated {
            header: "ipv4",
            needed_len: 116,
            available_len: 115,
        };
        assert_eq!(Packet::parse(&with(3, 116)), Err(expected));
        let expected = Malformed::Truncated {
            header: "ipv4",
            needed_len: 20,
            available_len: 19,
        };
        assert_eq!(Packet::parse(&GOLDEN[..19]), Err(expected));
    }

    proptest! {
        #[test]
        fn accessors_cannot_panic_on_what_parses(bytes in samples::mangled()) {
            if let Ok(packet) = Packet::parse(&bytes) {
                let whole = packet.header_len() + packet.payload().len();
                prop_assert_eq!(whole, packet.total_len());
                prop_assert_eq!(packet.options().len() + HEADER_LEN, packet.header_len());
                let _ = (packet.verify_checksum(), packet.fragment_offset(), packet.source());
            }
        }
    }
}
