//! New packets from scratch, complete and with right checksums.

use std::net::Ipv4Addr;

use crate::field::write16;
use crate::{Protocol, checksum, icmp, ipv4, tcp, udp};

/// Time to live of a packet unless it is set.
pub const DEFAULT_TTL: u8 = 64;
/// Receive window of a TCP segment unless it is set.
pub const DEFAULT_WINDOW: u16 = 65_535;

/// The largest payload above an IPv4 header without options.
const MAX_L4_LEN: usize = 65_535 - ipv4::HEADER_LEN;

/// What stands above the IPv4 header.
#[derive(Clone, Debug)]
enum Transport {
    Tcp {
        source_port: u16,
        destination_port: u16,
        flags: u8,
        seq: u32,
        ack: u32,
        window: u16,
        mss: Option<u16>,
    },
    Udp {
        source_port: u16,
        destination_port: u16,
        with_checksum: bool,
    },
    Icmp {
        icmp_type: u8,
        code: u8,
        rest: u32,
    },
    Raw(Protocol),
}

/// Builds one IPv4 packet; setters that do not fit its protocol change nothing.
#[derive(Clone, Debug)]
#[must_use]
pub struct PacketBuilder {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    transport: Transport,
    payload: Vec<u8>,
    ttl: u8,
    tos: u8,
    identification: u16,
    dont_fragment: bool,
}

impl PacketBuilder {
    const fn new(source: Ipv4Addr, destination: Ipv4Addr, transport: Transport) -> Self {
        Self {
            source,
            destination,
            transport,
            payload: Vec::new(),
            ttl: DEFAULT_TTL,
            tos: 0,
            identification: 0,
            dont_fragment: false,
        }
    }

    /// A TCP segment without flags.
    pub const fn tcp(
        source: Ipv4Addr,
        source_port: u16,
        destination: Ipv4Addr,
        destination_port: u16,
    ) -> Self {
        let transport = Transport::Tcp {
            source_port,
            destination_port,
            flags: 0,
            seq: 0,
            ack: 0,
            window: DEFAULT_WINDOW,
            mss: None,
        };
        Self::new(source, destination, transport)
    }

    /// A UDP datagram.
    pub const fn udp(
        source: Ipv4Addr,
        source_port: u16,
        destination: Ipv4Addr,
        destination_port: u16,
    ) -> Self {
        Self::new(
            source,
            destination,
            Transport::Udp {
                source_port,
                destination_port,
                with_checksum: true,
            },
        )
    }

    /// An ICMP echo request.
    pub const fn icmp_echo(source: Ipv4Addr, destination: Ipv4Addr, identifier: u16, sequence: u16) -> Self {
        let rest = (identifier as u32) << 16 | sequence as u32;
        Self::icmp(source, destination, icmp::ECHO_REQUEST, 0, rest)
    }

    /// An ICMP echo reply.
    pub const fn icmp_reply(source: Ipv4Addr, destination: Ipv4Addr, identifier: u16, sequence: u16) -> Self {
        let rest = (identifier as u32) << 16 | sequence as u32;
        Self::icmp(source, destination, icmp::ECHO_REPLY, 0, rest)
    }

    /// Any ICMP message; `rest` are the four bytes behind its checksum.
    pub const fn icmp(source: Ipv4Addr, destination: Ipv4Addr, icmp_type: u8, code: u8, rest: u32) -> Self {
        Self::new(
            source,
            destination,
            Transport::Icmp {
                icmp_type,
                code,
                rest,
            },
        )
    }

    /// A packet of any protocol, with everything above the IPv4 header given.
    pub fn raw(source: Ipv4Addr, destination: Ipv4Addr, protocol: Protocol, payload: &[u8]) -> Self {
        Self::new(source, destination, Transport::Raw(protocol)).payload(payload)
    }

    /// TCP flags, like [`tcp::SYN`]` | `[`tcp::ACK`].
    pub const fn flags(mut self, new: u8) -> Self {
        if let Transport::Tcp { ref mut flags, .. } = self.transport {
            *flags = new;
        }
        self
    }

