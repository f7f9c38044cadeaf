//! The host names that AWS gives to addresses, and how to read them back.
//!
//! # AWS semantics
//!
//! - A private name is `ip-10-0-1-5.ec2.internal` in us-east-1, elsewhere `ip-10-0-1-5.REGION.compute.internal` (DNS-05).
//! - A public name is `ec2-P-P-P-P.compute-1.amazonaws.com` in us-east-1, elsewhere `ec2-P-P-P-P.REGION.compute.amazonaws.com`
//!   (DNS-05).

use std::net::Ipv4Addr;

const FIRST_REGION: &str = "us-east-1";

/// The domain of a region's private names, which is also the default domain that DHCP hands out (DHCP-02).
pub fn private_domain(region: &str) -> String {
    if region == FIRST_REGION {
        "ec2.internal".to_owned()
    } else {
        format!("{region}.compute.internal")
    }
}

/// The domain of a region's public names.
pub fn public_domain(region: &str) -> String {
    if region == FIRST_REGION {
        "compute-1.amazonaws.com".to_owned()
    } else {
        format!("{region}.compute.amazonaws.com")
    }
}

/// The private name of an address.
pub fn private_hostname(region: &str, address: Ipv4Addr) -> String {
    format!("ip-{}.{}", dashed(address), private_domain(region))
}

/// The public name of an address.
pub fn public_hostname(region: &str, address: Ipv4Addr) -> String {
    format!("ec2-{}.{}", dashed(address), public_domain(region))
}

fn dashed(address: Ipv4Addr) -> String {
    address.to_string().replace('.', "-")
}

/// A name that has the form of one of AWS's own; it need not be anybody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwsName {
    /// A private name of this address, in the region whose private domain this is.
    Private(Ipv4Addr, String),
    /// A public name of this address, in the region whose public domain this is.
    Public(Ipv4Addr, String),
    /// The reverse name of this address.
    Reverse(Ipv4Addr),
}

impl AwsName {
    /// Reads a name in small letters, without a final dot.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
            let [d, c, b, a] = octets(labels, '.')?;
            return Some(Self::Reverse(Ipv4Addr::new(a, b, c, d)));
        }
        let (host, domain) = name.split_once('.')?;
        if let Some(address) = host.strip_prefix("ip-") {
            return Some(Self::Private(octets(address, '-')?.into(), domain.to_owned()));
        }
        let address = host.strip_prefix("ec2-")?;
        Some(Self::Public(octets(address, '-')?.into(), domain.to_owned()))
    }
}

/// Four decimal numbers without leading zeros.
fn octets(text: &str, separator: char) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split(separator);
    for octet in &mut octets {
        let part = parts.next()?;
        *octet = part.parse().ok()?;
        if octet.to_string() != part {
            return None;
        }
    }
    parts.next().is_none().then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_names_end_in_ec2_internal_only_in_us_east_1() {
        let address = Ipv4Addr::new(10, 0, 1, 5);
        assert_eq!(private_hostname("us-east-1", address), "ip-10-0-1-5.ec2.internal");
        assert_eq!(
            private_hostname("eu-west-1", address),
            "ip-10-0-1-5.eu-west-1.compute.internal"
        );
    }

    #[test]
    fn public_names_end_in_compute_1_only_in_us_east_1() {
        let address = Ipv4Addr::new(54, 1, 2, 3);
        assert_eq!(
            public_hostname("us-east-1", address),
            "ec2-54-1-2-3.compute-1.amazonaws.com"
        );
        assert_eq!(
            public_hostname("eu-west-1", address),
            "ec2-54-1-2-3.eu-west-1.compute.amazonaws.com"
        );
    }

    #[test]
    fn names_are_read_back() {
        let address = Ipv4Addr::new(10, 0, 1, 5);
        let private = private_hostname("eu-west-1", address);
        assert_eq!(
            AwsName::parse(&private),
            Some(AwsName::Private(address, "eu-west-1.compute.internal".to_owned()))
        );
        assert_eq!(
            AwsName::parse("5.1.0.10.in-addr.arpa"),
            Some(AwsName::Reverse(address))
        );
    }

    #[test]
    fn what_is_no_name_of_aws_is_not_read() {
        for name in [
            "",
            "ip-10-0-1",
            "ip-10-0-1-256.ec2.internal",
            "ip-10-0-01-5.ec2.internal",
            "ec2-1-2-3-4-5.x",
            "1.0.10.in-addr.arpa",
        ] {
            assert_eq!(AwsName::parse(name), None, "{name}");
        }
    }
}
