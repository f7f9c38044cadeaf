//! UDP datagrams (RFC 768).

use std::net::Ipv4Addr;

use crate::field::be16;
use crate::{Malformed, Protocol, checksum};

/// Length of the header.
pub const HEADER_LEN: usize = 8;
/// Offset of the checksum.
pub const CHECKSUM_AT: usize = 6;

/// A datagram whose length field lies within the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    bytes: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads the payload of an unfragmented packet; bytes behind the length field are left out.
    ///
    /// # Errors
    ///
    /// Fewer than 8 bytes, or a length field below 8 or beyond the end.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Malformed::unless_covered("udp", HEADER_LEN, bytes.len())?;
        let len = usize::from(be16(bytes, 4));
        if len < HEADER_LEN {
            return Err(Malformed::BadLength {
                header: "udp",
                stated_len: len,
            });
        }
        Malformed::unless_covered("udp", len, bytes.len())?;
        Ok(Self { bytes: &bytes[..len] })
    }

    /// Port of the sender.
    pub fn source_port(&self) -> u16 {
        be16(self.bytes, 0)
    }

    /// Port of the receiver.
    pub fn destination_port(&self) -> u16 {
        be16(self.bytes, 2)
    }

    /// Length of header and payload, in bytes.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is a header and nothing else.
    pub const fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_LEN
    }

    /// The checksum as it is written; 0 means that none was computed.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes, CHECKSUM_AT)
    }

    /// The data.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }

    /// Whether the checksum is absent, or right for a packet between these addresses.
    pub fn verify_checksum(&self, source: Ipv4Addr, destination: Ipv4Addr) -> bool {
        self.checksum() == 0 || checksum::transport(source, destination, Protocol::UDP, self.bytes) == 0
    }
}