    /// TCP sequence number.
    pub const fn seq(mut self, new: u32) -> Self {
        if let Transport::Tcp { ref mut seq, .. } = self.transport {
            *seq = new;
        }
        self
    }

    /// TCP acknowledgement number; the flag is set apart.
    pub const fn ack(mut self, new: u32) -> Self {
        if let Transport::Tcp { ref mut ack, .. } = self.transport {
            *ack = new;
        }
        self
    }

    /// TCP receive window.
    pub const fn window(mut self, new: u16) -> Self {
        if let Transport::Tcp { ref mut window, .. } = self.transport {
            *window = new;
        }
        self
    }

    /// TCP maximum segment size option.
    pub const fn mss(mut self, new: u16) -> Self {
        if let Transport::Tcp { ref mut mss, .. } = self.transport {
            *mss = Some(new);
        }
        self
    }

    /// Leaves the UDP checksum out, as senders may.
    pub const fn without_udp_checksum(mut self) -> Self {
        if let Transport::Udp {
            ref mut with_checksum,
            ..
        } = self.transport
        {
            *with_checksum = false;
        }
        self
    }

    /// What stands behind the headers; what exceeds the largest IPv4 packet is cut off.
    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.payload.clear();
        self.payload.extend_from_slice(payload);
        self
    }

    /// Time to live.
    pub const fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    /// Type of service: code point and congestion bits.
    pub const fn tos(mut self, tos: u8) -> Self {
        self.tos = tos;
        self
    }

    /// Whether routers must not cut the packet.
    pub const fn dont_fragment(mut self, dont_fragment: bool) -> Self {
        self.dont_fragment = dont_fragment;
        self
    }

    /// IPv4 identification.
    pub const fn identification(mut self, identification: u16) -> Self {
        self.identification = identification;
        self
    }

    /// The packet.
    pub fn build(&self) -> Vec<u8> {
        let (protocol, l4_header) = self.l4_header();
        let payload_len = self.payload.len().min(MAX_L4_LEN - l4_header.len());
        let total_len = ipv4::HEADER_LEN + l4_header.len() + payload_len;
        let mut packet = Vec::with_capacity(total_len);
        packet.extend_from_slice(&self.ip_header(protocol, total_len as u16));
        packet.extend_from_slice(&l4_header);
        packet.extend_from_slice(&self.payload[..payload_len]);
        self.finish_l4(&mut packet[ipv4::HEADER_LEN..]);
        packet
    }

    fn ip_header(&self, protocol: Protocol, total_len: u16) -> [u8; ipv4::HEADER_LEN] {
        let mut header = [0; ipv4::HEADER_LEN];
        header[0] = 0x45;
        header[1] = self.tos;
        write16(&mut header, ipv4::TOTAL_LEN_AT, total_len);
        write16(&mut header, ipv4::IDENTIFICATION_AT, self.identification);
        write16(
            &mut header,
            ipv4::FRAGMENT_AT,
            if self.dont_fragment {
                ipv4::DONT_FRAGMENT
            } else {
                0
            },
        );
        header[ipv4::TTL_AT] = self.ttl;
        header[ipv4::PROTOCOL_AT] = protocol.0;
        header[ipv4::SOURCE_AT..ipv4::DESTINATION_AT].copy_from_slice(&self.source.octets());
        header[ipv4::DESTINATION_AT..].copy_from_slice(&self.destination.octets());
        let sum = checksum::internet(&header);
        write16(&mut header, ipv4::CHECKSUM_AT, sum);
        header
    }

    /// The header above IPv4 with the checksum, and for UDP the length, still 0.
    fn l4_header(&self) -> (Protocol, Vec<u8>) {
        let mut header = Vec::new();
        match self.transport {
            Transport::Tcp {
                source_port,
                destination_port,
                flags,
                seq,
                ack,
                window,
                mss,
            } => {
                header.extend_from_slice(&source_port.to_be_bytes());
                header.extend_from_slice(&destination_port.to_be_bytes());
                header.extend_from_slice(&seq.to_be_bytes());
                header.extend_from_slice(&ack.to_be_bytes());
                header.extend_from_slice(&[if mss.is_some() { 0x60 } else { 0x50 }, flags]);
                header.extend_from_slice(&window.to_be_bytes());
                header.extend_from_slice(&[0; 4]);
                if let Some(mss) = mss {
                    header.extend_from_slice(&[tcp::OPTION_MSS, 4]);
                    header.extend_from_slice(&mss.to_be_bytes());
                }
                (Protocol::TCP, header)
            }
            Transport::Udp {
                source_port,
                destination_port,
                ..
            } => {
                header.extend_from_slice(&source_port.to_be_bytes());
                header.extend_from_slice(&destination_port.to_be_bytes());
                header.extend_from_slice(&[0; 4]);
                (Protocol::UDP, header)
            }
            Transport::Icmp {
                icmp_type,
                code,
                rest,
            } => {
                header.extend_from_slice(&[icmp_type, code, 0, 0]);
                header.extend_from_slice(&rest.to_be_bytes());
                (Protocol::ICMP, header)
            }
            Transport::Raw(protocol) => (protocol, header),
        }
    }

    fn finish_l4(&self, l4: &mut [u8]) {
        match self.transport {
            Transport::Tcp { .. } => {
                let sum = checksum::transport(self.source, self.destination, Protocol::TCP, l4);
                write16(l4, tcp::CHECKSUM_AT, sum);
            }
            Transport::Udp { with_checksum, .. } => {
                write16(l4, 4, l4.len() as u16);
                if with_checksum {
                    let sum = checksum::transport(self.source, self.destination, Protocol::UDP, l4);
                    write16(l4, udp::CHECKSUM_AT, if sum == 0 { 0xffff } else { sum });
                }
            }
            Transport::Icmp { .. } => {
                let sum = checksum::internet(l4);
                write16(l4, icmp::CHECKSUM_AT, sum);
            }
            Transport::Raw(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{self, HOST, SERVER, has_right_checksums};
    use crate::summarize;

    #[test]
    fn syn_has_the_bytes_of_its_fields() {
        let packet = PacketBuilder::tcp(HOST, 40_000, SERVER, 443)
            .flags(tcp::SYN)
            .seq(1)
            .mss(1460)
            .build();
        #[rustfmt::skip]
        let golden = [
            0x45, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0x63, 0xc1, 10, 0, 1, 5, 10, 0, 2, 7,
            0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 0x02, 0xff, 0xff, 0xe3, 0x1e, 0, 0,
            2, 4, 0x05, 0xb4,
        ];
        assert_eq!(packet, golden);
    }

    #[test]
    fn echo_request_has_the_bytes_of_its_fields() {
        #[rustfmt::skip]
        let golden = [
            0x45, 0, 0, 28, 0, 9, 0x40, 0, 255, 1, 0x64, 0xcc, 10, 0, 1, 5, 10, 0, 2, 7,
            8, 0, 0xf7, 0xf7, 0, 7, 0, 1,
        ];
        let packet = PacketBuilder::icmp_echo(HOST, SERVER, 7, 1)
            .ttl(255)
            .identification(9)
            .dont_fragment(true)
            .build();
        assert_eq!(packet, golden);
    }

    #[test]
    fn setters_of_another_protocol_change_nothing() {
        let plain = PacketBuilder::udp(HOST, 1, SERVER, 2);
        assert_eq!(
            plain
                .clone()
                .flags(tcp::SYN)
                .seq(1)
                .ack(1)
                .window(1)
                .mss(1)
                .build(),
            plain.build()
        );
    }

    #[test]
    fn payload_beyond_the_largest_packet_is_cut_off() {
        let packet = PacketBuilder::udp(HOST, 1, SERVER, 2)
            .payload(&vec![1; 70_000])
            .build();
        assert_eq!(
            (packet.len(), summarize(&packet).unwrap().total_len),
            (65_535, 65_535)
        );
        assert!(has_right_checksums(&packet));
    }

    proptest! {
        #[test]
        fn built_packets_have_right_checksums(packet in samples::packet()) {
            prop_assert!(has_right_checksums(&packet));
        }
    }
}
