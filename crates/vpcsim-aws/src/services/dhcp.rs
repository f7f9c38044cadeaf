//! DHCP: the platform's answer to an interface that asks for its address.
//!
//! # AWS semantics
//!
//! - The lease is the interface's primary private address, with the subnet's mask and its router (DHCP-01).
//! - The interface's MTU comes with it, 9001 on current types (DHCP-01).
//! - By default the name server is the VPC's resolver and the domain is the region's; there is no NTP and no NetBIOS (DHCP-02).
//! - A set of options replaces all of these; what it does not name is not sent (DHCP-03).
//! - `AmazonProvidedDNS` in a set stands for the resolver's address (DHCP-04).
//! - Secondary addresses and prefixes are not offered (DHCP-06).
//!
//! # Where AWS is silent
//!
//! - A lease lasts 3600 s, is renewed after half of it and rebound after seven eighths.
//! - The server calls itself by the router's address.
//! - A request for another address is refused (NAK); one for another server, and one for another MAC address, is ignored.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_engine::{Context, Handle, Node, Port, Step};
use vpcsim_wire::PacketBuilder;

use super::bootp::{MessageType, ReplyWriter, Request, option};
use super::client::{Client, Clients, resolver_address};
use super::names::private_domain;
use super::question::Question;
use crate::devices::Vpc;
use crate::devices::dhcp_options::NameServer;
use crate::topology::Topology;

/// The port that the server listens at.
pub const SERVER_PORT: u16 = 67;
/// The port that clients listen at.
pub const CLIENT_PORT: u16 = 68;
/// How long a lease lasts, in seconds.
pub const LEASE_S: u32 = 3600;

/// What a VPC's clients are told beside their address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    name_servers: Vec<Ipv4Addr>,
    domain_name: Option<String>,
    ntp_servers: Vec<Ipv4Addr>,
    netbios_name_servers: Vec<Ipv4Addr>,
    netbios_node_type: Option<u8>,
}

impl Told {
    fn new(topology: &Topology, vpc: &Vpc) -> Self {
        let resolver = resolver_address(vpc);
        let options = vpc.dhcp_options.and_then(|id| topology.dhcp_options.find(id));
        let Some(options) = options else {
            return Self {
                name_servers: resolver.into_iter().collect(),
                domain_name: Some(private_domain(&vpc.region)),
                ..Self::default()
            };
        };
        let address = |server: &NameServer| match server {
            NameServer::AmazonProvided => resolver,
            NameServer::Address(address) => Some(*address),
        };
        Self {
            name_servers: options.domain_name_servers.iter().filter_map(address).collect(),
            domain_name: options.domain_name.clone(),
            ntp_servers: options.ntp_servers.clone(),
            netbios_name_servers: options.netbios_name_servers.clone(),
            netbios_node_type: options.netbios_node_type,
        }
    }
}

/// The running DHCP service of all VPCs.
#[derive(Clone)]
pub struct DhcpDevice {
    clients: Arc<Clients>,
    told: Arc<[Told]>,
}

impl DhcpDevice {
    /// A server for these clients.
    pub fn new(topology: &Topology, clients: Arc<Clients>) -> Self {
        let vpcs = topology.vpcs.iter();
        Self {
            clients,
            told: vpcs.map(|(_, vpc)| Told::new(topology, vpc)).collect(),
        }
    }

    fn answer_to(&self, client: &Client, request: &Request) -> Option<Answer> {
        if request.mac != client.mac || request.server.is_some_and(|server| server != client.router) {
            return None;
        }
        let message_type = match request.message_type {
            MessageType::Discover => MessageType::Offer,
            MessageType::Inform => MessageType::Ack,
            MessageType::Request if wants(request) == Some(client.primary) => MessageType::Ack,
            MessageType::Request => MessageType::Nak,
            MessageType::Offer | MessageType::Ack | MessageType::Nak => return None,
        };
        let destination = match (message_type, request.client_address) {
            (MessageType::Nak, _) => Ipv4Addr::BROADCAST,
            (_, Ipv4Addr::UNSPECIFIED) if request.broadcast => Ipv4Addr::BROADCAST,
            (_, Ipv4Addr::UNSPECIFIED) => client.primary,
            (_, known) => known,
        };
        Some(Answer {
            message: self.message(client, request, message_type),
            destination,
        })
    }

    fn message(&self, client: &Client, request: &Request, message_type: MessageType) -> Vec<u8> {
        let leases = matches!(message_type, MessageType::Offer | MessageType::Ack)
            && request.message_type != MessageType::Inform;
        let yours = if leases {
            client.primary
        } else {
            Ipv4Addr::UNSPECIFIED
        };
        let mut writer = ReplyWriter::new(request, message_type, yours);
        writer.addresses(option::SERVER_IDENTIFIER, [client.router]);
        if leases {
            writer.seconds(option::LEASE_TIME, LEASE_S);
            writer.seconds(option::RENEWAL_TIME, LEASE_S / 2);
            writer.seconds(option::REBINDING_TIME, LEASE_S / 8 * 7);
        }
        if message_type != MessageType::Nak {
            writer.addresses(option::SUBNET_MASK, [client.subnet.netmask()]);
            writer.addresses(option::ROUTER, [client.router]);
            writer.option(option::MTU, &client.mtu.to_be_bytes());
            if let Some(told) = self.told.get(client.vpc.index()) {
                write_told(&mut writer, told);
            }
        }
        writer.finish()
    }
}

