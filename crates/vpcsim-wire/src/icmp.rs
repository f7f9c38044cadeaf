//! ICMP messages (RFC 792).

use crate::field::{be16, be32};
use crate::{Malformed, checksum};

/// Length of the fixed part that every message has.
pub const HEADER_LEN: usize = 8;
/// Offset of the checksum.
pub const CHECKSUM_AT: usize = 2;
/// Offset of the identifier in a query.
pub const IDENTIFIER_AT: usize = 4;

/// Type of the answer to an echo request.
pub const ECHO_REPLY: u8 = 0;
/// Type of the error that a destination cannot be reached.
pub const DESTINATION_UNREACHABLE: u8 = 3;
/// Type of the obsolete request to slow down.
pub const SOURCE_QUENCH: u8 = 4;
/// Type of the advice to use another router.
pub const REDIRECT: u8 = 5;
/// Type of an echo request.
pub const ECHO_REQUEST: u8 = 8;
/// Type of the error that a packet, or its reassembly, took too long.
pub const TIME_EXCEEDED: u8 = 11;
/// Type of the error that a header makes no sense.
pub const PARAMETER_PROBLEM: u8 = 12;
/// Type of a timestamp request.
pub const TIMESTAMP_REQUEST: u8 = 13;
/// Type of the answer to a timestamp request.
pub const TIMESTAMP_REPLY: u8 = 14;

/// Code of [`DESTINATION_UNREACHABLE`]: no route to the network.
pub const NETWORK_UNREACHABLE: u8 = 0;
/// Code of [`DESTINATION_UNREACHABLE`]: the host does not answer its neighbours.
pub const HOST_UNREACHABLE: u8 = 1;
/// Code of [`DESTINATION_UNREACHABLE`]: the host does not speak the protocol.
pub const PROTOCOL_UNREACHABLE: u8 = 2;
/// Code of [`DESTINATION_UNREACHABLE`]: nobody listens on the port.
pub const PORT_UNREACHABLE: u8 = 3;
/// Code of [`DESTINATION_UNREACHABLE`]: too large for the next link, and marked "do not fragment".
pub const FRAGMENTATION_NEEDED: u8 = 4;
/// Code of [`DESTINATION_UNREACHABLE`]: a filter forbids it.
pub const ADMINISTRATIVELY_PROHIBITED: u8 = 13;
/// Code of [`TIME_EXCEEDED`]: the time to live ran out on the way.
pub const TTL_EXCEEDED: u8 = 0;
/// Code of [`TIME_EXCEEDED`]: fragments did not arrive in time.
pub const REASSEMBLY_TIME_EXCEEDED: u8 = 1;

/// Whether messages of this type report on another packet and carry its start.
#[inline]
pub const fn is_error(icmp_type: u8) -> bool {
    matches!(
        icmp_type,
        DESTINATION_UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM
    )
}

/// Whether messages of this type are queries or answers matched by an identifier.
#[inline]
pub const fn has_identifier(icmp_type: u8) -> bool {
    matches!(
        icmp_type,
        ECHO_REPLY | ECHO_REQUEST | TIMESTAMP_REQUEST | TIMESTAMP_REPLY
    )
}

/// A message with at least its fixed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads the payload of an unfragmented packet.
    ///
    /// # Errors
    ///
    /// [`Malformed::Truncated`] below 8 bytes.
    #[inline]
    pub const fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        match Malformed::unless_covered("icmp", HEADER_LEN, bytes.len()) {
            Ok(()) => Ok(Self { bytes }),
            Err(malformed) => Err(malformed),
        }
    }

    /// What kind of message it is, like [`ECHO_REQUEST`].
    pub const fn icmp_type(&self) -> u8 {
        self.bytes[0]
    }

    /// The kind in more detail, like [`PORT_UNREACHABLE`].
    pub const fn code(&self) -> u8 {
        self.bytes[1]
    }

    /// The checksum as it is written, right or wrong.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes, CHECKSUM_AT)
    }

    /// The identifier of a query or its answer.
    pub fn identifier(&self) -> Option<u16> {
        has_identifier(self.icmp_type()).then(|| be16(self.bytes, IDENTIFIER_AT))
    }

    /// The sequence number of a query or its answer.
    pub fn sequence(&self) -> Option<u16> {
        has_identifier(self.icmp_type()).then(|| be16(self.bytes, 6))
    }

    /// What the next link takes, in bytes, if this is "fragmentation needed" (RFC 1191).
    pub fn next_hop_mtu(&self) -> Option<u16> {
        let is_needed = self.icmp_type() == DESTINATION_UNREACHABLE && self.code() == FRAGMENTATION_NEEDED;
        is_needed.then(|| be16(self.bytes, 6))
    }

    /// The four bytes behind the checksum, whose meaning depends on the type.
    pub fn rest_of_header(&self) -> u32 {
        be32(self.bytes, 4)
    }

    /// Everything behind the fixed part.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }

    /// The start of the packet that an error is about; read it with
    /// [`summarize_embedded`](crate::summarize_embedded), as its end is mostly missing.
    pub fn embedded(&self) -> Option<&'a [u8]> {
        is_error(self.icmp_type()).then(|| self.payload())
    }

    /// Whether the checksum is right.
    pub fn verify_checksum(&self) -> bool {
        checksum::internet(self.bytes) == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An echo request with identifier 7 and sequence number 1: 0x0800 + 7 + 1 = 0x0808.
    const ECHO: [u8; 8] = [8, 0, 0xf7, 0xf7, 0, 7, 0, 1];

    #[test]
    fn echo_request_is_read_field_by_field() {
        let message = Message::parse(&ECHO).unwrap();
        assert_eq!(
            (message.icmp_type(), message.code(), message.checksum()),
            (ECHO_REQUEST, 0, 0xf7f7)
        );
        assert_eq!((message.identifier(), message.sequence()), (Some(7), Some(1)));
        assert_eq!((message.embedded(), message.next_hop_mtu()), (None, None));
        assert!(message.verify_checksum());
    }

    #[test]
    fn only_fragmentation_needed_states_an_mtu() {
        let mut bytes = [3, 4, 0, 0, 0, 0, 0x05, 0xdc, 0x45];
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.next_hop_mtu(), message.identifier()), (Some(1500), None));
        assert_eq!(message.embedded(), Some(&[0x45][..]));
        bytes[1] = 3;
        assert_eq!(Message::parse(&bytes).unwrap().next_hop_mtu(), None);
    }

    #[test]
    fn no_type_is_both_a_query_and_an_error() {
        for icmp_type in 0..=255 {
            assert!(!(is_error(icmp_type) && has_identifier(icmp_type)), "{icmp_type}");
        }
    }

    proptest! {
        #[test]
        fn accessors_cannot_panic_on_what_parses(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(message) = Message::parse(&bytes) {
                prop_assert_eq!(message.payload().len() + HEADER_LEN, bytes.len());
                let _ = (message.identifier(), message.embedded(), message.verify_checksum());
            }
        }
    }
}
