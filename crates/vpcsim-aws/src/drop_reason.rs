//! Why packets end: every reason once, with its station, its code in AWS's Reachability Analyzer, and plain words.
//!
//! Adding a reason is one line in the list below.

use vpcsim_engine::{DropReason, Station};

use crate::station;

/// What there is to say about a drop reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonInfo {
    /// The number that the engine carries.
    pub reason: DropReason,
    /// The name that traces, captures and expectations use (`SG_INGRESS`).
    pub name: &'static str,
    /// The only station where it happens.
    pub station: Station,
    /// AWS's explanation code, where one exists.
    pub analyzer_code: Option<&'static str>,
    /// What happened and what to look at, in plain words.
    pub words: &'static str,
}

macro_rules! reasons {
    ($( $number:literal $name:ident $station:ident $code:expr, $words:literal; )*) => {
        $( #[doc = $words] pub const $name: DropReason = DropReason($number); )*

        /// Every drop reason, in the order of its number.
        pub const ALL: &[ReasonInfo] = &[
            $( ReasonInfo { reason: DropReason($number), name: stringify!($name), station: station::$station,
                analyzer_code: $code, words: $words }, )*
        ];
    };
}

reasons! {
    0 LINK_LOSS GATEWAY None, "The link lost the packet, as its loss rate says.";
    1 LINK_QUEUE_FULL GATEWAY None, "More was sent over a link than its bandwidth and its queue can take.";
    2 ROUTE_LOOP GATEWAY None, "The packet went in a circle: route tables send it from one device to the next and back.";
    3 MALFORMED EMIT None, "The bytes are no valid packet.";
    16 NOT_FOR_THIS_HOST DELIVER None, "The host's own stack ignores a packet for an address that it does not have.";
    17 HOST_MALFORMED DELIVER None, "The host's own stack cannot read the packet.";
    18 BAD_CHECKSUM DELIVER None, "The host's own stack found a wrong checksum.";
    19 MARTIAN_SOURCE DELIVER None, "The host's own stack refuses a source address that no single host can have.";
    20 NO_SUCH_INTERFACE DELIVER None, "The host has no interface where the packet came in.";
    21 NEXT_HOP_UNANSWERED EMIT Some("NO_POSSIBLE_DESTINATION"), "Nobody has the address that the host asked for by ARP: the destination lies in the host's own subnet, but no interface there has it.";
    22 EXCEEDS_PATH_MTU EMIT None, "The host knows that the path takes no packet of this size, and the packet must not be fragmented.";
    23 NEXT_HOP_QUEUE_FULL EMIT None, "Too many packets of the host wait for an answer to the same ARP request.";
    24 METADATA_DISABLED DELIVER None, "The instance metadata service is switched off for this instance.";
    25 EXCEEDS_INTERFACE_MTU DELIVER None, "The packet is larger than the receiving interface takes.";
    26 NOT_SENT EMIT Some("BAD_STATE"), "The source sent nothing: it does not run, or has no interface to send by.";
    27 SERVICE_FILTERED DELIVER None, "The firewall in front of the service drops what the service does not listen to.";
    32 SRC_CHECK ENI_OUT Some("ENI_SOURCE_DEST_CHECK_RESTRICTION"), "The interface has its source/destination check on and the packet's source is none of its own addresses.";
    33 SG_EGRESS ENI_OUT Some("ENI_SG_RULES_MISMATCH"), "No egress rule of the interface's security groups allows it.";
    34 CONNTRACK_FULL_EGRESS ENI_OUT None, "The instance tracks as many connections as it can; a new one does not fit.";
    35 LINK_LOCAL_RATE ENI_OUT None, "More than 1024 packets a second went to the link-local services (DNS, metadata, time) by this interface.";
    36 NO_SUCH_NEIGHBOUR ENI_OUT Some("NO_POSSIBLE_DESTINATION"), "The frame is addressed to a MAC address that no interface of the subnet has, or to a broadcast or multicast address, which a VPC does not carry.";
    37 SMTP_RESTRICTION ENI_OUT None, "TCP port 25 to public addresses is blocked for instances unless AWS lifted it.";
    38 NOT_IPV4 ENI_OUT None, "The frame carries neither IPv4 nor ARP.";
    39 SERVICE_DISABLED ENI_OUT None, "The link-local service is switched off for this VPC or instance.";
    40 NACL_EGRESS SUBNET_OUT Some("SUBNET_ACL_RESTRICTION"), "The network ACL of the sender's subnet denies it on the way out. Network ACLs are stateless: answers need a rule of their own.";
    41 FRAGMENT_RATE ENI_OUT None, "The interface sent more than 1024 fragments in one second.";
    42 ALLOWANCE_EGRESS ENI_OUT None, "More leaves the instance than its allowance of bandwidth or packets; the counters of its network driver show it.";
    48 NO_ROUTE ROUTE Some("NO_ROUTE_TO_DESTINATION"), "The route table of the sender's subnet has no route for the destination.";
    49 BLACKHOLE ROUTE Some("BAD_STATE_ROUTE"), "The best route's target does not exist any more or does not work: the route is a black hole.";
    50 NO_SUCH_ADDRESS ROUTE Some("NO_POSSIBLE_DESTINATION"), "The destination lies inside the VPC, but no interface has that address.";
    51 NOT_MODELLED ROUTE Some("UNSUPPORTED_COMPONENT"), "The route leads to something that the simulator does not model yet; the verdict is unknown.";
    52 LINK_LOCAL_DESTINATION ROUTE Some("NO_POSSIBLE_DESTINATION"), "Link-local addresses are never routed.";
    64 IGW_NO_PUBLIC_MAPPING GATEWAY Some("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"), "The internet gateway only lets out what comes from an address with a public address.";
    65 IGW_NO_MAPPING GATEWAY Some("IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"), "The public address belongs to no interface of the VPC.";
    66 IGW_DST_PRIVATE GATEWAY Some("IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"), "Private destinations (RFC 1918) do not leave by an internet gateway.";
    67 IGW_DST_RFC6598 GATEWAY Some("IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"), "Destinations in 100.64.0.0/10 do not leave by an internet gateway.";
    68 IGW_SRC_PRIVATE GATEWAY Some("IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS"), "Packets with a private source do not come in by an internet gateway.";
    69 IGW_SRC_RFC6598 GATEWAY Some("IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS"), "Packets with a source in 100.64.0.0/10 do not come in by an internet gateway.";
    70 MTU_EXCEEDED GATEWAY None, "The packet is larger than the path carries and must not be fragmented; the sender is told so by ICMP.";
    71 NO_SUCH_INTERNET_HOST GATEWAY Some("NO_POSSIBLE_DESTINATION"), "Nobody on the internet has this address.";
    72 TTL_EXPIRED GATEWAY None, "The time to live ran out at a device that counts; the sender is told so by ICMP.";
    73 DESTINATION_NOT_MODELLED GATEWAY Some("UNSUPPORTED_COMPONENT"), "The address belongs to something that the simulator does not model yet; the verdict is unknown.";
    80 NAT_PROTOCOL GATEWAY Some("PROTOCOL_RESTRICTION"), "A NAT gateway carries TCP, UDP and ICMP only.";
    81 NAT_PORT_EXHAUSTED GATEWAY None, "All 55,000 ports per address of the NAT gateway are taken for this destination.";
    82 NAT_NO_STATE GATEWAY None, "The NAT gateway knows no connection that this packet belongs to: nothing can be opened from outside through it.";
    83 NAT_FRAGMENT GATEWAY None, "A NAT gateway drops fragments of TCP and ICMP.";
    84 NAT_NOT_AVAILABLE GATEWAY Some("BAD_STATE"), "The NAT gateway is not in the state available.";
    85 NAT_SOURCE_NOT_IN_VPC GATEWAY Some("NGW_REQUIRES_SOURCE_IN_VPC"), "A NAT gateway serves only what comes from inside its VPC.";
    86 REGIONAL_NAT_ZONE ROUTE Some("REGIONAL_NGW_ROUTE_AZ_RESTRICTION"), "The regional NAT gateway serves no packets of this availability zone, and does not expand by itself.";
    87 NAT_RATE GATEWAY None, "More goes through the NAT gateway than it carries: 100 Gbit/s and 10 million packets a second.";
    96 PCX_CIDR GATEWAY Some("PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"), "A peering connection only carries packets for addresses of the VPC on its other side: peering is not transitive.";
    97 PCX_NO_SUCH_ADDRESS GATEWAY Some("NO_POSSIBLE_DESTINATION"), "The destination lies inside the peer VPC, but no interface has that address.";
    112 NACL_INGRESS SUBNET_IN Some("SUBNET_ACL_RESTRICTION"), "The network ACL of the destination's subnet denies it on the way in.";
    120 SG_INGRESS ENI_IN Some("ENI_SG_RULES_MISMATCH"), "No ingress rule of the interface's security groups allows it.";
    121 DST_CHECK ENI_IN Some("ENI_SOURCE_DEST_CHECK_RESTRICTION"), "The interface has its source/destination check on and the packet is for another address.";
    122 CONNTRACK_FULL_INGRESS ENI_IN None, "The instance tracks as many connections as it can; a new one does not fit.";
    123 NO_HOST ENI_IN Some("BAD_STATE"), "The interface is attached to nothing that runs.";
    124 INTERFACE_NOT_MODELLED ENI_IN Some("UNSUPPORTED_COMPONENT"), "The interface belongs to a service that the simulator does not model yet; the verdict is unknown.";
    125 ALLOWANCE_INGRESS ENI_IN None, "More comes to the instance than its allowance of bandwidth or packets; the counters of its network driver show it.";
    128 TGW_ROUTE_AZ ROUTE Some("TGW_ROUTE_AZ_RESTRICTION"), "The transit gateway has no interface in the sender's availability zone: the VPC's attachment enables no subnet there.";
    129 TGW_ATTACHMENT_STATE GATEWAY Some("BAD_STATE_ATTACHMENT"), "The transit gateway attachment is not in the state available.";
    130 TGW_NOT_ASSOCIATED GATEWAY Some("TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION"), "The attachment by which the packet came is associated with no route table of the transit gateway.";
    131 TGW_NO_ROUTE GATEWAY Some("TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"), "The transit gateway's route table has no route for the destination.";
    132 TGW_BLACKHOLE GATEWAY Some("TGW_RTB_BAD_STATE_ROUTE"), "The best route of the transit gateway's route table is a black hole.";
    133 TGW_INTERFACE GATEWAY Some("NO_POSSIBLE_DESTINATION"), "The address belongs to an interface of a transit gateway, which answers nothing.";
    134 TGW_TTL_EXPIRED GATEWAY None, "The time to live ran out at a transit gateway, which tells nobody.";
    135 TGW_MTU_EXCEEDED GATEWAY None, "The packet is larger than the 8500 bytes that a transit gateway carries; the sender is told so by ICMP if it came from a VPC and must not be fragmented.";
    136 TGW_RATE GATEWAY None, "More comes by the attachment in this zone than it carries: 100 Gbit/s and 7.5 million packets a second.";
    140 NLB_LISTENER GATEWAY Some("ELBV2_LISTENERS_MISMATCH"), "No listener of the load balancer takes this protocol and port; nobody answers.";
    141 NLB_LISTENER_WITHOUT_GROUP GATEWAY Some("ELBV2_LISTENER_HAS_NO_TG"), "The load balancer's listener forwards to no target group.";
    142 NLB_NO_TARGETS GATEWAY Some("ELBV2_LISTENER_HAS_NO_TG"), "The listener's target group has no target that gets flows: none is registered in a zone of the load balancer.";
    143 NLB_NO_TARGETS_IN_ZONE GATEWAY Some("ELBV2_NO_TARGETS_IN_AZ"), "The target group has targets in other zones only, and load balancing across zones is off.";
    144 NLB_HAIRPIN GATEWAY Some("ELBV2_SOURCE_ADDRESS_PRESERVATION"), "The load balancer chose the client itself as the target, and keeps the client's address: source and destination would be the same.";
    145 NLB_NO_FLOW GATEWAY None, "The load balancer knows no flow that this packet belongs to: it has been idle for too long, or never began with a SYN. The sender gets a RST.";
    146 NLB_PORT_EXHAUSTED GATEWAY None, "All 55,000 ports of the load balancer's node are taken for this target.";
    147 NLB_PROTOCOL GATEWAY Some("PROTOCOL_RESTRICTION"), "A Network Load Balancer carries TCP and UDP only, and answers no ping.";
    148 NLB_NOT_ACTIVE GATEWAY Some("BAD_STATE"), "The load balancer is not active.";
    149 NLB_FRAGMENT GATEWAY None, "The load balancer does not carry fragments without the ports of their flow.";
    150 NLB_TARGET_UNHEALTHY GATEWAY None, "The flow's target became unhealthy; the sender gets a RST.";
    151 NLB_LATE_ANSWER GATEWAY None, "The target first answered the flow more than 30 s after it began.";
    152 VPCE_NOT_AVAILABLE GATEWAY Some("BAD_STATE"), "The VPC endpoint is not in the state available.";
    153 VPCE_SOURCE_NOT_IN_VPC GATEWAY None, "A gateway endpoint serves only addresses of its own VPC: nothing that comes by peering, by a transit gateway or by a VPN.";
    154 VPCE_NO_SUCH_SERVICE_ADDRESS GATEWAY Some("VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION"), "The address is none of the service behind the gateway endpoint: it only answers from those of its prefix list.";
    155 VPCE_GATEWAY_PROTOCOL GATEWAY Some("VPCE_GATEWAY_PROTOCOL_RESTRICTION"), "A gateway endpoint carries TCP and echo requests only.";
    156 VPCE_PROTOCOL GATEWAY Some("PROTOCOL_RESTRICTION"), "An interface endpoint carries TCP only, and answers no ping.";
    157 VPCE_PORT GATEWAY Some("NO_POSSIBLE_DESTINATION"), "The service behind the interface endpoint does not listen on this port; nobody answers.";
    158 VPCE_NO_FLOW GATEWAY None, "The endpoint knows no connection that this packet belongs to: it has been idle for too long, or never began with a SYN. The client gets a RST.";
    159 VPCE_MTU_EXCEEDED GATEWAY None, "The packet is larger than the 8500 bytes that an interface endpoint carries; nobody is told.";
    160 VPCE_BALANCER_RULES GATEWAY Some("ENI_SG_RULES_MISMATCH"), "No rule of the load balancer's security groups allows the client of an endpoint, which is judged by its own private address.";
    161 VPCE_SERVICE_NOT_IN_ZONE GATEWAY Some("VPCE_SERVICE_NOT_INSTALLED_IN_AZ"), "The endpoint service has no load balancer in the zone of the endpoint's interface.";
    162 VPCE_RATE GATEWAY None, "More comes to the endpoint in this zone than the 100 Gbit/s that it carries.";
    164 MIDDLEBOX_FIREWALL GATEWAY Some("FIREWALL_RULES_RESTRICTION"), "The firewall on an instance that forwards does not let it through.";
    165 MIDDLEBOX_NO_STATE GATEWAY None, "The instance that forwards knows no connection that this packet belongs to: it has not seen the beginning, as when the two directions take different ways.";
    166 MIDDLEBOX_PORT_EXHAUSTED GATEWAY None, "The NAT instance has no free port left for this destination.";
    167 MIDDLEBOX_LOOP GATEWAY None, "The packet came back to an instance that had forwarded it already: routes lead in a circle.";
    168 MIDDLEBOX_NEXT_HOP GATEWAY Some("NO_POSSIBLE_DESTINATION"), "Nobody has the address that the forwarding instance asked for by ARP.";
    169 INGRESS_RTB_NO_PUBLIC_IP GATEWAY Some("INGRESS_RTB_NO_PUBLIC_IP"), "The internet gateway's route table leads to an interface that has no public address itself.";
    170 INGRESS_RTB_TRAFFIC_REDIRECTION GATEWAY Some("INGRESS_RTB_TRAFFIC_REDIRECTION"), "What comes in for this subnet is sent through a middlebox by the internet gateway's route table, so what leaves has to go through it too.";
    176 BLOCK_PUBLIC_ACCESS GATEWAY Some("VPC_BLOCK_PUBLIC_ACCESS_ENABLED"), "Block Public Access of the account keeps the VPC or the subnet from the internet, whatever its gateways, routes and rules allow.";
}

/// What there is to say about a reason.
pub fn info(reason: DropReason) -> Option<&'static ReasonInfo> {
    ALL.binary_search_by_key(&reason, |info| info.reason)
        .ok()
        .map(|index| &ALL[index])
}

/// The reason of this name, in any case of letters.
pub fn by_name(name: &str) -> Option<&'static ReasonInfo> {
    ALL.iter().find(|info| info.name.eq_ignore_ascii_case(name))
}

/// Whether a packet that ended so leaves the verdict unknown.
pub fn is_unknown(reason: DropReason) -> bool {
    matches!(
        reason,
        NOT_MODELLED | DESTINATION_NOT_MODELLED | INTERFACE_NOT_MODELLED
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_names_are_unique() {
        assert!(ALL.windows(2).all(|pair| pair[0].reason < pair[1].reason));
        for info in ALL {
            assert_eq!(by_name(info.name).map(|found| found.reason), Some(info.reason));
        }
    }

    #[test]
    fn every_reason_is_found_by_its_number() {
        assert!(ALL.iter().all(|entry| info(entry.reason) == Some(entry)));
        assert_eq!(info(DropReason(9_999)), None);
    }
}
