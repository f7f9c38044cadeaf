//! DHCP messages: a BOOTP header, the magic cookie and options (RFC 2131, RFC 2132).

use std::net::Ipv4Addr;

use vpcsim_wire::Mac;

const HEADER_LEN: usize = 236;
const MESSAGE_LEN_MIN: usize = 300;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: u8 = 1;
const MAC_LEN: u8 = 6;
const BROADCAST_FLAG: u8 = 0x80;

/// The numbers of the options that are read or written.
pub(super) mod option {
    pub(in super::super) const PAD: u8 = 0;
    pub(in super::super) const SUBNET_MASK: u8 = 1;
    pub(in super::super) const ROUTER: u8 = 3;
    pub(in super::super) const NAME_SERVERS: u8 = 6;
    pub(in super::super) const DOMAIN_NAME: u8 = 15;
    pub(in super::super) const MTU: u8 = 26;
    pub(in super::super) const NTP_SERVERS: u8 = 42;
    pub(in super::super) const NETBIOS_NAME_SERVERS: u8 = 44;
    pub(in super::super) const NETBIOS_NODE_TYPE: u8 = 46;
    pub(in super::super) const REQUESTED_ADDRESS: u8 = 50;
    pub(in super::super) const LEASE_TIME: u8 = 51;
    pub(in super::super) const MESSAGE_TYPE: u8 = 53;
    pub(in super::super) const SERVER_IDENTIFIER: u8 = 54;
    pub(in super::super) const RENEWAL_TIME: u8 = 58;
    pub(in super::super) const REBINDING_TIME: u8 = 59;
    pub(in super::super) const END: u8 = 255;
}

/// The message types that this server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageType {
    Discover = 1,
    Offer = 2,
    Request = 3,
    Ack = 5,
    Nak = 6,
    Inform = 8,
}

impl MessageType {
    fn from_number(number: u8) -> Option<Self> {
        [
            Self::Discover,
            Self::Offer,
            Self::Request,
            Self::Ack,
            Self::Nak,
            Self::Inform,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == number)
    }
}

/// A client's message, as far as the server needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) message_type: MessageType,
    pub(super) transaction: [u8; 4],
    pub(super) broadcast: bool,
    pub(super) client_address: Ipv4Addr,
    pub(super) mac: Mac,
    pub(super) requested: Option<Ipv4Addr>,
    pub(super) server: Option<Ipv4Addr>,
}

impl Request {
    /// Reads a message; `None` for anything that is not a client's whole message.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER_LEN)?;
        let options = rest.strip_prefix(&COOKIE)?;
        if header[..3] != [REQUEST, ETHERNET, MAC_LEN] {
            return None;
        }
        Some(Self {
            message_type: MessageType::from_number(*find(options, option::MESSAGE_TYPE)?.first()?)?,
            transaction: header[4..8].try_into().ok()?,
            broadcast: header[10] & BROADCAST_FLAG != 0,
            client_address: address(&header[12..16])?,
            mac: Mac(header[28..34].try_into().ok()?),
            requested: find(options, option::REQUESTED_ADDRESS).and_then(address),
            server: find(options, option::SERVER_IDENTIFIER).and_then(address),
        })
    }
}

fn address(bytes: &[u8]) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?))
}

/// The value of the first option of this number.
pub(super) fn find(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        let (&number, rest) = options.split_first()?;
        match number {
            option::PAD => options = rest,
            option::END => return None,
            _ => {
                let (&len, rest) = rest.split_first()?;
                let (value, rest) = rest.split_at_checked(usize::from(len))?;
                if number == wanted {
                    return Some(value);
                }
                options = rest;
            }
        }
    }
}

/// A server's message while it is written.
pub(super) struct ReplyWriter {
    bytes: Vec<u8>,
}

