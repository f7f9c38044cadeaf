//! The topology under construction, and what the described things have to know of each other.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use rustc_hash::{FxHashMap, FxHashSet};
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::vpc::VpcCidr;
use vpcsim_aws::devices::{Instance, NetworkAcl, NetworkInterface, RouteTable, SecurityGroup, Subnet, Vpc};
use vpcsim_aws::{AnyId, Finding, Findings, Id, Kind, Label, Origin, Resource, Topology, Unread};

use super::block_public_access::StateOf;
use super::item::{Described, Item};
use super::load_balancer::ListenerJson;
use super::made;
use super::place::Place;
use super::target_group::{Candidate, DescriptionJson};
use crate::names::Names;
use crate::native::context::UNASSIGNED;
use crate::native::node::{BadCidr, parse_cidr};

/// The state of reading described things.
pub(super) struct Build<'a> {
    /// What was declared so far.
    pub topology: &'a mut Topology,
    /// What is wrong or surprising.
    pub findings: &'a mut Findings,
    /// Which route table a subnet's id is associated with.
    pub table_of_subnet: FxHashMap<String, Id<RouteTable>>,
    /// Which network ACL a subnet's id is associated with.
    pub acl_of_subnet: FxHashMap<String, Id<NetworkAcl>>,
    /// What a network interface's id belongs to, by what names it (`NAT gateway`).
    pub owner_of_interface: FxHashMap<String, String>,
    /// The interfaces' ids of a transit gateway attachment's id.
    pub interfaces_of_attachment: FxHashMap<String, Vec<String>>,
    /// The region of a VPC's id, as its subnets' zones say it.
    pub region_of_vpc: FxHashMap<String, String>,
    /// The ids of the instances that share a name.
    pub instances_of_name: BTreeMap<String, BTreeSet<String>>,
    /// The entries of prefix lists whose descriptions lack them.
    pub entries_of_list: FxHashMap<String, Vec<Ipv4Net>>,
    /// The interfaces of each Network Load Balancer, by the end of its ARN.
    pub interfaces_of_balancer: BTreeMap<String, Vec<Id<NetworkInterface>>>,
    /// The interfaces of services that are hosts, with what they are, until a description claims them.
    pub interfaces_of_services: BTreeMap<Id<NetworkInterface>, String>,
    /// The listeners of a load balancer's ARN.
    pub listeners_of: BTreeMap<String, Vec<ListenerJson>>,
    /// The targets of a target group's ARN.
    pub targets_of_group: BTreeMap<String, Vec<DescriptionJson>>,
    /// Targets of which nothing says the group.
    pub targets_without_group: Vec<DescriptionJson>,
    /// The target groups that such targets may belong to.
    pub groups_of_targets: Vec<Candidate>,
    /// The attributes of load balancers, listeners and target groups, by ARN and key.
    pub attributes: BTreeMap<(String, String), String>,
    /// What VPCs and subnets say of Block Public Access.
    pub block_states: Vec<StateOf>,
    /// What declared things that are not modelled are, by id: noun and effect.
    pub unmodelled: FxHashMap<String, (String, String)>,
    /// The accounts whose dumps are in the input.
    pub accounts: BTreeSet<String>,
    names: &'a mut Names,
    primary: FxHashMap<Id<Instance>, (u16, Id<NetworkInterface>)>,
    unread_keys: BTreeMap<(String, String), usize>,
    ipv6: BTreeMap<Kind, (usize, Origin)>,
    claimed: FxHashSet<(Kind, String)>,
    made_up: Vec<Id<Vpc>>,
}

impl<'a> Build<'a> {
    /// Starts on a topology.
    pub(crate) fn new(topology: &'a mut Topology, names: &'a mut Names, findings: &'a mut Findings) -> Self {
        Self {
            topology,
            findings,
            table_of_subnet: FxHashMap::default(),
            acl_of_subnet: FxHashMap::default(),
            owner_of_interface: FxHashMap::default(),
            interfaces_of_attachment: FxHashMap::default(),
            region_of_vpc: FxHashMap::default(),
            instances_of_name: BTreeMap::new(),
            entries_of_list: FxHashMap::default(),
            interfaces_of_balancer: BTreeMap::new(),
            interfaces_of_services: BTreeMap::new(),
            listeners_of: BTreeMap::new(),
            targets_of_group: BTreeMap::new(),
            targets_without_group: Vec::new(),
            groups_of_targets: Vec::new(),
            attributes: BTreeMap::new(),
            block_states: Vec::new(),
            unmodelled: FxHashMap::default(),
            accounts: BTreeSet::new(),
            names,
            primary: FxHashMap::default(),
            unread_keys: BTreeMap::new(),
            ipv6: BTreeMap::new(),
            claimed: FxHashSet::default(),
            made_up: Vec::new(),
        }
    }

