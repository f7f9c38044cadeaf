//! Hosts that AWS runs: `DBInstances` of `describe-db-instances`, and what only their interfaces tell of others.

use serde::Deserialize;
use vpcsim_aws::devices::managed_host::{DATABASE, listeners, port_of_engine, ports_of_service};
use vpcsim_aws::devices::{ManagedHost, NetworkInterface, SecurityGroup, Subnet};
use vpcsim_aws::{Finding, Id, Kind, Label};

use super::build::Build;
use super::item::{Described, Item, List, Tag, Whole, Word};

/// What can stand behind an interface and is a host: it sends, and it accepts connections.
const HOSTED: [&str; 6] = [
    DATABASE,
    "cache",
    "file system",
    "Lambda function",
    "container task",
    "Kubernetes control plane",
];

/// Whether a service of this kind is simulated as a host.
pub(super) fn is_hosted(service: &str) -> bool {
    HOSTED.contains(&service)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct DbInstanceJson {
    #[serde(rename = "DBInstanceIdentifier")]
    db_instance_identifier: String,
    #[serde(rename = "DBInstanceArn")]
    arn: Option<String>,
    engine: String,
    endpoint: Option<EndpointJson>,
    #[serde(rename = "DbInstancePort")]
    port: Option<Whole>,
    #[serde(rename = "DBInstanceStatus")]
    status: Word,
    vpc_security_groups: List<MembershipJson>,
    #[serde(rename = "DBSubnetGroup")]
    subnet_group: Option<SubnetGroupJson>,
    availability_zone: Option<String>,
    tag_list: List<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct EndpointJson {
    address: Option<String>,
    port: Option<Whole>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct MembershipJson {
    vpc_security_group_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct SubnetGroupJson {
    subnets: List<MemberJson>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct MemberJson {
    subnet_identifier: String,
}

impl DbInstanceJson {
    fn port(&self) -> Option<u16> {
        let described = self
            .endpoint
            .as_ref()
            .and_then(|endpoint| endpoint.port)
            .or(self.port);
        let described = described
            .and_then(|port| u16::try_from(port.0).ok())
            .filter(|port| *port > 0);
        described.or_else(|| port_of_engine(&self.engine))
    }
}

impl Described for DbInstanceJson {
    const KIND: Option<Kind> = Some(Kind::ManagedHost);

    /// Identifiers are unique in an account and region only; the ARN is in the world.
    fn id(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.db_instance_identifier)
    }

    fn tags(&self) -> &[Tag] {
        &self.tag_list
    }

    fn name(&self) -> Option<&str> {
        Some(self.db_instance_identifier.as_str()).filter(|name| !name.is_empty())
    }

    fn is_live(&self) -> bool {
        !matches!(&*self.status, "deleting" | "deleted")
    }

    fn declare(item: &Item<'_, Self>, label: Label, build: &mut Build<'_>) {
        let json = &item.value;
        if !json.is_live() {
            return;
        }
        let group = json.subnet_group.iter().flat_map(|group| group.subnets.iter());
        let subnet_group: Vec<Id<Subnet>> = group
            .filter_map(|member| build.find(&member.subnet_identifier))
            .collect();
        let Some(interface) = interface_of(item, &label, &subnet_group, build) else {
            let message = format!(
                "no subnet of database `{}` is in the input: it is left out",
                label.name
            );
            let finding = Finding::warning("subnet-not-in-input", item.origin, message);
            return build
                .findings
                .push(finding.help("add the answer of `aws ec2 describe-subnets`"));
        };
        let vpc = build.topology.subnets[build.topology.network_interfaces[interface].subnet].vpc;
        let host = ManagedHost {
            label,
            service: DATABASE.to_owned(),
            interfaces: vec![interface],
            subnet_group,
            listen: listeners(json.port()),
            dns_name: json
                .endpoint
                .as_ref()
                .and_then(|endpoint| endpoint.address.clone()),
        };
        let id = build.topology.managed_hosts.push(host);
        build.enter(id, Some(vpc));
    }
}

/// The database's interface: one of RDS that has its groups and is in its zone, which its own description does not name.
fn interface_of(
    item: &Item<'_, DbInstanceJson>,
    label: &Label,
    subnet_group: &[Id<Subnet>],
    build: &mut Build<'_>,
) -> Option<Id<NetworkInterface>> {
    let json = &item.value;
    let groups = json.vpc_security_groups.iter();
    let mut groups: Vec<Id<SecurityGroup>> = groups
        .filter_map(|group| build.find(&group.vpc_security_group_id))
        .collect();
    groups.sort_unstable();
    let topology = &*build.topology;
    let is_in_zone = |subnet: &Subnet| {
        json.availability_zone
            .as_ref()
            .is_none_or(|zone| *zone == subnet.availability_zone)
    };
    let fits = |id: &Id<NetworkInterface>| {
        let row = &topology.network_interfaces[*id];
        let mut own = row.security_groups.clone();
        own.sort_unstable();
        own == groups && subnet_group.contains(&row.subnet) && is_in_zone(&topology.subnets[row.subnet])
    };
    let mut described = build
        .interfaces_of_services
        .iter()
        .filter(|(_, service)| *service == DATABASE);
    if let Some(id) = described.find(|(id, _)| fits(id)).map(|(id, _)| *id) {
        build.interfaces_of_services.remove(&id);
        return Some(id);
    }
    let in_zone = subnet_group.iter().find(|id| is_in_zone(&topology.subnets[**id]));
    let subnet = *in_zone.or(subnet_group.first())?;
    let message = format!(
        "the interface of database `{}` is not in the input: it gets a free address",
        label.name
    );
    let finding = Finding::note("database-address-assumed", item.origin, message).rule("RDS-01");
    build
        .findings
        .push(finding.help("add the answer of `aws ec2 describe-network-interfaces`"));
    Some(build.managed_interface(&label.name, subnet, item.origin, groups))
}

/// Makes hosts of the interfaces that no description claimed; what they listen to follows from the service, if at all.
pub(super) fn make_up_rest(build: &mut Build<'_>) {
    for (interface, service) in std::mem::take(&mut build.interfaces_of_services) {
        let row = &build.topology.network_interfaces[interface];
        let (wanted, origin) = (row.label.name.clone(), row.label.origin);
        let vpc = build.topology.subnets[row.subnet].vpc;
        let label = Label {
            origin,
            ..Label::named(build.claim_name(Kind::ManagedHost, &wanted))
        };
        let listen = listeners(ports_of_service(&service).iter().copied());
        let host = ManagedHost {
            label,
            service,
            interfaces: vec![interface],
            subnet_group: Vec::new(),
            listen,
            dns_name: None,
        };
        let id = build.topology.managed_hosts.push(host);
        build.enter(id, Some(vpc));
    }
}
