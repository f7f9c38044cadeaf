//! New flows: every packet is the first of its flow, through a security group, network ACLs and a NAT gateway.

use std::net::Ipv4Addr;

use vpcsim_aws::Protocol;
use vpcsim_import::{Source, read};
use vpcsim_wire::FlowKey;

use crate::load::LoadedNetwork;

const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 10);
/// A NAT address has 55,000 ports for one destination (NAT-08).
const FLOWS_PER_DESTINATION: u32 = 50_000;

const DESIGN: &str = "
name: arrivals
region: eu-west-1
vpcs:
  net:
    cidr: 10.0.0.0/16
    internet_gateway: igw
    subnets:
      public: { az: a, cidr: 10.0.1.0/24, route_table: public }
      private: { az: a, cidr: 10.0.2.0/24, route_table: private }
    route_tables:
      public: { 0.0.0.0/0: igw }
      private: { 0.0.0.0/0: nat }
    nat_gateways:
      nat: { subnet: public, address: 10.0.1.50, elastic_ip: 192.0.2.50 }
    security_groups:
      tracked: { egress: [udp 1024-65535 to 198.0.0.0/8] }
    instances:
      client: { subnet: private, address: 10.0.2.10, security_groups: [tracked] }
";

/// A network where so many flows begin, one a packet.
///
/// # Panics
/// If the design is not valid.
pub fn arrivals(flow_count: u32) -> LoadedNetwork {
    let source = Source {
        name: "arrivals.yaml".to_owned(),
        bytes: DESIGN.into(),
    };
    let design = read(vec![source]);
    assert!(!design.findings.has_errors(), "{:#?}", design.findings);
    let mut topology = design.topology;
    topology.settings.tracked_connections_max = 2 * flow_count.max(1_000);
    let flow = |number: u32| {
        let (place, port) = (number / FLOWS_PER_DESTINATION, number % FLOWS_PER_DESTINATION);
        let destination = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 51, 0, 1)) + place);
        FlowKey::new(
            CLIENT_ADDRESS,
            destination,
            Protocol::UDP,
            1_024 + port as u16,
            4_789,
        )
    };
    LoadedNetwork::between(topology, (0..flow_count).map(flow).collect(), 64)
}

#[cfg(test)]
mod tests {
    use vpcsim_aws::devices::nat_gateway::NatGatewayDevice;
    use vpcsim_engine::NodeId;

    use super::*;

    #[test]
    fn every_packet_takes_a_port_of_the_nat_gateway() {
        let mut loaded = arrivals(1_000);
        loaded.send(1_000);
        let nodes = (0..loaded.network.node_count() as u32).map(NodeId);
        let metrics = nodes.filter_map(|node| {
            let read = |nat: &mut NatGatewayDevice, context: &mut vpcsim_engine::Context<'_>| {
                nat.metrics(context.now())
            };
            loaded.network.act(node, read)
        });
        let metrics: Vec<_> = metrics.collect();
        assert_eq!(metrics.len(), 1);
        assert_eq!(metrics[0].out_to_destination.packets, 1_000);
        assert_eq!(metrics[0].error_port_allocation, 0);
    }
}
