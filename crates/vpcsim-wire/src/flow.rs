//! The five-tuple of a flow, packed into one integer.

use std::error::Error;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An IP protocol number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// Internet control message protocol.
    pub const ICMP: Self = Self(1);
    /// Transmission control protocol.
    pub const TCP: Self = Self(6);
    /// User datagram protocol.
    pub const UDP: Self = Self(17);
    /// Generic routing encapsulation.
    pub const GRE: Self = Self(47);
    /// Encapsulating security payload.
    pub const ESP: Self = Self(50);

    /// Whether packets of this protocol carry source and destination ports.
    #[inline]
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP)
    }
}

/// The protocols that have a name, here and in text.
const NAMES: [(Protocol, &str); 5] = [
    (Protocol::ICMP, "icmp"),
    (Protocol::TCP, "tcp"),
    (Protocol::UDP, "udp"),
    (Protocol::GRE, "gre"),
    (Protocol::ESP, "esp"),
];

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(protocol, _)| protocol == self) {
            Some((_, name)) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

/// The text is neither a known protocol's name nor a number up to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidProtocol;

impl fmt::Display for InvalidProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a protocol is icmp, tcp, udp, gre, esp or a number up to 255")
    }
}

impl Error for InvalidProtocol {}

impl FromStr for Protocol {
    type Err = InvalidProtocol;

    fn from_str(text: &str) -> Result<Self, InvalidProtocol> {
        match NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)) {
            Some((protocol, _)) => Ok(*protocol),
            None => text.parse().map(Self).map_err(|_| InvalidProtocol),
        }
    }
}

const SOURCE_SHIFT: u32 = 96;
const DESTINATION_SHIFT: u32 = 64;
const PROTOCOL_SHIFT: u32 = 56;
const SOURCE_PORT_SHIFT: u32 = 40;
const DESTINATION_PORT_SHIFT: u32 = 24;
const SPARE_MASK: u128 = 0x00ff_ffff;
const PORT_MASK: u64 = 0xffff;
const PORTS_MASK: u64 = PORT_MASK << SOURCE_PORT_SHIFT | PORT_MASK << DESTINATION_PORT_SHIFT;

/// Who talks to whom: source and destination address, protocol, and ports.
///
/// From the highest bit: source (32), destination (32), protocol (8), source port (16), destination port (16), and 24
/// spare bits that are zero unless [`FlowKey::with_spare`] puts something there, like the number of an interface.
/// For ICMP queries both ports are the identifier; where there are no ports they are 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey(pub u128);

impl FlowKey {
    /// Packs the five values.
    #[inline]
    pub const fn new(
        source: Ipv4Addr,
        destination: Ipv4Addr,
        protocol: Protocol,
        source_port: u16,
        destination_port: u16,
    ) -> Self {
        Self(
            (source.to_bits() as u128) << SOURCE_SHIFT
                | (destination.to_bits() as u128) << DESTINATION_SHIFT
                | (protocol.0 as u128) << PROTOCOL_SHIFT
                | (source_port as u128) << SOURCE_PORT_SHIFT
                | (destination_port as u128) << DESTINATION_PORT_SHIFT,
        )
    }

    /// Address of the sender.
    #[inline]
    pub const fn source(self) -> Ipv4Addr {
        Ipv4Addr::from_bits((self.0 >> SOURCE_SHIFT) as u32)
    }

    /// Address of the receiver.
    #[inline]
    pub const fn destination(self) -> Ipv4Addr {
        Ipv4Addr::from_bits((self.0 >> DESTINATION_SHIFT) as u32)
    }

    /// Protocol above IP.
    #[inline]
    pub const fn protocol(self) -> Protocol {
        Protocol((self.0 >> PROTOCOL_SHIFT) as u8)
    }

    /// Port of the sender, or the identifier of an ICMP query.
    #[inline]
    pub const fn source_port(self) -> u16 {
        (self.0 >> SOURCE_PORT_SHIFT) as u16
    }

    /// Port of the receiver, or the identifier of an ICMP query.
    #[inline]
    pub const fn destination_port(self) -> u16 {
        (self.0 >> DESTINATION_PORT_SHIFT) as u16
    }

    /// The 24 bits that are not part of the five-tuple.
    #[inline]
    pub const fn spare(self) -> u32 {
        (self.0 & SPARE_MASK) as u32
    }

    /// The same flow with other spare bits; what exceeds 24 bits is cut off.
    #[inline]
    #[must_use]
    pub const fn with_spare(self, spare: u32) -> Self {
        Self(self.0 & !SPARE_MASK | spare as u128 & SPARE_MASK)
    }

    /// The same flow from another sender.
    #[inline]
    #[must_use]
    pub const fn with_source(self, source: Ipv4Addr, port: u16) -> Self {
        Self::new(
            source,
            self.destination(),
            self.protocol(),
            port,
            self.destination_port(),
        )
        .with_spare(self.spare())
    }

