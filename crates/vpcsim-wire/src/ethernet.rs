//! Ethernet II frames.

use std::fmt;

use crate::field::be16;
use crate::{Mac, Malformed};

/// Length of the header: two addresses and the type.
pub const HEADER_LEN: usize = 14;

/// What the payload of a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// Internet protocol, version 4.
    pub const IPV4: Self = Self(0x0800);
    /// Address resolution protocol.
    pub const ARP: Self = Self(0x0806);
}

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::IPV4 => f.write_str("ipv4"),
            Self::ARP => f.write_str("arp"),
            Self(other) => write!(f, "{other:#06x}"),
        }
    }
}

/// A frame without preamble and check sequence, as captures hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a frame; the payload may be empty.
    ///
    /// # Errors
    ///
    /// [`Malformed::Truncated`] below 14 bytes.
    #[inline]
    pub const fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        match Malformed::unless_covered("ethernet", HEADER_LEN, bytes.len()) {
            Ok(()) => Ok(Self { bytes }),
            Err(malformed) => Err(malformed),
        }
    }

    /// The station that shall take the frame.
    pub fn destination(&self) -> Mac {
        self.address_at(0)
    }

    /// The station that sent the frame.
    pub fn source(&self) -> Mac {
        self.address_at(6)
    }

    /// What the payload is.
    pub fn ethertype(&self) -> EtherType {
        EtherType(be16(self.bytes, 12))
    }

    /// Everything behind the header, padding included.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }

    fn address_at(&self, at: usize) -> Mac {
        let mut octets = [0; 6];
        octets.copy_from_slice(&self.bytes[at..at + 6]);
        Mac(octets)
    }
}

/// The 14 bytes in front of a payload.
pub fn emit_header(destination: Mac, source: Mac, ethertype: EtherType) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..6].copy_from_slice(&destination.0);
    header[6..12].copy_from_slice(&source.0);
    header[12..].copy_from_slice(&ethertype.0.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn header_is_destination_then_source_then_type() {
        let header = emit_header(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 1]), EtherType::ARP);
        assert_eq!(
            header,
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x08, 0x06]
        );
    }

    #[test]
    fn thirteen_bytes_are_no_frame() {
        let expected = Malformed::Truncated {
            header: "ethernet",
            needed_len: 14,
            available_len: 13,
        };
        assert_eq!(Frame::parse(&[0; 13]), Err(expected));
    }

    proptest! {
        #[test]
        fn emitted_frames_read_back(to: [u8; 6], from: [u8; 6], kind: u16, payload: Vec<u8>) {
            let mut bytes = emit_header(Mac(to), Mac(from), EtherType(kind)).to_vec();
            bytes.extend_from_slice(&payload);
            let frame = Frame::parse(&bytes).unwrap();
            prop_assert_eq!(frame.destination(), Mac(to));
            prop_assert_eq!(frame.source(), Mac(from));
            prop_assert_eq!(frame.ethertype(), EtherType(kind));
            prop_assert_eq!(frame.payload(), &payload[..]);
        }
    }
}
