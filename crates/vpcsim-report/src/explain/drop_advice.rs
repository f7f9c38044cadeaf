//! What to look at when a packet was dropped for a reason, and an example in the native format.

/// Advice on one drop reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The reason's name.
    pub reason: &'static str,
    /// What to look at.
    pub check: &'static str,
    /// What would be right, or how it comes about; may be empty.
    pub example: &'static str,
}

const fn advice(reason: &'static str, check: &'static str, example: &'static str) -> Advice {
    Advice {
        reason,
        check,
        example,
    }
}

/// All advice, in the order of a packet's way.
pub const ALL: &[Advice] = &[
    advice(
        "LINK_LOSS",
        "The loss rate of the link is part of the design; set it to zero for a network without faults.",
        "",
    ),
    advice(
        "LINK_QUEUE_FULL",
        "Send less, or give the link more bandwidth or a longer queue.",
        "",
    ),
    advice(
        "ROUTE_LOOP",
        "Follow the trace's route tables: one of them has to lead somewhere else.",
        "an instance as the target of 0.0.0.0/0 whose own subnet routes 0.0.0.0/0 back to it",
    ),
    advice(
        "MALFORMED",
        "Whoever made the bytes has to give them a valid header: lengths, version, checksum.",
        "",
    ),
    advice(
        "NOT_FOR_THIS_HOST",
        "The address belongs to the interface, but the host was not told of it, as with secondary addresses.",
        "ip address add 10.0.1.20/24 dev eth0, on the host",
    ),
    advice(
        "HOST_MALFORMED",
        "Look at the packet in the capture: its header does not say what its bytes are.",
        "",
    ),
    advice(
        "BAD_CHECKSUM",
        "Whoever made or changed the packet has to compute its checksum anew.",
        "",
    ),
    advice(
        "MARTIAN_SOURCE",
        "Loopback, multicast and broadcast addresses cannot send; look at who made the packet.",
        "",
    ),
    advice(
        "NO_SUCH_INTERFACE",
        "The interface is attached to the instance in the design, but its host was built without it.",
        "",
    ),
    advice(
        "NEXT_HOP_UNANSWERED",
        "Compare the destination with the interfaces' addresses in the host's own subnet; deleted hosts leave theirs empty.",
        "",
    ),
    advice(
        "EXCEEDS_PATH_MTU",
        "Send smaller packets, or allow fragments; 1500 bytes fit everywhere.",
        "",
    ),
    advice(
        "NEXT_HOP_QUEUE_FULL",
        "The address that the host asks for does not answer, and the packets for it pile up: see NEXT_HOP_UNANSWERED.",
        "",
    ),
    advice(
        "METADATA_DISABLED",
        "Look at the instance's metadata options: the endpoint has to be enabled.",
        "",
    ),
    advice(
        "EXCEEDS_INTERFACE_MTU",
        "Both ends have to use one MTU; jumbo frames of 9001 bytes pass only where every interface takes them.",
        "",
    ),
    advice(
        "SERVICE_FILTERED",
        "Services of AWS answer on their own ports only, most of them on 443.",
        "",
    ),
    advice(
        "NOT_SENT",
        "Start the instance, and see that it has an interface with device index 0.",
        "instances: { web-1: { subnet: public-a, state: running } }",
    ),
    advice(
        "VPCE_NOT_AVAILABLE",
        "Wait until the endpoint is made, or ask the service's provider to accept it.",
        "vpc_endpoints: { queue: { service: sqs, subnets: private-a, state: available } }",
    ),
    advice(
        "VPCE_SOURCE_NOT_IN_VPC",
        "Give the other VPC a gateway endpoint of its own, or use an interface endpoint, which peers and branches can reach.",
        "vpc_endpoints: { s3: { service: s3, type: interface, subnets: private-a } }",
    ),
    advice(
        "VPCE_NO_SUCH_SERVICE_ADDRESS",
        "Let only the service's prefix list lead to the endpoint; other destinations need a gateway of their own.",
        "route_tables: { private: { pl:s3: s3 } }",
    ),
    advice(
        "VPCE_GATEWAY_PROTOCOL",
        "Use the service's own protocol, HTTPS over TCP.",
        "",
    ),
    advice(
        "VPCE_PROTOCOL",
        "Use the service's own protocol, HTTPS over TCP; test the endpoint with a connection instead of a ping.",
        "",
    ),
    advice(
        "VPCE_PORT",
        "Connect to a port of the service, which is 443 for most of them.",
        "",
    ),
    advice(
        "VPCE_NO_FLOW",
        "Send keepalives more often than every 350 seconds.",
        "",
    ),
    advice(
        "VPCE_MTU_EXCEEDED",
        "Send packets of no more than 8500 bytes: nobody tells the sender, so that path MTU discovery does not help.",
        "",
    ),
    advice(
        "VPCE_BALANCER_RULES",
        "Allow the consumers' private addresses in the load balancer's security group, or let it not judge endpoints.",
        "load_balancers: { front: { subnets: a, private_link_rules: false } }",
    ),
    advice(
        "VPCE_SERVICE_NOT_IN_ZONE",
        "Enable the load balancer in the zone of the endpoint, or place the endpoint in one of its zones.",
        "",
    ),
    advice(
        "MIDDLEBOX_FIREWALL",
        "The rules are asked in their order, the first that matches decides, and with rules what none allows is dropped.",
        "instances: { fw: { appliance: { firewall: [allow tcp 443, deny all] } } }",
    ),
    advice(
        "MIDDLEBOX_NO_STATE",
        "Both directions have to go through the same instance: compare the routes there with the routes back. Through a transit \
         gateway two zones need appliance mode.",
        "",
    ),
    advice(
        "MIDDLEBOX_PORT_EXHAUSTED",
        "Give the NAT instance fewer clients of the same destination, or use several.",
        "",
    ),
    advice(
        "MIDDLEBOX_LOOP",
        "Follow the trail: the instances on it send the packet to each other. The subnet of a middlebox needs a route that leads on, \
         not back.",
        "",
    ),
    advice(
        "MIDDLEBOX_NEXT_HOP",
        "The destination lies in the forwarding instance's own subnet, but no interface there has it.",
        "",
    ),
    advice(
        "INGRESS_RTB_NO_PUBLIC_IP",
        "Give the interface that the internet gateway's route table leads to a public address, or an Elastic IP.",
        "instances: { fw: { subnet: edge, public_ip: true, source_dest_check: false, appliance: router } }",
    ),
    advice(
        "INGRESS_RTB_TRAFFIC_REDIRECTION",
        "Send the subnet's way out through the same middlebox: its route table needs 0.0.0.0/0 to that interface.",
        "route_tables: { web: { 0.0.0.0/0: fw } }",
    ),
    advice(
        "SRC_CHECK",
        "A host that forwards packets of others needs the check switched off.",
        "instances: { firewall: { subnet: public-a, source_dest_check: false } }",
    ),
    advice(
        "SG_EGRESS",
        "All groups of the interface count together: one rule that matches is enough. Once a group's rules are written \
         down, what none of them names cannot leave.",
        "security_groups: { web: { egress: [ tcp 5432 to db ] } }",
    ),
    advice(
        "SG_INGRESS",
        "Protocol, port and source must all match one rule. A rule that names a group matches private addresses of its \
         members, never their public ones.",
        "security_groups: { db: { ingress: [ tcp 5432 from web ] } }",
    ),
    advice(
        "CONNTRACK_FULL_EGRESS",
        "Every tracked connection holds a place until it is closed or times out; spread the load over more instances.",
        "",
    ),
    advice(
        "CONNTRACK_FULL_INGRESS",
        "Every tracked connection holds a place until it is closed or times out; spread the load over more instances.",
        "",
    ),
    advice(
        "LINK_LOCAL_RATE",
        "Keep DNS answers in a cache on the host; the limit counts for each interface.",
        "",
    ),
    advice(
        "NO_SUCH_NEIGHBOUR",
        "A VPC carries no broadcast and no multicast, and answers ARP itself.",
        "",
    ),
    advice(
        "SMTP_RESTRICTION",
        "Send mail by port 587 or 465, or ask AWS to lift the restriction.",
        "vpcsim trace shop.yaml --from web-1 --to mail:587/tcp",
    ),
    advice(
        "NOT_IPV4",
        "IPv6 and other protocols beside IPv4 and ARP are not modelled.",
        "",
    ),
    advice(
        "SERVICE_DISABLED",
        "Look at the VPC's DNS support and at the instance's metadata options.",
        "vpcs: { shop: { dns_support: true } }",
    ),
    advice(
        "NACL_EGRESS",
        "Rules are tried in ascending order and the first that matches decides. An answer leaves to the port that the \
         client chose, 1024-65535.",
        "network_acls: { db-only: { egress: [ 100 allow tcp 1024-65535 to 10.0.1.0/24 ] } }",
    ),
    advice(
        "NACL_INGRESS",
        "Rules are tried in ascending order and the first that matches decides. Answers from outside come to the port \
         that the client chose, 1024-65535.",
        "network_acls: { db-only: { ingress: [ 100 allow tcp 5432 from 10.0.1.0/24 ] } }",
    ),
    advice(
        "NO_ROUTE",
        "A subnet without a route table of its own uses the VPC's main one. The longest prefix that contains the \
         destination decides.",
        "route_tables: { private: { 0.0.0.0/0: nat-a } }",
    ),
    advice(
        "BLACKHOLE",
        "Point the route at something that exists, or delete it so that a shorter prefix can match.",
        "route_tables: { private: { 0.0.0.0/0: nat-a } }",
    ),
    advice(
        "NO_SUCH_ADDRESS",
        "Compare the destination with the interfaces' addresses; stopped and deleted hosts leave theirs empty.",
        "",
    ),
    advice(
        "NOT_MODELLED",
        "`vpcsim support` lists what is modelled. The verdict is unknown, which never counts as passed.",
        "",
    ),
    advice(
        "DESTINATION_NOT_MODELLED",
        "`vpcsim support` lists what is modelled. The verdict is unknown, which never counts as passed.",
        "",
    ),
    advice(
        "FRAGMENT_RATE",
        "Send smaller datagrams, or switch on the fragment proxy mode of the ENA driver.",
        "",
    ),
    advice(
        "INTERFACE_NOT_MODELLED",
        "`vpcsim support` lists what is modelled. The verdict is unknown, which never counts as passed.",
        "",
    ),
    advice(
        "LINK_LOCAL_DESTINATION",
        "169.254.0.0/16 is for the services beside the host: DNS, metadata, time.",
        "",
    ),
    advice(
        "IGW_NO_PUBLIC_MAPPING",
        "Give the sender a public or an Elastic IP address, or send it through a NAT gateway in a public subnet.",
        "instances: { web-1: { subnet: public-a, public_ip: true } }",
    ),
    advice(
        "IGW_NO_MAPPING",
        "The Elastic IP must be associated with an interface of the VPC that the internet gateway belongs to.",
        "",
    ),
    advice(
        "IGW_DST_PRIVATE",
        "The packet took the default route because a better one is missing: a peering connection or the like.",
        "route_tables: { public: { 0.0.0.0/0: igw, 10.1.0.0/16: to-office } }",
    ),
    advice(
        "IGW_DST_RFC6598",
        "The packet took the default route because a better one is missing.",
        "",
    ),
    advice(
        "IGW_SRC_PRIVATE",
        "Somebody forges the source, or the question has the wrong one.",
        "",
    ),
    advice(
        "IGW_SRC_RFC6598",
        "Somebody forges the source, or the question has the wrong one.",
        "",
    ),
    advice(
        "BLOCK_PUBLIC_ACCESS",
        "Exclude the VPC or the subnet, or switch it off. Behind a NAT gateway the NAT gateway's subnet counts.",
        "block_public_access: { home: { mode: block-bidirectional, exclusions: [ { subnet: shop/public } ] } }",
    ),
    advice(
        "MTU_EXCEEDED",
        "Let ICMP type 3 code 4 back in, so that the sender learns the size; 1500 bytes fit everywhere.",
        "security_groups: { web: { ingress: [ icmp 3/4 from 0.0.0.0/0 ] } }",
    ),
    advice(
        "NO_SUCH_INTERNET_HOST",
        "Declare the host, or let every public address answer.",
        "internet: { laptop: 198.51.100.7 }",
    ),
    advice(
        "TTL_EXPIRED",
        "The sender's time to live was too small for the way, as with traceroute.",
        "",
    ),
    advice(
        "NAT_PROTOCOL",
        "Give the sender a public address of its own: an internet gateway carries every protocol.",
        "",
    ),
    advice(
        "NAT_PORT_EXHAUSTED",
        "Add addresses to the NAT gateway, or use more NAT gateways, or close idle connections earlier.",
        "",
    ),
    advice(
        "NAT_NO_STATE",
        "Connections start inside. One that was idle for 350 seconds is forgotten: keep it alive more often.",
        "net.ipv4.tcp_keepalive_time = 300, on the host",
    ),
    advice(
        "NAT_FRAGMENT",
        "Send TCP in segments that fit; of fragments only those of UDP pass.",
        "",
    ),
    advice(
        "NAT_NOT_AVAILABLE",
        "Wait for a gateway that is being made; route to another one if it failed or was deleted.",
        "",
    ),
    advice(
        "NAT_SOURCE_NOT_IN_VPC",
        "What comes by a peering connection cannot use the other VPC's NAT gateway: each VPC needs its own.",
        "",
    ),
    advice(
        "REGIONAL_NAT_ZONE",
        "Give the gateway addresses in this zone too, or let it expand by itself.",
        "regional_nat_gateways: { out: { expands: true } }",
    ),
    advice(
        "NAT_RATE",
        "Spread the clients over several NAT gateways, or switch the limits off to look at reachability alone.",
        "",
    ),
    advice("TGW_RATE", "Spread the load over more zones or attachments.", ""),
    advice("VPCE_RATE", "Use the endpoint's interfaces in several zones.", ""),
    advice(
        "ALLOWANCE_EGRESS",
        "Send less at a time, or give the instance a type with a larger allowance.",
        "instances: { web-1: { subnet: a, bandwidth_mbps: 10000 } }",
    ),
    advice(
        "ALLOWANCE_INGRESS",
        "Send less at a time to it, or give the instance a type with a larger allowance.",
        "instances: { web-1: { subnet: a, packets_per_s: 1000000 } }",
    ),
    advice(
        "PCX_CIDR",
        "Each pair of VPCs needs a connection of its own, and nobody uses the other's gateways through it.",
        "",
    ),
    advice(
        "PCX_NO_SUCH_ADDRESS",
        "Compare the destination with the interfaces' addresses in the peer VPC.",
        "",
    ),
    advice(
        "NLB_LISTENER",
        "Compare protocol and port with the load balancer's listeners; a load balancer answers nothing on other ports.",
        "load_balancers: { front: { subnet: public-a, listeners: { tcp 80: web } } }",
    ),
    advice(
        "NLB_LISTENER_WITHOUT_GROUP",
        "Name the target group in the listener.",
        "",
    ),
    advice(
        "NLB_NO_TARGETS",
        "Register targets in the group, in zones that the load balancer is enabled for.",
        "target_groups: { web: { port: 80, targets: [web-1] } }",
    ),
    advice(
        "NLB_NO_TARGETS_IN_ZONE",
        "Register a target in each zone of the load balancer, or let it balance across zones.",
        "load_balancers: { front: { subnet: public-a, cross_zone: true } }",
    ),
    advice(
        "NLB_HAIRPIN",
        "A target that is a client of its own load balancer needs a group that does not keep the client's address.",
        "target_groups: { web: { port: 80, preserve_client_ip: false } }",
    ),
    advice(
        "NLB_NO_FLOW",
        "Send keepalives more often than every 350 seconds, or raise the listener's idle timeout.",
        "",
    ),
    advice(
        "NLB_PORT_EXHAUSTED",
        "Register more targets, use more zones, or keep the client's address.",
        "",
    ),
    advice(
        "NLB_PROTOCOL",
        "Test with a connection to a listener's port instead of a ping.",
        "",
    ),
    advice(
        "NLB_NOT_ACTIVE",
        "Wait until it is active; one that failed has to be made anew.",
        "",
    ),
    advice("NLB_FRAGMENT", "Send datagrams that fit the path's MTU.", ""),
    advice(
        "NLB_TARGET_UNHEALTHY",
        "Look at what the target's security groups and network ACL say about the load balancer's private addresses.",
        "",
    ),
    advice(
        "NLB_LATE_ANSWER",
        "The target has to answer a new flow within 30 seconds.",
        "",
    ),
    advice(
        "DST_CHECK",
        "A host that takes packets for others needs the check switched off.",
        "instances: { firewall: { subnet: public-a, source_dest_check: false } }",
    ),
    advice(
        "NO_HOST",
        "Start the instance, or attach the interface to one.",
        "",
    ),
    advice(
        "TGW_ROUTE_AZ",
        "Enable a subnet of this zone in the VPC's attachment: a transit gateway takes packets in their own zone only.",
        "",
    ),
    advice(
        "TGW_ATTACHMENT_STATE",
        "Accept the attachment, or wait until it is available; one that failed has to be made anew.",
        "",
    ),
    advice(
        "TGW_NOT_ASSOCIATED",
        "Associate the attachment with a route table of the transit gateway.",
        "",
    ),
    advice(
        "TGW_NO_ROUTE",
        "Let the destination's attachment propagate to the table that the sender's attachment is associated with, or add a static route; between gateways only static routes lead.",
        "",
    ),
    advice(
        "TGW_BLACKHOLE",
        "Remove the black hole, or add a route that is more specific and leads to an attachment.",
        "",
    ),
    advice(
        "TGW_INTERFACE",
        "Send to a host: the interfaces of an attachment only carry packets.",
        "",
    ),
    advice(
        "TGW_TTL_EXPIRED",
        "Follow the trace: gateways that send a packet to each other end it by its time to live.",
        "",
    ),
    advice(
        "TGW_MTU_EXCEEDED",
        "Let the hosts send no more than 8500 bytes on paths through a transit gateway.",
        "",
    ),
];

/// Advice on the reason of this name.
pub fn on(reason: &str) -> Option<&'static Advice> {
    ALL.iter().find(|advice| advice.reason == reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpcsim_aws::drop_reason;

    #[test]
    fn advice_is_given_on_reasons_that_exist_and_once_each() {
        for (index, advice) in ALL.iter().enumerate() {
            assert!(drop_reason::by_name(advice.reason).is_some(), "{}", advice.reason);
            assert!(
                ALL[..index].iter().all(|other| other.reason != advice.reason),
                "{}",
                advice.reason
            );
        }
    }
}