    /// The same flow to another receiver.
    #[inline]
    #[must_use]
    pub const fn with_destination(self, destination: Ipv4Addr, port: u16) -> Self {
        Self::new(
            self.source(),
            destination,
            self.protocol(),
            self.source_port(),
            port,
        )
        .with_spare(self.spare())
    }

    /// The flow of the answers; the spare bits stay.
    #[inline]
    #[must_use]
    pub const fn reversed(self) -> Self {
        // Both pairs trade places in their half of the number.
        let (addresses, rest) = ((self.0 >> 64) as u64, self.0 as u64);
        let kept = rest & !PORTS_MASK;
        let ports =
            rest << 16 & PORT_MASK << SOURCE_PORT_SHIFT | rest >> 16 & PORT_MASK << DESTINATION_PORT_SHIFT;
        Self((addresses.rotate_left(32) as u128) << 64 | (kept | ports) as u128)
    }

    /// Whether it comes before [its answers'](FlowKey::reversed) key in the order of keys, or is the same.
    #[inline]
    pub const fn is_lower(self) -> bool {
        let addresses = (self.0 >> 64) as u64;
        let (source, destination) = (addresses >> 32, addresses & 0xffff_ffff);
        source < destination || source == destination && self.source_port() <= self.destination_port()
    }
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination, protocol) = (self.source(), self.destination(), self.protocol());
        if protocol.has_ports() {
            let (from, to) = (self.source_port(), self.destination_port());
            return write!(f, "{source}:{from} > {destination}:{to} {protocol}");
        }
        write!(f, "{source} > {destination} {protocol}")?;
        match self.source_port() {
            0 => Ok(()),
            identifier => write!(f, " id {identifier}"),
        }
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_lower_key_of_both_directions_is_the_lesser_number(
            (source, destination) in (0_u32..4, 0_u32..4),
            (port, to_port) in (0_u16..4, 0_u16..4),
            spare in 0_u32..4,
        ) {
            let key = FlowKey::new(source.into(), destination.into(), Protocol::UDP, port, to_port).with_spare(spare);
            prop_assert_eq!(key.is_lower(), key <= key.reversed());
        }
    }

    const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 7);

    #[test]
    fn fields_lie_where_the_layout_says() {
        let key = FlowKey::new(HOST, SERVER, Protocol::TCP, 40_000, 443);
        assert_eq!(key.0, 0x0a_00_01_05_0a_00_02_07_06_9c_40_01_bb_00_00_00);
    }

    #[test]
    fn text_names_ports_or_the_identifier() {
        assert_eq!(
            FlowKey::new(HOST, SERVER, Protocol::TCP, 40_000, 443).to_string(),
            "10.0.1.5:40000 > 10.0.2.7:443 tcp"
        );
        assert_eq!(
            FlowKey::new(HOST, SERVER, Protocol::ICMP, 7, 7).to_string(),
            "10.0.1.5 > 10.0.2.7 icmp id 7"
        );
        assert_eq!(
            FlowKey::new(HOST, SERVER, Protocol(89), 0, 0).to_string(),
            "10.0.1.5 > 10.0.2.7 89"
        );
    }

    #[test]
    fn protocols_are_read_by_name_or_number() {
        assert_eq!("tcp".parse(), Ok(Protocol::TCP));
        assert_eq!("UDP".parse(), Ok(Protocol::UDP));
        assert_eq!("47".parse(), Ok(Protocol::GRE));
        assert_eq!("256".parse::<Protocol>(), Err(InvalidProtocol));
        assert_eq!("".parse::<Protocol>(), Err(InvalidProtocol));
    }

    proptest! {
        #[test]
        fn packed_fields_come_out_again(s: u32, d: u32, p: u8, sp: u16, dp: u16, spare in 0_u32..1 << 24) {
            let key = FlowKey::new(s.into(), d.into(), Protocol(p), sp, dp).with_spare(spare);
            prop_assert_eq!(
                (key.source().to_bits(), key.destination().to_bits(), key.protocol().0, key.spare()),
                (s, d, p, spare)
            );
            prop_assert_eq!((key.source_port(), key.destination_port()), (sp, dp));
            prop_assert_eq!(key.reversed().reversed(), key);
            prop_assert_eq!(key.reversed(), FlowKey::new(d.into(), s.into(), Protocol(p), dp, sp).with_spare(spare));
            prop_assert_eq!(key.reversed().source_port(), dp);
            prop_assert_eq!(key.with_source(d.into(), dp).with_destination(s.into(), sp), key.reversed());
        }

        #[test]
        fn protocol_text_reads_back(number: u8) {
            prop_assert_eq!(Protocol(number).to_string().parse(), Ok(Protocol(number)));
        }
    }
}
