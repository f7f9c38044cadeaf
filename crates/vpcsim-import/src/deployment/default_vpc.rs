//! The default VPC: what says no VPC or no subnet is put there.

use serde_json::json;
use vpcsim_aws::Finding;

use super::Deployment;
use super::values::Values;
use crate::declared::Declared;

/// The range of every default VPC (CIDR-20).
pub(super) const CIDR: &str = "172.31.0.0/16";

/// The ranges of its subnets, by the last letter of their zones.
const ZONES: [(&str, &str); 6] = [
    ("a", "172.31.0.0/20"),
    ("b", "172.31.16.0/20"),
    ("c", "172.31.32.0/20"),
    ("d", "172.31.48.0/20"),
    ("e", "172.31.64.0/20"),
    ("f", "172.31.80.0/20"),
];

/// Its id; it is made when it is first spoken of.
pub(super) fn vpc(resource: &Declared, deployment: &mut Deployment<'_, '_>) -> String {
    let same = |other: &&Declared| other.region == resource.region && other.account == resource.account;
    let adopted = deployment.all_of(&["aws_default_vpc"]).find(same);
    let known = deployment
        .all_of(&["data.aws_vpc"])
        .find(|other| same(other) && Values::of(other).flag("default") == Some(true));
    let id = adopted.or(known).map_or_else(
        || format!("default-vpc.{}", region(resource)),
        |vpc| vpc.id.clone(),
    );
    if adopted.is_none() && known.is_none() && !deployment.wholes.contains_key(&("Vpcs", id.clone())) {
        let message = format!(
            "`{}` says no VPC or subnet: it goes to the default VPC, which is assumed to be as AWS makes it",
            resource.address
        );
        let help = "say the subnet, or add the describe dump of the account";
        let finding = Finding::note("default-vpc-assumed", resource.origin, message).help(help);
        deployment.findings.push(finding);
        let description = json!({
            "VpcId": id, "CidrBlock": CIDR, "IsDefault": true, "Tags": [], "OwnerId": owner(resource),
        });
        deployment.whole(resource, "Vpcs", &id, description);
    }
    id
}

fn owner(resource: &Declared) -> Option<&str> {
    Some(resource.account.as_str()).filter(|account| !account.is_empty())
}

fn region(resource: &Declared) -> &str {
    if resource.region.is_empty() {
        "us-east-1"
    } else {
        &resource.region
    }
}

/// The default subnet of a zone, of the first zone if none is said; with the gateway and the route that make it public.
pub(super) fn subnet(resource: &Declared, zone: Option<&str>, deployment: &mut Deployment<'_, '_>) -> String {
    let vpc = vpc(resource, deployment);
    let adopted = deployment.all_of(&["aws_default_subnet"]).find(|other| {
        let own = Values::of(other).text("availability_zone");
        other.region == resource.region && (zone.is_none() || own.as_deref() == zone)
    });
    if let Some(adopted) = adopted {
        return adopted.id.clone();
    }
    let letter = zone
        .and_then(|zone| zone.chars().last())
        .unwrap_or('a')
        .to_string();
    let id = format!("default-subnet.{}{letter}", region(resource));
    make_subnet(resource, &id, &vpc, &letter, deployment);
    id
}

/// `aws_default_subnet`.
pub(super) fn adopt_subnet(resource: &Declared, zone: &str, deployment: &mut Deployment<'_, '_>) {
    let vpc = vpc(resource, deployment);
    let letter = zone.chars().last().unwrap_or('a').to_string();
    make_subnet(resource, &resource.id, &vpc, &letter, deployment);
}

fn make_subnet(resource: &Declared, id: &str, vpc: &str, letter: &str, deployment: &mut Deployment<'_, '_>) {
    if deployment.wholes.contains_key(&("Subnets", id.to_owned())) {
        return;
    }
    let declared = Values::of(resource).text("cidr_block");
    let known = ZONES
        .iter()
        .find(|(zone, _)| *zone == letter)
        .map(|(_, cidr)| (*cidr).to_owned());
    let description = json!({
        "SubnetId": id,
        "VpcId": vpc,
        "CidrBlock": declared.filter(|_| id == resource.id).or(known).unwrap_or_else(|| "172.31.96.0/20".to_owned()),
        "AvailabilityZone": format!("{}{letter}", region(resource)),
        "MapPublicIpOnLaunch": true,
        "Tags": [],
    });
    deployment.whole(resource, "Subnets", id, description);
    let gateway = format!("{vpc}.internet-gateway");
    let description = json!({"InternetGatewayId": gateway, "Attachments": [{"VpcId": vpc}], "Tags": []});
    deployment.whole(resource, "InternetGateways", &gateway, description);
    let table = format!("{vpc}.main-route-table");
    let description = json!({
        "RouteTableId": table, "VpcId": vpc, "Associations": [{"Main": true}], "Tags": [],
        "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}],
    });
    deployment.whole(resource, "RouteTables", &table, description);
}
