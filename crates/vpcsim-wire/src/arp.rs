//! Address resolution for IPv4 over Ethernet (RFC 826).

use std::net::Ipv4Addr;

use crate::field::{be16, be32};
use crate::{EtherType, Mac, Malformed};

/// Length of a message without padding.
pub const MESSAGE_LEN: usize = 28;

const HARDWARE_ETHERNET: u16 = 1;
const ADDRESS_LENGTHS: u16 = 0x0604;

/// Whether a message asks or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender has it.
    Reply,
}

/// One ARP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arp {
    /// Question or answer.
    pub operation: Operation,
    /// Ethernet address of the speaker.
    pub sender_mac: Mac,
    /// IPv4 address of the speaker.
    pub sender_ip: Ipv4Addr,
    /// Ethernet address of the other side; zero in a request.
    pub target_mac: Mac,
    /// IPv4 address that is asked for, or that asked.
    pub target_ip: Ipv4Addr,
}

impl Arp {
    /// Reads the payload of an ARP frame; bytes behind the message are padding.
    ///
    /// # Errors
    ///
    /// Too few bytes, or anything but a request or reply for IPv4 over Ethernet.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        Malformed::unless_covered("arp", MESSAGE_LEN, bytes.len())?;
        expect_value(be16(bytes, 0), HARDWARE_ETHERNET)?;
        expect_value(be16(bytes, 2), EtherType::IPV4.0)?;
        expect_value(be16(bytes, 4), ADDRESS_LENGTHS)?;
        let operation = match be16(bytes, 6) {
            1 => Operation::Request,
            2 => Operation::Reply,
            value => return Err(Malformed::Unsupported { header: "arp", value }),
        };
        Ok(Self {
            operation,
            sender_mac: mac_at(bytes, 8),
            sender_ip: Ipv4Addr::from_bits(be32(bytes, 14)),
            target_mac: mac_at(bytes, 18),
            target_ip: Ipv4Addr::from_bits(be32(bytes, 24)),
        })
    }

    /// The message as the payload of a frame.
    pub fn emit(&self) -> [u8; MESSAGE_LEN] {
        let operation: u16 = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        };
        let mut bytes = [0; MESSAGE_LEN];
        bytes[..2].copy_from_slice(&HARDWARE_ETHERNET.to_be_bytes());
        bytes[2..4].copy_from_slice(&EtherType::IPV4.0.to_be_bytes());
        bytes[4..6].copy_from_slice(&ADDRESS_LENGTHS.to_be_bytes());
        bytes[6..8].copy_from_slice(&operation.to_be_bytes());
        bytes[8..14].copy_from_slice(&self.sender_mac.0);
        bytes[14..18].copy_from_slice(&self.sender_ip.octets());
        bytes[18..24].copy_from_slice(&self.target_mac.0);
        bytes[24..].copy_from_slice(&self.target_ip.octets());
        bytes
    }
}

const fn expect_value(value: u16, expected: u16) -> Result<(), Malformed> {
    if value == expected {
        Ok(())
    } else {
        Err(Malformed::Unsupported { header: "arp", value })
    }
}

fn mac_at(bytes: &[u8], at: usize) -> Mac {
    let mut octets = [0; 6];
    octets.copy_from_slice(&bytes[at..at + 6]);
    Mac(octets)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUEST: Arp = Arp {
        operation: Operation::Request,
        sender_mac: Mac([0x02, 0, 0, 0, 0, 0x05]),
        sender_ip: Ipv4Addr::new(10, 0, 1, 5),
        target_mac: Mac([0; 6]),
        target_ip: Ipv4Addr::new(10, 0, 1, 1),
    };

    #[test]
    fn request_has_the_bytes_of_rfc_826() {
        #[rustfmt::skip]
        let golden = [
            0, 1, 8, 0, 6, 4, 0, 1,
            2, 0, 0, 0, 0, 5, 10, 0, 1, 5,
            0, 0, 0, 0, 0, 0, 10, 0, 1, 1,
        ];
        assert_eq!(REQUEST.emit(), golden);
        assert_eq!(Arp::parse(&golden), Ok(REQUEST));
    }

    #[test]
    fn padding_behind_the_message_is_ignored() {
        let mut padded = REQUEST.emit().to_vec();
        padded.resize(46, 0);
        assert_eq!(Arp::parse(&padded), Ok(REQUEST));
    }

    #[test]
    fn other_hardware_protocol_and_operation_are_refused() {
        for (at, value) in [(1, 6), (3, 1), (4, 8), (5, 16), (7, 3)] {
            let mut bytes = REQUEST.emit();
            bytes[at] = value;
            assert!(
                matches!(
                    Arp::parse(&bytes),
                    Err(Malformed::Unsupported { header: "arp", .. })
                ),
                "{at}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_is_emitted_again(bytes in prop::collection::vec(any::<u8>(), 0..40), valid_head: bool) {
            let mut bytes = bytes;
            if valid_head && bytes.len() >= 8 {
                bytes[..8].copy_from_slice(&REQUEST.emit()[..8]);
            }
            if let Ok(message) = Arp::parse(&bytes) {
                prop_assert_eq!(&message.emit()[..], &bytes[..MESSAGE_LEN]);
            }
        }
    }
}
