//! The eight stations of a packet's way.

use vpcsim_engine::Station;

/// A host or the outside world hands in bytes.
pub const EMIT: Station = Station::EMIT;
/// Source check and security group egress.
pub const ENI_OUT: Station = Station(2);
/// Network ACL egress, when the packet leaves the subnet.
pub const SUBNET_OUT: Station = Station(3);
/// The route table of the subnet that holds the sender.
pub const ROUTE: Station = Station(4);
/// A gateway: may rewrite, answer, or hand on.
pub const GATEWAY: Station = Station(5);
/// Network ACL ingress.
pub const SUBNET_IN: Station = Station(6);
/// Security group ingress and destination check.
pub const ENI_IN: Station = Station(7);
/// The host's stack or the outside world.
pub const DELIVER: Station = Station::DELIVER;

/// The station's name, as traces and reports write it.
pub const fn name(station: Station) -> &'static str {
    match station.0 {
        1 => "Emit",
        2 => "EniOut",
        3 => "SubnetOut",
        4 => "Route",
        5 => "Gateway",
        6 => "SubnetIn",
        7 => "EniIn",
        8 => "Deliver",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eight_stations_have_names_in_order() {
        let names: Vec<_> = (1..=8).map(|number| name(Station(number))).collect();
        let expected = [
            "Emit",
            "EniOut",
            "SubnetOut",
            "Route",
            "Gateway",
            "SubnetIn",
            "EniIn",
            "Deliver",
        ];
        assert_eq!(names, expected);
        assert_eq!(name(Station(9)), "Unknown");
    }
}