struct Answer {
    message: Vec<u8>,
    destination: Ipv4Addr,
}

/// The address that a REQUEST is for: the one that was offered, or the one that is being renewed.
fn wants(request: &Request) -> Option<Ipv4Addr> {
    let renewed = request.client_address;
    request
        .requested
        .or((!renewed.is_unspecified()).then_some(renewed))
}

fn write_told(writer: &mut ReplyWriter, told: &Told) {
    writer.addresses(option::NAME_SERVERS, told.name_servers.iter().copied());
    writer.option(
        option::DOMAIN_NAME,
        told.domain_name.as_deref().unwrap_or("").as_bytes(),
    );
    writer.addresses(option::NTP_SERVERS, told.ntp_servers.iter().copied());
    writer.addresses(
        option::NETBIOS_NAME_SERVERS,
        told.netbios_name_servers.iter().copied(),
    );
    writer.option(option::NETBIOS_NODE_TYPE, told.netbios_node_type.as_slice());
}

impl Node for DhcpDevice {
    fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
        let question = Question::read(&self.clients, context.packet(packet));
        let answer = question.and_then(|question| {
            let request = Request::parse(question.payload)?;
            Some((question.client, self.answer_to(question.client, &request)?))
        });
        if let Some((client, answer)) = answer {
            let bytes = PacketBuilder::udp(client.router, SERVER_PORT, answer.destination, CLIENT_PORT)
                .payload(&answer.message)
                .build();
            if answer.destination.is_broadcast() {
                client.answer_broadcast(context, &bytes);
            } else {
                client.answer(context, &bytes);
            }
        }
        Step::Deliver
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::DhcpOptions;
    use crate::model::{Id, Label};
    use crate::services::bootp::find;
    use crate::services::fixture::{CLIENT, CLIENT_MAC, Desk, Reply, shop};
    use vpcsim_wire::Mac;

    const OPTIONS_AT: usize = 240;

