//! The chains of VPCs that packets are sent through, as native designs.
//!
//! # What a forwarding hop is
//!
//! A forwarding hop is a router on the way: something that looks the destination up in a route table and sends the packet on, as
//! each router of `ns3-chain.cc` does. Two kinds of AWS routers count, and nothing else does: the router of a VPC, with all that
//! stands at its edge, and a transit gateway. A peering connection is a wire, an interface the end of one. So a chain of `n` hops
//! stands beside ns-3 with `--n=n` and beside `linux-chain.sh n ct`.
//!
//! | form | 2 hops | 6 hops |
//! |---|---|---|
//! | [`Form::Gateways`] | two VPCs that are peered | a VPC, four transit gateways in a row, a VPC |
//! | [`Form::Inspected`] | two VPCs at one transit gateway | six VPCs, five gateways between them, an instance that forwards in each of the middle four |
//!
//! Every VPC has the whole pipeline: tracked security groups at each interface, network ACLs of ten entries of which the last
//! matches, and route tables of sixteen routes of which the last matches. Of an inspected chain that is each hop, and its transit
//! gateways (which look up, too) are not even counted: it is the dearest way to cross six VPCs. Of a chain of gateways it is the
//! first and the last hop; the others do what an ns-3 router does.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use vpcsim_aws::Topology;
use vpcsim_import::{Source, read};

/// The name of the instance that sends.
pub const CLIENT: &str = "client";
/// The name of the instance that receives.
pub const SERVER: &str = "server";

/// What stands between the sender's VPC and the receiver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Transit gateways that are peered in a row; for two hops a peering connection.
    Gateways,
    /// VPCs, each joined to the next by a transit gateway, with an instance that forwards.
    Inspected,
}

/// A chain of routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// How many routers are on the way, two or more.
    pub hops: usize,
    /// What they are.
    pub form: Form,
}

impl Chain {
    /// A chain of this form and length.
    pub const fn new(form: Form, hops: usize) -> Self {
        Self { hops, form }
    }

