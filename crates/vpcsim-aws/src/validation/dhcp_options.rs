//! Sets of DHCP options.
//!
//! # AWS semantics
//!
//! - A set has at the most 4 name servers, 4 NTP servers and 4 NetBIOS name servers (DHCP-04).
//! - The NetBIOS node type is 1, 2, 4 or 8, and 2 is advised (DHCP-04).

use crate::devices::DhcpOptions;
use crate::model::{Finding, Findings, Id};
use crate::topology::Topology;

const SERVERS_MAX: usize = 4;
const NODE_TYPES: [u8; 4] = [1, 2, 4, 8];
const NODE_TYPE_ADVISED: u8 = 2;

/// Reports what is wrong with a set of DHCP options.
pub(crate) fn check(id: Id<DhcpOptions>, topology: &Topology, findings: &mut Findings) {
    let options = &topology.dhcp_options[id];
    let (name, origin) = (options.label.display(), options.label.origin);
    let lists = [
        ("domain name servers", options.domain_name_servers.len()),
        ("NTP servers", options.ntp_servers.len()),
        ("NetBIOS name servers", options.netbios_name_servers.len()),
    ];
    for (noun, count) in lists {
        if count > SERVERS_MAX {
            let message = format!("DHCP option set {name} has {count} {noun}");
            let finding = Finding::error("dhcp-servers", origin, message).rule("DHCP-04");
            findings.push(finding.help(format!("AWS takes {SERVERS_MAX} {noun} at the most")));
        }
    }
    let Some(node_type) = options.netbios_node_type else {
        return;
    };
    if !NODE_TYPES.contains(&node_type) {
        let message = format!("DHCP option set {name} has the NetBIOS node type {node_type}");
        let finding = Finding::error("dhcp-node-type", origin, message);
        findings.push(finding.rule("DHCP-04").help("the node type is 1, 2, 4 or 8"));
    } else if node_type != NODE_TYPE_ADVISED {
        let message = format!(
            "DHCP option set {name} has the NetBIOS node type {node_type}, which needs broadcast or multicast"
        );
        let finding = Finding::note("dhcp-node-type-unusual", origin, message);
        findings.push(
            finding
                .rule("DHCP-04")
                .help("AWS advises 2: a VPC carries neither"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::dhcp_options::NameServer;
    use crate::model::Label;
    use crate::stand;

    fn codes(change: impl FnOnce(&mut DhcpOptions)) -> Vec<&'static str> {
        let mut topology = Topology::named("test", "eu-west-1");
        let mut options = DhcpOptions {
            label: Label::named("dopt"),
            domain_name: None,
            domain_name_servers: vec![NameServer::AmazonProvided; 4],
            ntp_servers: vec![[10, 0, 0, 9].into(); 4],
            netbios_name_servers: vec![[10, 0, 0, 9].into(); 4],
            netbios_node_type: Some(2),
        };
        change(&mut options);
        topology.dhcp_options.push(options);
        stand::codes(&topology)
    }

    #[test]
    fn four_servers_of_each_kind_are_accepted_and_five_are_not() {
        assert!(codes(|_| ()).is_empty());
        assert_eq!(
            codes(|options| options.domain_name_servers.push(NameServer::AmazonProvided)),
            ["dhcp-servers"]
        );
        assert_eq!(
            codes(|options| options.ntp_servers.push([10, 0, 0, 9].into())),
            ["dhcp-servers"]
        );
        assert_eq!(
            codes(|options| options.netbios_name_servers.push([10, 0, 0, 9].into())),
            ["dhcp-servers"]
        );
    }

    #[test]
    fn the_node_type_is_1_2_4_or_8_and_2_is_advised() {
        assert_eq!(
            codes(|options| options.netbios_node_type = Some(3)),
            ["dhcp-node-type"]
        );
        assert_eq!(
            codes(|options| options.netbios_node_type = Some(8)),
            ["dhcp-node-type-unusual"]
        );
        assert!(codes(|options| options.netbios_node_type = None).is_empty());
    }
}
