//! The explanation codes and the detail codes of AWS's Reachability Analyzer, in our words.

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnalyzerCode {
    /// AWS's name for it.
    pub code: &'static str,
    /// What it says.
    pub words: &'static str,
    /// What to look at.
    pub check: &'static str,
}

const fn code(code: &'static str, words: &'static str, check: &'static str) -> AnalyzerCode {
    AnalyzerCode { code, words, check }
}

/// Every code, in the order of the alphabet.
pub const ALL: &[AnalyzerCode] = &[
    code(
        "ASSUMPTION_PRESERVE_CLIENT_IP_IS_DISABLED",
        "The analysis took it that the load balancer hides the client's address, because it could not see the setting.",
        "Look up preserve_client_ip.enabled of the target group.",
    ),
    code(
        "ASSUMPTION_PRESERVE_CLIENT_IP_IS_ENABLED",
        "The analysis took it that the targets see the client's own address, because it could not see the setting.",
        "Look up preserve_client_ip.enabled of the target group.",
    ),
    code(
        "AVAILABILITY_ZONE_CROSSED",
        "The path leaves its availability zone. It works, costs money and adds some tenths of a millisecond.",
        "A NAT gateway or an endpoint in each zone keeps traffic at home.",
    ),
    code(
        "BAD_STATE",
        "A component on the way is not in a working state.",
        "Its state must be `available` (a gateway), `running` (an instance) or `in-use` (an interface).",
    ),
    code(
        "BAD_STATE_ATTACHMENT",
        "The attachment to a gateway is not in a working state.",
        "An attachment that is pending, failed or waits to be accepted carries nothing.",
    ),
    code(
        "BAD_STATE_ROUTE",
        "The route that matches best is a black hole: its target was deleted, stopped or detached.",
        "Point the route at something that exists, or delete it so that a shorter prefix can match.",
    ),
    code(
        "BAD_STATE_VPN",
        "The VPN connection is down.",
        "At least one of its two tunnels must be up.",
    ),
    code(
        "CANNOT_ROUTE",
        "This route does not cover the destination.",
        "Compare the route's CIDR block or prefix list with the destination address, bit by bit.",
    ),
    code(
        "COMPONENT_FILTER_RESTRICTION",
        "A filter of the question excludes this component.",
        "Nothing is wrong with the network: ask again without the filter.",
    ),
    code(
        "ELBV2_LISTENERS_MISMATCH",
        "No listener of the load balancer takes this traffic.",
        "A listener is one protocol and one port; both must be those of the connection.",
    ),
    code(
        "ELBV2_LISTENER_HAS_NO_TG",
        "The listener has nobody to hand the connection to.",
        "Register targets with the target group that the listener forwards to.",
    ),
    code(
        "ELBV2_LISTENER_PORT_RESTRICTION",
        "The listener waits at another port.",
        "Connect to the listener's port, which may differ from the targets' port.",
    ),
    code(
        "ELBV2_LISTENER_REQUIRES_TG_ACCEPT",
        "No target group behind the listener takes this traffic.",
        "Compare the listener's rules with the protocols and ports of the target groups.",
    ),
    code(
        "ELBV2_NO_TARGETS_IN_AZ",
        "The load balancer's node has no target in its own zone and may not use those of others.",
        "Register a target in that zone, or switch cross-zone load balancing on.",
    ),
    code(
        "ELBV2_SOURCE_ADDRESS_PRESERVATION",
        "The network load balancer keeps the client's address as the source.",
        "The targets' security groups and routes have to know the clients, not the load balancer.",
    ),
    code(
        "ELB_ACL_RESTRICTION",
        "A network ACL stops what the classic load balancer sends to its targets.",
        "Its traffic passes the ACL of its subnet even on the way to a target in the same subnet.",
    ),
    code(
        "ELB_INSTALLED_AZ_RESTRICTION",
        "The target's availability zone is not enabled for the load balancer.",
        "Enable the zone by giving the load balancer a subnet in it.",
    ),
    code(
        "ELB_LISTENERS_MISMATCH",
        "No listener of the classic load balancer takes this traffic.",
        "Compare protocol and port of the connection with the list of listeners.",
    ),
    code(
        "ELB_LISTENER_PORT_RESTRICTION",
        "The classic load balancer's listener waits at another port.",
        "Connect to the listener's port.",
    ),
    code(
        "ELB_NOT_CROSSZONE",
        "The classic load balancer may not use targets of other zones.",
        "Switch cross-zone load balancing on, or register a target in each zone.",
    ),
    code(
        "ENI_ADDRESS_RESTRICTION",
        "The address is none of the interface's private addresses.",
        "Look at the primary and the secondary addresses of the interface.",
    ),
    code(
        "ENI_SG_RULES_MISMATCH",
        "No rule of the interface's security groups allows this traffic.",
        "Protocol, port range and the other side must all match one rule; a rule that names a group matches private \
         addresses of its members only.",
    ),
    code(
        "ENI_SOURCE_DEST_CHECK_RESTRICTION",
        "The interface only takes and sends packets of its own addresses.",
        "Switch the source/destination check off for instances that forward: firewalls, routers, NAT instances.",
    ),
    code(
        "FIREWALL_RULES_RESTRICTION",
        "A rule of the network firewall blocks this traffic.",
        "Stateless rules come first, by priority; what they forward meets the stateful rules.",
    ),
    code(
        "FIREWALL_UNSUPPORTED_HIGHER_PRIORITY_RULES",
        "Rules of higher priority could decide otherwise, and the analysis cannot read them.",
        "Read the firewall's rules above the one that is named.",
    ),
    code(
        "FIREWALL_UNSUPPORTED_HIGHER_PRIORITY_RULE_GROUP_TYPE",
        "A rule group of higher priority could decide otherwise, and the analysis cannot read its kind.",
        "Read that rule group; domain lists and Suricata text are such kinds.",
    ),
    code(
        "FIREWALL_UNSUPPORTED_RULE_OPTIONS",
        "The firewall rule has options that the analysis does not know.",
        "Take the verdict as a guess until you have read the rule.",
    ),
    code(
        "GATEWAY_REJECTS_SPOOFED_TRAFFIC",
        "From outside comes a packet whose source is an address of this very VPC: a forgery.",
        "Two networks with overlapping addresses look like this too.",
    ),
    code(
        "GWLB_DESTINATION_PORT_RESTRICTION",
        "A gateway load balancer talks to its targets at UDP port 6081 only.",
        "Open UDP 6081 in the targets' security groups.",
    ),
    code(
        "GWLB_PROTOCOL_RESTRICTION",
        "A gateway load balancer talks GENEVE to its targets, which is UDP.",
        "The appliances have to speak GENEVE.",
    ),
    code(
        "HIGHER_PRIORITY_ROUTE",
        "Another route for the same CIDR block wins: a static one beats one that was propagated.",
        "Remove the route that you do not want.",
    ),
    code(
        "IGW_DESTINATION_ADDRESS_IN_VPC_CIDRS",
        "The internet gateway hands in only what is for addresses of its VPC.",
        "Compare the destination with all CIDR blocks of the VPC.",
    ),
    code(
        "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS",
        "Private addresses (10/8, 172.16/12, 192.168/16) do not exist on the internet.",
        "The packet took the default route because a better one is missing: a peering connection, a transit gateway, a VPN.",
    ),
    code(
        "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS",
        "Addresses in 100.64.0.0/10 do not exist on the internet.",
        "The packet took the default route because a better one is missing.",
    ),
    code(
        "IGW_NAT_REFLECTION",
        "The packet leaves by an internet gateway for a public address of the same VPC and would have to turn round.",
        "It works, by the internet gateway; use the private address where you can.",
    ),
    code(
        "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
        "The destination is no public address of an interface in this VPC.",
        "The Elastic IP must be associated, and with an interface of the VPC that the gateway is attached to.",
    ),
    code(
        "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
        "The sender has no public address, so that the internet could not answer it.",
        "Give it a public or an Elastic IP address, or send it through a NAT gateway in a public subnet.",
    ),
    code(
        "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS",
        "A private source address cannot come from the internet.",
        "Somebody forges it, or the question has the wrong source.",
    ),
    code(
        "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS",
        "A source address in 100.64.0.0/10 cannot come from the internet.",
        "Somebody forges it, or the question has the wrong source.",
    ),
    code(
        "INGRESS_RTB_NO_PUBLIC_IP",
        "The internet gateway's route table sends the packet to a middlebox, and the destination has no public address.",
        "The destination behind the middlebox needs a public address of its own.",
    ),
    code(
        "INGRESS_RTB_TRAFFIC_REDIRECTION",
        "What comes in is led through a middlebox, but the subnet answers directly by the internet gateway.",
        "Send the subnet's default route through the same middlebox.",
    ),
    code(
        "MISSING_TARGET_GROUP_ATTRIBUTES",
        "The attributes of a target group are not known, and defaults stand in for them.",
        "Add them to the description of the design.",
    ),
    code(
        "MORE_SPECIFIC_ROUTE",
        "Another route covers the destination with a longer prefix and wins.",
        "Find the longest prefix that contains the destination: it alone decides.",
    ),
    code(
        "NGW_DEST_ADDRESS_PRESERVATION",
        "A NAT gateway rewrites the source and leaves the destination as it is.",
        "It cannot be used to reach something by another address.",
    ),
    code(
        "NGW_REQUIRES_SOURCE_IN_VPC",
        "A NAT gateway serves its own VPC only.",
        "What comes by peering, VPN or Direct Connect cannot use it; by a transit gateway it can.",
    ),
    code(
        "NGW_SOURCE_ADDRESS_REASSIGN",
        "The NAT gateway puts its own address in place of the sender's.",
        "Rules behind it have to name the NAT gateway's address.",
    ),
    code(
        "NO_POSSIBLE_DESTINATION",
        "Nobody has the destination address.",
        "Compare it with the addresses of the interfaces; a stopped or deleted instance leaves its address empty.",
    ),
    code(
        "NO_ROUTE_TO_DESTINATION",
        "No route of the route table covers the destination.",
        "A subnet without an association uses the main route table: is it the table that you mean?",
    ),
    code(
        "PATH_THROUGH_GWLB_NOT_CHECKED",
        "AWS's analysis does not look into the appliances behind a gateway load balancer.",
        "The appliances' own rules decide.",
    ),
    code(
        "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
        "A peering connection joins the addresses of two VPCs and nothing behind them.",
        "Peering is not transitive: each pair of VPCs needs a connection, or all of them a transit gateway.",
    ),
    code(
        "PROTOCOL_RESTRICTION",
        "The component does not carry this protocol.",
        "NAT gateways carry TCP, UDP and ICMP; load balancers what their listeners say.",
    ),
    code(
        "REGIONAL_NGW_ROUTE_AZ_RESTRICTION",
        "The regional NAT gateway does not serve the availability zone that the packet comes from.",
        "Give the gateway addresses in that zone, or let it provision zones by itself.",
    ),
    code(
        "REMAP_EPHEMERAL_PORT",
        "A component on the way picks a source port of its own between 1024 and 65535.",
        "Network ACLs must let answers to that whole range back in.",
    ),
    code(
        "RESPONSE_RTB_HAS_NO_ROUTE_TO_TRANSIT_GATEWAY",
        "The packet comes by a transit gateway and its answer finds no way back there.",
        "Add the source's CIDR block with the transit gateway as target to the destination's route table.",
    ),
    code(
        "SG_HAS_NO_RULES",
        "The security group has no rule in this direction: nothing passes.",
        "Add a rule. New groups allow everything out and nothing in.",
    ),
    code(
        "SG_REFERENCES_NOT_PRESERVED",
        "On its way the packet lost the security group that it came from, so that rules which name the group do not match.",
        "Middleboxes and transit gateways do that; write a CIDR block into the rule instead.",
    ),
    code(
        "SG_REFERENCING_SUPPORT",
        "The transit gateway does not tell the other side which security group the sender has.",
        "Switch security group referencing on for the transit gateway and the attachment, or use CIDR blocks.",
    ),
    code(
        "SUBNET_ACL_RESTRICTION",
        "The subnet's network ACL denies the packet.",
        "Rules are tried in ascending order and the first that matches decides. ACLs are stateless: answers, which go to \
         ports 1024-65535, need rules too.",
    ),
    code(
        "TARGET_ADDRESS_RESTRICTION",
        "A load balancer sends to its registered targets only.",
        "Register the address as a target.",
    ),
    code(
        "TARGET_PORT_RESTRICTION",
        "The target is registered with another port.",
        "Register it with the port that it listens at.",
    ),
    code(
        "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION",
        "The attachment is associated with no route table of the transit gateway, so that it cannot send.",
        "Associate it with a route table.",
    ),
    code(
        "TGW_ATTACH_VPC_AZ_RESTRICTION",
        "The transit gateway stays in the zone that the packet came from and has no interface there.",
        "Add a subnet of that zone to the attachment.",
    ),
    code(
        "TGW_BAD_STATE_VPN",
        "The VPN behind the attachment is down.",
        "At least one of its tunnels must be up.",
    ),
    code(
        "TGW_ROUTE_AZ_RESTRICTION",
        "Instances of a zone reach the transit gateway only if the attachment has a subnet in that zone.",
        "Add a subnet of the sender's zone to the attachment.",
    ),
    code(
        "TGW_RTB_BAD_STATE_ROUTE",
        "The transit gateway's best route is a black hole.",
        "Remove the route, or repair the attachment that it leads to.",
    ),
    code(
        "TGW_RTB_CANNOT_ROUTE",
        "The transit gateway's route does not cover the destination.",
        "Compare the route's CIDR block with the destination.",
    ),
    code(
        "TGW_RTB_HIGHER_PRIORITY_ROUTE",
        "The transit gateway has another route for the same CIDR block that wins.",
        "Static routes beat propagated ones.",
    ),
    code(
        "TGW_RTB_MORE_SPECIFIC_ROUTE",
        "The transit gateway has a route with a longer prefix that wins.",
        "Find the longest prefix that contains the destination.",
    ),
    code(
        "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT",
        "The transit gateway's route table has no route to the attachment of the destination.",
        "Propagate the attachment into the table that the sender's attachment is associated with, or add a static route.",
    ),
    code(
        "TGW_RTB_ROUTES_ARE_UNKNOWN",
        "The transit gateway's routes cannot be seen, as when it belongs to another account: the verdict is unknown.",
        "Describe the transit gateway beside the design.",
    ),
    code(
        "TRANSIT_GATEWAY_APPLIANCE_MODE_RECOMMENDED",
        "The way there and the way back may pass firewalls of different zones.",
        "Switch appliance mode on for the attachment of the VPC that holds the firewalls.",
    ),
    code(
        "UNIDIRECTIONAL_PATH_ANALYSIS_ONLY",
        "AWS's analysis looked at one direction only.",
        "`vpcsim trace` sends the answer as well.",
    ),
    code(
        "UNKNOWN_DESTINATION",
        "Too little is known to say where the packet goes: the verdict is unknown.",
        "Describe more of the network.",
    ),
    code(
        "UNKNOWN_PEERED_SGS",
        "The rule names a security group of a VPC that is not known, and so allows nothing.",
        "Describe the peer VPC beside the design.",
    ),
    code(
        "UNSUPPORTED_COMPONENT",
        "The packet comes to something that the analysis does not model: the verdict is unknown.",
        "`vpcsim support` lists what is modelled.",
    ),
    code(
        "VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS",
        "A virtual private gateway only lets out what comes from an interface of its VPC.",
        "A VPC cannot be used as a way through to a VPN.",
    ),
    code(
        "VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
        "A virtual private gateway only lets in what is for an interface of its VPC.",
        "A VPC cannot be used as a way through from a VPN.",
    ),
    code(
        "VPCE_GATEWAY_EGRESS_SOURCE_ADDRESS_RESTRICTION",
        "From a gateway endpoint only come packets of the service's own addresses.",
        "The source must stand in the service's prefix list.",
    ),
    code(
        "VPCE_GATEWAY_PROTOCOL_RESTRICTION",
        "A gateway endpoint carries TCP and pings only.",
        "Talk to the service by HTTPS.",
    ),
    code(
        "VPCE_SERVICE_NOT_INSTALLED_IN_AZ",
        "The endpoint's service does not exist in this availability zone.",
        "Put the endpoint into a zone that the service offers; zone ids count, not their letters.",
    ),
    code(
        "VPC_BLOCK_PUBLIC_ACCESS_ENABLED",
        "Block Public Access keeps the VPC or the subnet from the internet.",
        "Exclude it in the settings of the account and the region, or switch the setting off.",
    ),
    code(
        "VPC_LOCAL_ROUTE_CIDR_RESTRICTION",
        "The local route only covers the VPC's own CIDR blocks.",
        "Anything else needs a route of its own.",
    ),
];

/// The code of this name, in any case of letters.
pub fn by_name(name: &str) -> Option<&'static AnalyzerCode> {
    ALL.iter().find(|entry| entry.code.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_the_order_of_the_alphabet_and_once() {
        let misplaced = ALL.windows(2).find(|pair| pair[0].code >= pair[1].code);
        assert_eq!(misplaced, None);
    }

    #[test]
    fn every_code_says_what_it_means_and_what_to_check_in_sentences() {
        for entry in ALL {
            assert!(
                entry.words.ends_with('.') && entry.check.ends_with(['.', '?']),
                "{entry:?}"
            );
        }
    }
}