    /// The sender's address.
    pub const fn client(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 1, 1, 10)
    }

    /// The receiver's address.
    pub const fn server(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.last_vpc() as u8, 1, 10)
    }

    const fn last_vpc(self) -> usize {
        match self.form {
            Form::Gateways => 2,
            Form::Inspected => self.hops,
        }
    }

    /// The design.
    ///
    /// # Panics
    /// If what is written below is no valid design.
    pub fn topology(self) -> Topology {
        let text = self.design();
        let source = Source {
            name: "chain.yaml".to_owned(),
            bytes: text.into_bytes(),
        };
        let design = read(vec![source]);
        let findings: Vec<_> = design.findings.iter().map(|finding| &finding.message).collect();
        assert!(!design.findings.has_errors(), "{findings:#?}");
        design.topology
    }

    /// The design as text.
    pub fn design(self) -> String {
        let mut text = String::from("name: chain\nregion: eu-west-1\nvpcs:\n");
        for number in 1..=self.last_vpc() {
            self.write_vpc(&mut text, number);
        }
        match self.form {
            Form::Gateways if self.hops == 2 => text += "peerings:\n  join: { between: [vpc-1, vpc-2] }\n",
            Form::Gateways => self.write_gateways_in_a_row(&mut text),
            Form::Inspected => self.write_gateways_between(&mut text),
        }
        text
    }

    /// What the route tables of a VPC name for the way to the next VPC (or back, to the one before).
    fn gateway(self, from: usize, to: usize) -> String {
        match self.form {
            Form::Gateways if self.hops == 2 => "join".to_owned(),
            Form::Gateways if from == 1 => "gateway-1".to_owned(),
            Form::Gateways => format!("gateway-{}", self.hops - 2),
            Form::Inspected => format!("gateway-{}", from.min(to)),
        }
    }

    fn write_vpc(self, text: &mut String, number: usize) {
        let (first, last) = (1, self.last_vpc());
        let is_between = number != first && number != last;
        let far = if number == first { last } else { first };
        let far_side = self.gateway(number, if far > number { number + 1 } else { number - 1 });
        let mut tables = vec![("out", routes(&[(far, &far_side)], &far_side))];
        let mut subnets = vec![("out", number, "out")];
        if is_between {
            let on = self.gateway(number, number + 1);
            let routers = routes(&[(first, &far_side), (last, &on)], &on);
            let router = format!("router-{number}");
            let attachments = routes(&[(first, &router), (last, &router)], &on);
            tables = vec![("router", routers), ("attachment", attachments)];
            subnets = vec![
                ("router", number, "router"),
                ("before", number, "attachment"),
                ("behind", number, "attachment"),
            ];
        }
        let _ = writeln!(
            text,
            "  vpc-{number}:\n    cidr: 10.{number}.0.0/16\n    subnets:"
        );
        for (place, (name, number, table)) in subnets.into_iter().enumerate() {
            let _ = writeln!(
                text,
                "      {name}-{number}: {{ az: a, cidr: 10.{number}.{}.0/24, route_table: {table}-{number}, network_acl: ten-{number} }}",
                place + 1
            );
        }
        text.push_str("    route_tables:\n");
        for (name, routes) in tables {
            let _ = writeln!(text, "      {name}-{number}: {{ {routes} }}");
        }
        write_filters(text, number);
        let instance = match number {
            _ if number == first => format!("{CLIENT}: {{ subnet: out-1, address: 10.1.1.10"),
            _ if is_between => format!(
                "router-{number}: {{ subnet: router-{number}, source_dest_check: false, appliance: {{ forward: true }}"
            ),
            _ => format!("{SERVER}: {{ subnet: out-{number}, address: 10.{number}.1.10, listen: [tcp 9]"),
        };
        let _ = writeln!(
            text,
            "    instances:\n      {instance}, security_groups: [tracked-{number}] }}"
        );
    }

    fn write_gateways_in_a_row(self, text: &mut String) {
        let last = self.hops - 2;
        text.push_str("transit_gateways:\n");
        for number in 1..=last {
            let _ = writeln!(text, "  gateway-{number}:\n    attachments:");
            let (mut back, mut on) = (format!("row-{}", number - 1), format!("row-{number}"));
            if number == 1 {
                "to-vpc-1".clone_into(&mut back);
                let _ = writeln!(text, "      to-vpc-1: {{ vpc: vpc-1, subnets: [out-1] }}");
            }
            if number == last {
                "to-vpc-2".clone_into(&mut on);
                let _ = writeln!(text, "      to-vpc-2: {{ vpc: vpc-2, subnets: [out-2] }}");
            } else {
                let _ = writeln!(text, "      row-{number}: {{ peer: gateway-{} }}", number + 1);
            }
            let table =
                format!("associations: [{back}, {on}], routes: {{ 10.1.0.0/16: {back}, 10.2.0.0/16: {on} }}");
            let _ = writeln!(text, "    route_tables:\n      row-table-{number}: {{ {table} }}");
        }
    }

    fn write_gateways_between(self, text: &mut String) {
        text.push_str("transit_gateways:\n");
        let last = self.last_vpc();
        for number in 1..last {
            let next = number + 1;
            let subnet = |vpc: usize, between: &str| {
                let name = if vpc == 1 || vpc == last { "out" } else { between };
                format!("{name}-{vpc}")
            };
            let (left, right) = (subnet(number, "behind"), subnet(next, "before"));
            let (back, on) = (format!("left-{number}"), format!("right-{number}"));
            let _ = writeln!(
                text,
                "  gateway-{number}:\n    attachments:\n      {back}: {{ vpc: vpc-{number}, subnets: [{left}] }}\n      \
                 {on}: {{ vpc: vpc-{next}, subnets: [{right}] }}\n    route_tables:\n      \
                 table-{number}: {{ associations: [{back}, {on}], routes: {{ 10.1.0.0/16: {back}, 10.{last}.0.0/16: {on} }} }}"
            );
        }
    }
}

/// Sixteen routes with the implied one, of which `wanted` are asked.
fn routes(wanted: &[(usize, &str)], filler: &str) -> String {
    let mut routes: Vec<String> = (0..15 - wanted.len())
        .map(|number| format!("10.{}.0.0/16: {filler}", 100 + number))
        .collect();
    routes.extend(
        wanted
            .iter()
            .map(|(vpc, gateway)| format!("10.{vpc}.0.0/16: {gateway}")),
    );
    routes.join(", ")
}

/// A network ACL of ten entries each way, of which the last matches, and a group whose flows are tracked.
fn write_filters(text: &mut String, number: usize) {
    let entries = |word: &str| {
        let miss = (1..10).map(|entry| format!("{entry}0 allow tcp {entry} {word} 10.0.0.0/8"));
        let hit = std::iter::once(format!("100 allow all {word} 10.0.0.0/8"));
        miss.chain(hit).collect::<Vec<_>>().join(", ")
    };
    let rules = |word: &str| format!("udp {word} 10.0.0.0/8, tcp {word} 10.0.0.0/8");
    let _ = writeln!(
        text,
        "    network_acls:\n      ten-{number}:\n        ingress: [{}]\n        egress: [{}]\n    security_groups:\n      \
         tracked-{number}: {{ ingress: [{}], egress: [{}] }}",
        entries("from"),
        entries("to"),
        rules("from"),
        rules("to")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chain_is_a_valid_design_with_as_many_routers_as_hops() {
        for hops in [2, 3, 6] {
            let gateways = Chain::new(Form::Gateways, hops).topology();
            assert_eq!(gateways.vpcs.len() + gateways.transit_gateways.len(), hops);
            assert_eq!(Chain::new(Form::Inspected, hops).topology().vpcs.len(), hops);
        }
    }
}