    /// A client's message of this type with these further options.
    fn message(message_type: MessageType, options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 236];
        bytes[..8].copy_from_slice(&[1, 1, 6, 0, 1, 2, 3, 4]);
        bytes[28..34].copy_from_slice(&CLIENT_MAC.0);
        bytes.extend([99, 130, 83, 99, 53, 1, message_type as u8]);
        bytes.extend(options);
        bytes.push(255);
        bytes
    }

    fn ask_in(topology: &Topology, message: &[u8]) -> Option<Reply> {
        let mut desk = Desk::new(|clients| Box::new(DhcpDevice::new(topology, clients)));
        let packet = PacketBuilder::udp(
            Ipv4Addr::UNSPECIFIED,
            CLIENT_PORT,
            Ipv4Addr::BROADCAST,
            SERVER_PORT,
        )
        .payload(message)
        .build();
        desk.ask_udp(&packet)
    }

    fn ask(message: &[u8]) -> Option<Reply> {
        ask_in(&shop(), message)
    }

    fn value(reply: &Reply, number: u8) -> Option<Vec<u8>> {
        find(&reply.payload[OPTIONS_AT..], number).map(<[u8]>::to_vec)
    }

    fn yours(reply: &Reply) -> Ipv4Addr {
        <[u8; 4]>::try_from(&reply.payload[16..20]).unwrap().into()
    }

    fn with_options(options: DhcpOptions) -> Topology {
        let mut topology = shop();
        let id = topology.dhcp_options.push(options);
        topology.vpcs[Id::from_index(0)].dhcp_options = Some(id);
        topology
    }

    fn options() -> DhcpOptions {
        DhcpOptions {
            label: Label::named("dopt"),
            domain_name: None,
            domain_name_servers: Vec::new(),
            ntp_servers: Vec::new(),
            netbios_name_servers: Vec::new(),
            netbios_node_type: None,
        }
    }

    #[test]
    fn a_discover_is_offered_the_primary_address_with_mask_and_router() {
        let offer = ask(&message(MessageType::Discover, &[])).unwrap();
        assert_eq!(value(&offer, option::MESSAGE_TYPE), Some(vec![2]));
        assert_eq!(yours(&offer), CLIENT);
        assert_eq!(value(&offer, option::SUBNET_MASK), Some(vec![255, 255, 255, 0]));
        assert_eq!(value(&offer, option::ROUTER), Some(vec![10, 0, 1, 1]));
        assert_eq!((offer.source, offer.source_port), ([10, 0, 1, 1].into(), 67));
        assert_eq!((offer.destination, offer.destination_port), (CLIENT, 68));
        assert_eq!(offer.payload[4..8], [1, 2, 3, 4]);
    }

    #[test]
    fn the_mtu_is_9001() {
        let offer = ask(&message(MessageType::Discover, &[])).unwrap();
        assert_eq!(value(&offer, option::MTU), Some(9001_u16.to_be_bytes().to_vec()));
    }

    #[test]
    fn the_default_is_the_resolver_and_the_regions_domain_and_no_more() {
        let offer = ask(&message(MessageType::Discover, &[])).unwrap();
        assert_eq!(value(&offer, option::NAME_SERVERS), Some(vec![10, 0, 0, 2]));
        assert_eq!(
            value(&offer, option::DOMAIN_NAME),
            Some(b"eu-west-1.compute.internal".to_vec())
        );
        assert_eq!(value(&offer, option::NTP_SERVERS), None);
        assert_eq!(value(&offer, option::NETBIOS_NAME_SERVERS), None);
    }

    #[test]
    fn in_us_east_1_the_domain_is_ec2_internal() {
        let mut topology = shop();
        topology.vpcs[Id::from_index(0)].region = "us-east-1".to_owned();
        let offer = ask_in(&topology, &message(MessageType::Discover, &[])).unwrap();
        assert_eq!(value(&offer, option::DOMAIN_NAME), Some(b"ec2.internal".to_vec()));
    }

    #[test]
    fn a_set_replaces_the_defaults_and_what_it_does_not_name_is_not_sent() {
        let topology = with_options(DhcpOptions {
            domain_name_servers: vec![
                NameServer::Address([10, 0, 9, 9].into()),
                NameServer::AmazonProvided,
            ],
            ntp_servers: vec![[10, 0, 9, 8].into()],
            netbios_name_servers: vec![[10, 0, 9, 7].into()],
            netbios_node_type: Some(2),
            ..options()
        });
        let offer = ask_in(&topology, &message(MessageType::Discover, &[])).unwrap();
        assert_eq!(value(&offer, option::DOMAIN_NAME), None);
        assert_eq!(
            value(&offer, option::NAME_SERVERS),
            Some(vec![10, 0, 9, 9, 10, 0, 0, 2])
        );
        assert_eq!(value(&offer, option::NTP_SERVERS), Some(vec![10, 0, 9, 8]));
        assert_eq!(
            value(&offer, option::NETBIOS_NAME_SERVERS),
            Some(vec![10, 0, 9, 7])
        );
        assert_eq!(value(&offer, option::NETBIOS_NODE_TYPE), Some(vec![2]));
    }

    #[test]
    fn a_request_for_the_offer_is_acknowledged_for_3600_seconds() {
        let ack = ask(&message(
            MessageType::Request,
            &[50, 4, 10, 0, 1, 5, 54, 4, 10, 0, 1, 1],
        ))
        .unwrap();
        assert_eq!(value(&ack, option::MESSAGE_TYPE), Some(vec![5]));
        assert_eq!(yours(&ack), CLIENT);
        assert_eq!(
            value(&ack, option::LEASE_TIME),
            Some(3600_u32.to_be_bytes().to_vec())
        );
        assert_eq!(
            value(&ack, option::REBINDING_TIME),
            Some(3150_u32.to_be_bytes().to_vec())
        );
        assert_eq!(value(&ack, option::SERVER_IDENTIFIER), Some(vec![10, 0, 1, 1]));
    }

    #[test]
    fn a_secondary_address_is_not_leased() {
        let nak = ask(&message(MessageType::Request, &[50, 4, 10, 0, 1, 9])).unwrap();
        assert_eq!(value(&nak, option::MESSAGE_TYPE), Some(vec![6]));
        assert_eq!(yours(&nak), Ipv4Addr::UNSPECIFIED);
        assert!(nak.destination.is_broadcast());
        assert!(nak.frame.destination.is_broadcast());
    }

    #[test]
    fn an_inform_is_told_all_but_a_lease() {
        let mut inform = message(MessageType::Inform, &[]);
        inform[12..16].copy_from_slice(&CLIENT.octets());
        let ack = ask(&inform).unwrap();
        assert_eq!(yours(&ack), Ipv4Addr::UNSPECIFIED);
        assert_eq!(value(&ack, option::LEASE_TIME), None);
        assert_eq!(value(&ack, option::NAME_SERVERS), Some(vec![10, 0, 0, 2]));
    }

    #[test]
    fn a_client_that_asks_for_broadcast_gets_it() {
        let mut discover = message(MessageType::Discover, &[]);
        discover[10] = 0x80;
        let offer = ask(&discover).unwrap();
        assert!(offer.destination.is_broadcast() && offer.frame.destination.is_broadcast());
    }

    #[test]
    fn requests_for_another_server_or_another_mac_are_ignored() {
        let elsewhere = message(MessageType::Request, &[50, 4, 10, 0, 1, 5, 54, 4, 10, 0, 1, 200]);
        assert!(ask(&elsewhere).is_none());
        let mut foreign = message(MessageType::Discover, &[]);
        foreign[28..34].copy_from_slice(&Mac([2, 9, 9, 9, 9, 9]).0);
        assert!(ask(&foreign).is_none());
        assert!(ask(&[]).is_none());
    }
}
