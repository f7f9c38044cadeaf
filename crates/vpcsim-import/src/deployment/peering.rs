//! Peering connections.

use serde_json::{Value, json};

use super::Deployment;
use super::values::Values;
use crate::declared::Declared;

/// `aws_vpc_peering_connection`, `AWS::EC2::VPCPeeringConnection`.
///
/// A connection is active when its other side accepts: by itself, by an accepter in the input, or because both VPCs are in
/// one account. If nothing says so, it waits, and nothing passes (PCX-01).
pub(super) fn connection(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let accepters = ["aws_vpc_peering_connection_accepter"];
    let names = "vpc_peering_connection_id";
    let accepter = deployment
        .all_of(&accepters)
        .find(|accepter| Values::of(accepter).text(names).as_deref() == Some(&*resource.id));
    let other = values.text("PeerOwnerId|peer_owner_id");
    let foreign = other
        .as_ref()
        .is_some_and(|owner| !resource.account.is_empty() && *owner != resource.account);
    let accepted = values.flag("auto_accept") == Some(true)
        || accepter.is_some()
        || (resource.kind.starts_with("AWS::") && (!foreign || values.get("PeerRoleArn").is_some()));
    let status = values
        .text("accept_status")
        .unwrap_or_else(|| if accepted { "active" } else { "pending-acceptance" }.to_owned());
    let peer = values.text("PeerVpcId|peer_vpc_id").unwrap_or_default();
    let options: Vec<&Declared> = deployment
        .all_of(&["aws_vpc_peering_connection_options"])
        .chain(accepter)
        .filter(|options| Values::of(options).text(names).as_deref() == Some(&*resource.id))
        .chain(std::iter::once(resource))
        .collect();
    let side = |vpc: String, owner: Option<String>, name: &str| {
        let mut blocks = options
            .iter()
            .filter_map(|options| Values::of(options).block(name));
        let dns = blocks.find_map(|block| block.flag("allow_remote_vpc_dns_resolution"));
        let options = dns.map(|dns| json!({"AllowDnsResolutionFromRemoteVpc": dns}));
        json!({"VpcId": vpc, "OwnerId": owner, "PeeringOptions": options.unwrap_or(Value::Null)})
    };
    let description = json!({
        "VpcPeeringConnectionId": resource.id,
        "RequesterVpcInfo": side(values.text("VpcId|vpc_id").unwrap_or_default(), None, "requester"),
        "AccepterVpcInfo": side(peer, other, "accepter"),
        "Status": {"Code": status},
    });
    deployment.whole(resource, "VpcPeeringConnections", &resource.id, description);
}
