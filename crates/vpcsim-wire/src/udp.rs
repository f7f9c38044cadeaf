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
    #[inline]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{HOST, SERVER};

    /// Port 53 to 1024 with the payload "hi": 0x0a00 + 0x0105 + 0x0a00 + 0x0207 + 17 + 10 for the pseudo header, and
    /// 53 + 1024 + 10 + 0x6869 for the rest, make 0x83cf.
    const GOLDEN: [u8; 10] = [0, 53, 4, 0, 0, 10, 0x7c, 0x30, b'h', b'i'];

    #[test]
    fn golden_datagram_is_read_field_by_field() {
        let datagram = Datagram::parse(&GOLDEN).unwrap();
        assert_eq!(
            (
                datagram.source_port(),
                datagram.destination_port(),
                datagram.len()
            ),
            (53, 1024, 10)
        );
        assert_eq!((datagram.payload(), datagram.is_empty()), (&b"hi"[..], false));
        assert!(datagram.verify_checksum(HOST, SERVER));
        assert!(!datagram.verify_checksum(HOST, HOST));
    }

    #[test]
    fn absent_checksum_is_never_wrong() {
        let mut bytes = GOLDEN;
        bytes[6..8].fill(0);
        assert!(Datagram::parse(&bytes).unwrap().verify_checksum(HOST, HOST));
    }

    #[test]
    fn length_field_must_lie_within_the_bytes() {
        let mut bytes = GOLDEN;
        bytes[5] = 7;
        assert_eq!(
            Datagram::parse(&bytes),
            Err(Malformed::BadLength {
                header: "udp",
                stated_len: 7
            })
        );
        bytes[5] = 11;
        let expected = Malformed::Truncated {
            header: "udp",
            needed_len: 11,
            available_len: 10,
        };
        assert_eq!(Datagram::parse(&bytes), Err(expected));
        bytes[5] = 9;
        assert_eq!(Datagram::parse(&bytes).unwrap().payload(), b"h");
    }

    proptest! {
        #[test]
        fn accessors_cannot_panic_on_what_parses(mut bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if bytes.len() > 4 {
                bytes[4] = 0;
            }
            if let Ok(datagram) = Datagram::parse(&bytes) {
                prop_assert_eq!(datagram.payload().len() + HEADER_LEN, datagram.len());
                let _ = (datagram.source_port(), datagram.verify_checksum(HOST, SERVER));
            }
        }
    }
}