    /// The resource of AWS's id `id`.
    pub(crate) fn find<T: Resource>(&self, id: &str) -> Option<Id<T>> {
        self.names.with_id(id)
    }

    /// The resource of any kind that has AWS's id `id`.
    pub(crate) fn any(&self, id: &str) -> Option<AnyId> {
        self.names.any_with_id(id)
    }

    /// Whether the id was declared already.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.names.any_with_id(id).is_some()
    }

    /// Notes an interface of an instance.
    pub(crate) fn note_interface(
        &mut self,
        instance: Id<Instance>,
        device_index: u16,
        id: Id<NetworkInterface>,
    ) {
        let best = self.primary.entry(instance).or_insert((device_index, id));
        *best = (*best).min((device_index, id));
    }

    /// The interface of an instance with the lowest device index.
    pub(crate) fn primary_interface(&self, instance: Id<Instance>) -> Option<Id<NetworkInterface>> {
        self.primary.get(&instance).map(|(_, id)| *id)
    }

    /// Enters a new resource under its id and its name.
    pub(crate) fn enter<T: Resource>(&mut self, id: Id<T>, vpc: Option<Id<Vpc>>) {
        let any = AnyId::from(id);
        if let Some(label) = self.topology.label(any) {
            // Names are unique by construction, except for what is gone.
            let _first = self.names.enter(any, vpc, &label.name, label.id.as_deref());
        }
    }

    /// A name of this kind that nothing else has: the wanted one, or the wanted one with a number.
    pub(crate) fn claim_name(&mut self, kind: Kind, wanted: &str) -> String {
        let numbered = (2..).map(|number: u32| format!("{wanted} {number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let free = names.find(|name| !self.claimed.contains(&(kind, name.clone())));
        let name = free.unwrap_or_else(|| wanted.to_owned());
        self.claimed.insert((kind, name.clone()));
        name
    }

    /// The VPC of this id; one that the input lacks is made up, so that what is in it can be read.
    pub(crate) fn vpc<T: Described>(&mut self, id: &str, item: &Item<'_, T>) -> Option<Id<Vpc>> {
        if let Some(vpc) = self.find(id) {
            return Some(vpc);
        }
        if id.is_empty() {
            let message = format!("`{}` does not say its VPC", item.value.id());
            let finding = match &item.address {
                Some(_) => {
                    Finding::error("unresolved-reference", item.origin, message).help(made::UNRESOLVED_HELP)
                }
                None => Finding::error("describe-item", item.origin, message),
            };
            self.findings.push(finding);
            return None;
        }
        let message =
            format!("VPC `{id}` is not in the input: it is assumed to be no larger than its subnets");
        let help = "add the answer of `aws ec2 describe-vpcs`";
        self.findings
            .push(Finding::warning("vpc-not-in-input", item.locate(id), message).help(help));
        Some(self.make_up_vpc(id, &item.place, item.origin))
    }

    fn make_up_vpc(&mut self, id: &str, place: &Place, origin: Origin) -> Id<Vpc> {
        let label = Label {
            id: Some(id.to_owned()),
            origin,
            ..Label::named(self.claim_name(Kind::Vpc, id))
        };
        let region = self.region_of(id, place);
        let made = self.topology.vpcs.push(Vpc {
            label,
            account: place.account.clone(),
            region,
            cidrs: Vec::new(),
            dns_support: true,
            dns_hostnames: false,
            dhcp_options: None,
            is_default: false,
        });
        self.enter(made, None);
        self.made_up.push(made);
        made
    }

    /// An interface that AWS made for `owner` and the input does not describe.
    pub(crate) fn managed_interface(
        &mut self,
        owner: &str,
        subnet: Id<Subnet>,
        origin: Origin,
        security_groups: Vec<Id<SecurityGroup>>,
    ) -> Id<NetworkInterface> {
        let wanted = format!("{owner} {}", self.topology.name_of(subnet));
        let label = Label {
            origin,
            ..Label::named(self.claim_name(Kind::NetworkInterface, &wanted))
        };
        let vpc = self.topology.subnets[subnet].vpc;
        let id = self.topology.network_interfaces.push(NetworkInterface {
            attachment: Attachment::Managed,
            security_groups,
            ..NetworkInterface::new(label, subnet, UNASSIGNED)
        });
        self.enter(id, Some(vpc));
        id
    }

    /// The owner of something in a VPC, if that is another account than the VPC's.
    pub(crate) fn participant(&self, vpc: Id<Vpc>, owner: Option<&str>) -> Option<String> {
        let own = &self.topology.vpcs[vpc].account;
        let other = owner.filter(|owner| !own.is_empty() && !owner.is_empty() && own != owner);
        other.map(str::to_owned)
    }

    /// A VPC that was made up holds at least its subnets.
    pub(crate) fn widen(&mut self, vpc: Id<Vpc>, net: Ipv4Net, origin: Origin) {
        let cidrs = &mut self.topology.vpcs[vpc].cidrs;
        if !cidrs
            .iter()
            .any(|cidr| cidr.associated && cidr.net.contains(&net))
        {
            cidrs.push(VpcCidr {
                net,
                associated: true,
                origin,
            });
        }
    }

    /// The region of a VPC: as its path says, else as its subnets say.
    pub(crate) fn region_of(&self, vpc_id: &str, place: &Place) -> String {
        let by_subnet = || self.region_of_vpc.get(vpc_id).cloned().unwrap_or_default();
        if place.region.is_empty() {
            by_subnet()
        } else {
            place.region.clone()
        }
    }

    /// Reads an address range of an item.
    pub(crate) fn cidr<T>(&mut self, item: &Item<'_, T>, text: &str) -> Option<Ipv4Net> {
        match parse_cidr(text) {
            Ok(net) => Some(net),
            Err(BadCidr::HostBits(_, net)) => {
                let message = format!("`{text}` has bits set behind its prefix: it is read as {net}");
                self.findings
                    .push(Finding::warning("cidr-host-bits", item.locate(text), message));
                Some(net)
            }
            Err(_)
                if item.address.is_some() && text.contains(|letter: char| letter.is_ascii_alphabetic()) =>
            {
                self.unknown_range(item, text);
                None
            }
            Err(problem) => {
                self.findings.push(problem.finding(item.locate(text)));
                None
            }
        }
    }

    /// A range that is known only after the deployment; a missing parameter, and a circle, have been reported as such.
    fn unknown_range<T>(&mut self, item: &Item<'_, T>, text: &str) {
        let parameter = text.strip_prefix("external:").unwrap_or_default();
        let quoted = format!("`{parameter}`");
        let of_circle = text.split('.').next().unwrap_or_default();
        let reported = |finding: &Finding| match finding.code {
            "parameter-missing" => !parameter.is_empty() && finding.message.contains(&quoted),
            "cyclic-reference" => finding.message.contains(of_circle),
            _ => false,
        };
        if self.findings.iter().any(reported) {
            return;
        }
        let address = item.address.as_deref().unwrap_or_default();
        let message = format!("the range `{text}` in `{address}` is not known before it is deployed");
        let help = "write the range, or add the stack that exports it";
        self.findings
            .push(Finding::error("value-not-in-input", item.origin, message).help(help));
    }

    /// Reads an address of an item.
    pub(crate) fn address<T>(&mut self, item: &Item<'_, T>, text: &str) -> Option<Ipv4Addr> {
        let address = text.parse().ok();
        if address.is_none() {
            let message = format!("`{text}` is not an IPv4 address");
            self.findings.push(item.error_at("bad-address", text, message));
        }
        address
    }

    /// Notes something that is recognised and not modelled; of the same thing only the first note counts.
    pub(crate) fn unread(&mut self, unread: Unread) {
        let key = (unread.noun.clone(), unread.name.clone());
        if let Some(&first) = self.unread_keys.get(&key) {
            let known = &mut self.topology.unread[first];
            for address in unread.addresses {
                if !known.addresses.contains(&address) {
                    known.addresses.push(address);
                }
            }
            known.vpc = known.vpc.or(unread.vpc);
        } else {
            self.unread_keys.insert(key, self.topology.unread.len());
            self.topology.unread.push(unread);
        }
    }

    /// Notes that a resource has a part for IPv6.
    pub(crate) fn ipv6(&mut self, kind: Kind, origin: Origin) {
        self.ipv6.entry(kind).or_insert((0, origin)).0 += 1;
    }

    /// Reports what was only counted; gives back the VPCs that the input lacks.
    pub(crate) fn finish(self) -> Vec<Id<Vpc>> {
        for (kind, (count, origin)) in self.ipv6 {
            let of = if count == 1 {
                format!("one {}", kind.noun())
            } else {
                format!("{count} {}s", kind.noun())
            };
            let message = format!("{of} with a part for IPv6, which is not modelled");
            self.findings
                .push(Finding::note("ipv6-not-modelled", origin, message));
        }
        self.made_up
    }
}
