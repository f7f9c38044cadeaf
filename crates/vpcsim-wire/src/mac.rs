//! Ethernet addresses.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A 48-bit Ethernet address in transmission order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The address of every station on the segment.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether every station is meant.
    pub fn is_broadcast(self) -> bool {
        self == Self::BROADCAST
    }

    /// Whether a group of stations is meant; broadcast counts as one.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|octet| write!(f, ":{octet:02x}"))
    }
}

/// The text is not six two-digit hexadecimal numbers joined by colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMac;

impl fmt::Display for InvalidMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a MAC address looks like 02:00:0a:00:01:05")
    }
}

impl Error for InvalidMac {}

impl FromStr for Mac {
    type Err = InvalidMac;

    fn from_str(text: &str) -> Result<Self, InvalidMac> {
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            *octet = parse_octet(parts.next().ok_or(InvalidMac)?)?;
        }
        if parts.next().is_some() {
            return Err(InvalidMac);
        }
        Ok(Self(octets))
    }
}

/// `from_str_radix` alone would also take `+1`.
fn parse_octet(text: &str) -> Result<u8, InvalidMac> {
    if text.len() != 2 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(InvalidMac);
    }
    u8::from_str_radix(text, 16).map_err(|_| InvalidMac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_octets_are_the_same_address() {
        let mac = Mac([0x02, 0, 0x0a, 0, 0x01, 0xfe]);
        assert_eq!(mac.to_string(), "02:00:0a:00:01:fe");
        assert_eq!("02:00:0A:00:01:FE".parse(), Ok(mac));
    }

    #[test]
    fn anything_but_six_octets_is_refused() {
        for text in [
            "",
            "02",
            "02:00:0a:00:01",
            "02:00:0a:00:01:fe:00",
            "2:0:a:0:1:fe",
            "02:00:0a:00:01:+e",
            "02-00-0a-00-01-fe",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(InvalidMac), "{text}");
        }
    }

    #[test]
    fn broadcast_is_also_multicast_and_unicast_is_neither() {
        assert!(Mac::BROADCAST.is_broadcast() && Mac::BROADCAST.is_multicast());
        let group = Mac([0x01, 0, 0x5e, 0, 0, 1]);
        assert!(group.is_multicast() && !group.is_broadcast());
        assert!(!Mac([2, 0, 0, 0, 0, 1]).is_multicast());
    }
}
