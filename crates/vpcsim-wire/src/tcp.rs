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
        let marks = (self.flags() & SYN != 0) as u32 + (self.flags() & FIN != 0) as u32;
        self.payload().len() as u32 + marks
    }

    /// Whether the checksum is right for a packet between these addresses.
    pub fn verify_checksum(&self, source: Ipv4Addr, destination: Ipv4Addr) -> bool {
        checksum::transport(source, destination, Protocol::TCP, self.bytes) == 0
    }
}

/// Where in `options` the value of the maximum segment size lies; `None` if absent or the list is broken before it.
pub(crate) fn mss_at(options: &[u8]) -> Option<usize> {
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
                if kind == OPTION_MSS && len == 4 {
                    return Some(at + 2);
                }
                at += len;
            }
        }
    }
}
