//! Public addresses: which ranges the internet does not carry, and which address stands for which private one.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use vpcsim_engine::DropReason;

use crate::compile::Place;
use crate::devices::Vpc;
use crate::drop_reason;
use crate::model::Id;

/// Whether the address lies in 100.64.0.0/10, the range for carriers (RFC 6598).
pub const fn is_carrier(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0xc0 == 64
}

/// Whether the address lies in a private range (RFC 1918) or in that for carriers (RFC 6598).
pub const fn is_private(address: Ipv4Addr) -> bool {
    address.is_private() || is_carrier(address)
}

/// Whether no host on the internet can have the address: private, link-local, loopback, multicast, or reserved.
///
/// The ranges for documentation count as public: examples are made of them.
pub const fn is_unusable(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    is_private(address)
        || address.is_link_local()
        || address.is_loopback()
        || address.is_multicast()
        || first == 0
        || first >= 240
}

/// The public addresses of one VPC: which stands for which private one (IGW-02, IGW-09).
#[derive(Clone, Debug, Default)]
pub struct PublicMapping {
    public_of: FxHashMap<Ipv4Addr, Ipv4Addr>,
    private_of: FxHashMap<Ipv4Addr, Ipv4Addr>,
}

impl PublicMapping {
    /// The mapping of the VPC, as it was claimed.
    pub fn of_vpc(vpc: Id<Vpc>, place: &Place<'_>) -> Self {
        let mut mapping = Self::default();
        for (public, owner) in place.public_owners.iter().filter(|(_, owner)| owner.vpc == vpc) {
            mapping.public_of.entry(owner.private).or_insert(*public);
            mapping.private_of.insert(*public, owner.private);
        }
        mapping
    }

    /// The public address that stands for the private one.
    pub fn public_of(&self, private: Ipv4Addr) -> Option<Ipv4Addr> {
        self.public_of.get(&private).copied()
    }

    /// The private address behind the public one.
    pub fn private_of(&self, public: Ipv4Addr) -> Option<Ipv4Addr> {
        self.private_of.get(&public).copied()
    }

    /// The source that a packet gets on its way out.
    ///
    /// # Errors
    /// Why it does not get out.
    #[inline]
    pub fn egress(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Result<Ipv4Addr, DropReason> {
        if destination.is_private() {
            return Err(drop_reason::IGW_DST_PRIVATE);
        }
        if is_carrier(destination) {
            return Err(drop_reason::IGW_DST_RFC6598);
        }
        self.public_of(source).ok_or(drop_reason::IGW_NO_PUBLIC_MAPPING)
    }

    /// The destination that a packet gets on its way in.
    ///
    /// # Errors
    /// Why it does not get in.
    pub fn ingress(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Result<Ipv4Addr, DropReason> {
        if source.is_private() {
            return Err(drop_reason::IGW_SRC_PRIVATE);
        }
        if is_carrier(source) {
            return Err(drop_reason::IGW_SRC_RFC6598);
        }
        self.private_of(destination).ok_or(drop_reason::IGW_NO_MAPPING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand::ip;

    #[test]
    fn carrier_addresses_end_where_rfc_6598_says() {
        assert!(is_carrier(ip("100.64.0.0")) && is_carrier(ip("100.127.255.255")));
        assert!(!is_carrier(ip("100.63.255.255")) && !is_carrier(ip("100.128.0.0")));
    }

    #[test]
    fn documentation_addresses_count_as_public() {
        for text in ["192.0.2.1", "198.51.100.7", "203.0.113.9", "8.8.8.8"] {
            assert!(!is_unusable(ip(text)), "{text}");
        }
        for text in [
            "10.1.1.1",
            "169.254.169.254",
            "127.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
        ] {
            assert!(is_unusable(ip(text)), "{text}");
        }
    }

    #[test]
    fn a_private_destination_is_named_before_a_missing_public_address() {
        let mapping = PublicMapping::default();
        let source = ip("10.0.1.5");
        let reason = |destination: &str| mapping.egress(source, ip(destination)).unwrap_err();
        assert_eq!(reason("192.168.1.1"), drop_reason::IGW_DST_PRIVATE);
        assert_eq!(reason("8.8.8.8"), drop_reason::IGW_NO_PUBLIC_MAPPING);
    }
}
