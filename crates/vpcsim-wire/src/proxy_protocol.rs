//! The header of the proxy protocol, version 2, which tells a server who its client is.

use crate::{FlowKey, Protocol};

/// Length of the header of a connection over IPv4, in bytes.
pub const HEADER_LEN: usize = 28;
/// Length of the header that names nobody, in bytes.
pub const LOCAL_LEN: usize = 16;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const VERSION_AND_LOCAL: u8 = 0x20;
const VERSION_AND_PROXY: u8 = 0x21;
const TCP_OVER_IPV4: u8 = 0x11;
const UDP_OVER_IPV4: u8 = 0x12;
/// The type of AWS's own fields, and of these the one with the id of a VPC endpoint.
const TYPE_OF_AWS: u8 = 0xea;
const ENDPOINT_ID: u8 = 0x01;

/// The header for a client's flow: its sender, and the address and port that it sends to.
pub fn header(client: FlowKey) -> [u8; HEADER_LEN] {
    let family = if client.protocol() == Protocol::UDP {
        UDP_OVER_IPV4
    } else {
        TCP_OVER_IPV4
    };
    let mut header = [0; HEADER_LEN];
    header[..12].copy_from_slice(&SIGNATURE);
    header[12..16].copy_from_slice(&[VERSION_AND_PROXY, family, 0, (HEADER_LEN - LOCAL_LEN) as u8]);
    header[16..20].copy_from_slice(&client.source().octets());
    header[20..24].copy_from_slice(&client.destination().octets());
    header[24..26].copy_from_slice(&client.source_port().to_be_bytes());
    header[26..].copy_from_slice(&client.destination_port().to_be_bytes());
    header
}

/// The header for a client that came by a VPC endpoint, whose id it tells in a field of AWS's own (0xEA, 0x01).
pub fn header_with_endpoint(client: FlowKey, endpoint: &str) -> Vec<u8> {
    let mut bytes = header(client).to_vec();
    let value = &endpoint.as_bytes()[..endpoint.len().min(usize::from(u8::MAX))];
    let len = (value.len() + 1) as u16;
    bytes.push(TYPE_OF_AWS);
    bytes.extend(len.to_be_bytes());
    bytes.push(ENDPOINT_ID);
    bytes.extend(value);
    let following = (bytes.len() - LOCAL_LEN) as u16;
    bytes[14..16].copy_from_slice(&following.to_be_bytes());
    bytes
}

/// The header of a connection that a proxy makes for itself, as for a health check.
pub fn local_header() -> [u8; LOCAL_LEN] {
    let mut header = [0; LOCAL_LEN];
    header[..12].copy_from_slice(&SIGNATURE);
    header[12] = VERSION_AND_LOCAL;
    header
}

/// What follows the header, if `bytes` begin with a whole one.
pub fn strip(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&SIGNATURE)?;
    let len = u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]);
    rest.get(4 + usize::from(len)..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{HOST, SERVER};

    #[test]
    fn a_header_names_the_client_byte_by_byte() {
        let key = FlowKey::new(HOST, SERVER, Protocol::TCP, 40_000, 443);
        #[rustfmt::skip]
        let expected = [
            0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12,
            10, 0, 1, 5, 10, 0, 2, 7, 0x9c, 0x40, 0x01, 0xbb,
        ];
        assert_eq!(header(key), expected);
        assert_eq!(local_header()[12..], [0x20, 0, 0, 0]);
    }

    #[test]
    fn the_id_of_an_endpoint_follows_in_a_field_of_its_own() {
        let key = FlowKey::new(HOST, SERVER, Protocol::TCP, 40_000, 443);
        let bytes = header_with_endpoint(key, "vpce-0abc");
        assert_eq!(bytes[14..16], [0, 12 + 3 + 10]);
        assert_eq!(bytes[16..28], header(key)[16..28]);
        assert_eq!(&bytes[28..], [&[0xea, 0, 10, 0x01], &b"vpce-0abc"[..]].concat());
        assert_eq!(strip(&bytes), Some(&[][..]));
    }

    #[test]
    fn what_follows_a_whole_header_is_found() {
        let key = FlowKey::new(HOST, SERVER, Protocol::UDP, 1, 2);
        let mut bytes = header(key).to_vec();
        assert_eq!(bytes[13], 0x12);
        assert_eq!(strip(&bytes), Some(&[][..]));
        bytes.extend(b"GET");
        assert_eq!(strip(&bytes), Some(&b"GET"[..]));
        assert_eq!(strip(&bytes[..20]), None);
        assert_eq!(strip(b"GET / HTTP/1.1"), None);
    }
}