impl ReplyWriter {
    /// Begins the answer to a request, which gives the client the address `yours` (none: unspecified).
    pub(super) fn new(request: &Request, message_type: MessageType, yours: Ipv4Addr) -> Self {
        let mut bytes = vec![0; HEADER_LEN];
        bytes[..3].copy_from_slice(&[REPLY, ETHERNET, MAC_LEN]);
        bytes[4..8].copy_from_slice(&request.transaction);
        bytes[10] = if request.broadcast { BROADCAST_FLAG } else { 0 };
        bytes[12..16].copy_from_slice(&request.client_address.octets());
        bytes[16..20].copy_from_slice(&yours.octets());
        bytes[28..34].copy_from_slice(&request.mac.0);
        bytes.extend(COOKIE);
        let mut writer = Self { bytes };
        writer.option(option::MESSAGE_TYPE, &[message_type as u8]);
        writer
    }

    /// Adds an option, unless its value is empty or too long to be one.
    pub(super) fn option(&mut self, number: u8, value: &[u8]) {
        if let Ok(len @ 1..) = u8::try_from(value.len()) {
            self.bytes.extend([number, len]);
            self.bytes.extend(value);
        }
    }

    /// Adds an option that is a list of addresses.
    pub(super) fn addresses(&mut self, number: u8, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        let octets: Vec<u8> = addresses
            .into_iter()
            .flat_map(|address| address.octets())
            .collect();
        self.option(number, &octets);
    }

    /// Adds an option that is a number of seconds.
    pub(super) fn seconds(&mut self, number: u8, seconds: u32) {
        self.option(number, &seconds.to_be_bytes());
    }

    /// The whole message, no shorter than old BOOTP clients take.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(option::END);
        self.bytes
            .resize(self.bytes.len().max(MESSAGE_LEN_MIN), option::PAD);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's DISCOVER with these options after the message type.
    pub(crate) fn discover(options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        bytes[..8].copy_from_slice(&[REQUEST, ETHERNET, MAC_LEN, 0, 1, 2, 3, 4]);
        bytes[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 5]);
        bytes.extend(COOKIE);
        bytes.extend([option::MESSAGE_TYPE, 1, MessageType::Discover as u8]);
        bytes.extend(options);
        bytes
    }

    #[test]
    fn a_request_is_read_with_its_options() {
        let request = Request::parse(&discover(&[0, 50, 4, 10, 0, 1, 5, 255])).unwrap();
        assert_eq!(request.message_type, MessageType::Discover);
        assert_eq!(request.transaction, [1, 2, 3, 4]);
        assert_eq!(request.requested, Some(Ipv4Addr::new(10, 0, 1, 5)));
        assert_eq!(request.server, None);
    }

    #[test]
    fn every_prefix_of_a_message_is_read_or_refused_without_panic() {
        let whole = discover(&[50, 4, 10, 0, 1, 5, 54, 4, 10, 0, 1, 1]);
        for len in 0..=whole.len() {
            let read = Request::parse(&whole[..len]);
            assert_eq!(read.is_some(), len >= HEADER_LEN + 4 + 3, "{len} bytes");
        }
    }

    #[test]
    fn options_of_a_wrong_length_are_ignored() {
        let request = Request::parse(&discover(&[50, 3, 10, 0, 1, 54, 200, 1])).unwrap();
        assert_eq!((request.requested, request.server), (None, None));
    }

    #[test]
    fn answers_and_messages_of_other_hardware_are_refused() {
        for (at, value) in [(0, REPLY), (1, 6), (2, 8), (HEADER_LEN, 0)] {
            let mut message = discover(&[255]);
            message[at] = value;
            assert_eq!(Request::parse(&message), None);
        }
    }

    #[test]
    fn a_value_that_does_not_fit_an_option_is_left_out() {
        let request = Request::parse(&discover(&[255])).unwrap();
        let mut writer = ReplyWriter::new(&request, MessageType::Offer, Ipv4Addr::UNSPECIFIED);
        writer.option(option::DOMAIN_NAME, &[b'x'; 256]);
        writer.option(option::NTP_SERVERS, &[]);
        let reply = writer.finish();
        assert_eq!(reply.len(), MESSAGE_LEN_MIN);
        assert_eq!(find(&reply[HEADER_LEN + 4..], option::DOMAIN_NAME), None);
    }
}
