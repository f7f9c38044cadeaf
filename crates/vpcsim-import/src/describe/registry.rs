//! The described nouns, one line each, in the order in which they are declared.

use rustc_hash::{FxHashMap, FxHashSet};
use vpcsim_aws::{Finding, Findings, Label};

use super::build::Build;
use super::document::{Document, Elements, Locator};
use super::item::{Described, Item, read_tags};
use super::made::{Made, Role};
use super::place::Place;
use super::{document, made, managed_host, unmodelled};

macro_rules! nouns {
    ($( $key:literal => $table:ident: $module:ident::$type:ident, )*) => {
        /// The top keys that are read.
        pub(crate) const KEYS: &[&str] = &[$($key),*];

        /// Everything that was described, kind by kind.
        #[derive(Debug, Default)]
        pub(super) struct Dump<'t> {
            $( $table: Items<'t, super::$module::$type>, )*
            unmodelled: Vec<unmodelled::Found>,
        }

        impl<'t> Dump<'t> {
            /// Adds the members of a document.
            pub(crate) fn add(&mut self, document: &Document<'t>, place: &Place, findings: &mut Findings) {
                let mut locator = Locator::new(document.text, document.file);
                for (key, raw) in &document.members {
                    let context = Member { key, raw, place };
                    match key.as_str() {
                        $( $key => self.$table.add(&context, &mut locator, findings), )*
                        _ => unmodelled::add(&mut self.unmodelled, &context, &mut locator, findings),
                    }
                }
            }

            /// Adds what a template or a plan makes; a part of something only if that is there already.
            pub(crate) fn make(&mut self, made: Made, findings: &mut Findings) {
                match made.key {
                    $( $key => self.$table.make(made, findings), )*
                    _ => unmodelled::make(&mut self.unmodelled, made),
                }
            }

            /// Collects what others need to know.
            pub(crate) fn prepare(&self, build: &mut Build<'_>) {
                unmodelled::prepare(&self.unmodelled, build);
                $( self.$table.list.iter().for_each(|item| Described::prepare(item, build)); )*
            }

            /// Declares everything, then connects it.
            pub(crate) fn build(&self, build: &mut Build<'_>) {
                $( self.$table.declare(build); )*
                managed_host::make_up_rest(build);
                $( self.$table.list.iter().for_each(|item| Described::complete(item, build)); )*
                $( self.$table.list.iter().for_each(|item| Described::connect(item, build)); )*
                unmodelled::report(&self.unmodelled, build);
            }
        }
    };
}

nouns! {
    "DhcpOptions" => dhcp_options: dhcp_options::DhcpOptionsJson,
    "PrefixLists" => prefix_lists: prefix_list::PrefixListJson,
    "Entries" => prefix_list_entries: prefix_list::EntryJson,
    "Vpcs" => vpcs: vpc::VpcJson,
    "InternetGateways" => internet_gateways: internet_gateway::InternetGatewayJson,
    "RouteTables" => route_tables: route_table::RouteTableJson,
    "NetworkAcls" => network_acls: network_acl::NetworkAclJson,
    "Subnets" => subnets: subnet::SubnetJson,
    "SecurityGroups" => security_groups: security_group::SecurityGroupJson,
    "SecurityGroupRules" => security_group_rules: security_group_rule::RuleJson,
    "TransitGateways" => transit_gateways: transit_gateway::TransitGatewayJson,
    "TransitGatewayVpcAttachments" => transit_gateway_vpc_attachments: transit_gateway_attachment::VpcAttachmentJson,
    "TransitGatewayPeeringAttachments" =>
        transit_gateway_peering_attachments: transit_gateway_attachment::PeeringAttachmentJson,
    "TransitGatewayAttachments" => transit_gateway_attachments: transit_gateway_attachment::AttachmentJson,
    "TransitGatewayRouteTables" => transit_gateway_route_tables: transit_gateway_route_table::TableJson,
    "TransitGatewayPropagations" => transit_gateway_propagations: transit_gateway_route_table::PropagationsJson,
    "TransitGatewayStaticRoutes" => transit_gateway_static_routes: transit_gateway_route_table::RoutesJson,
    "Reservations" => reservations: instance::ReservationJson,
    "NetworkInterfaces" => network_interfaces: network_interface::InterfaceJson,
    "NatGateways" => nat_gateways: nat_gateway::NatGatewayJson,
    "VpcPeeringConnections" => peering_connections: peering_connection::PeeringJson,
    "Addresses" => addresses: elastic_ip::AddressJson,
    "LoadBalancerAttributes" => load_balancer_attributes: target_group::AttributesJson,
    "TargetGroupAttributes" => target_group_attributes: target_group::AttributesJson,
    "ListenerAttributes" => listener_attributes: target_group::AttributesJson,
    "TargetHealthDescriptions" => target_health_descriptions: target_group::DescriptionJson,
    "LoadBalancerTargetHealth" => target_health: target_group::TargetHealthJson,
    "TargetGroups" => target_groups: target_group::TargetGroupJson,
    "LoadBalancerListeners" => load_balancer_listeners: load_balancer::ListenersJson,
    "Listeners" => listeners: load_balancer::ListenersJson,
    "LoadBalancers" => load_balancers: load_balancer::LoadBalancerJson,
    "VpcBlockPublicAccessOptions" => block_public_access_options: block_public_access::OptionsJson,
    "VpcBlockPublicAccessExclusions" => block_public_access_exclusions: block_public_access::ExclusionJson,
    "ServiceConfigurations" => endpoint_services: endpoint_service::ServiceJson,
    "VpcEndpoints" => vpc_endpoints: vpc_endpoint::VpcEndpointJson,
    "DBInstances" => db_instances: managed_host::DbInstanceJson,
    "NetworkInsightsPaths" => network_insights_paths: insights_path::PathJson,
    "@hosts" => made_hosts: made_host::HostJson,
    "RdsInstances" => rds_instances: managed_host::DbInstanceJson,
}

/// A member of a document on its way into the dump.
pub(super) struct Member<'d, 't> {
    /// The top key.
    pub key: &'d str,
    /// The value.
    pub raw: &'t serde_json::value::RawValue,
    /// Account and region of the file.
    pub place: &'d Place,
}

/// The described things of one kind, each id once.
#[derive(Debug)]
pub(super) struct Items<'t, T> {
    pub list: Vec<Item<'t, T>>,
    index_by_id: FxHashMap<String, usize>,
}

impl<T> Default for Items<'_, T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            index_by_id: FxHashMap::default(),
        }
    }
}

impl<'t, T: Described> Items<'t, T> {
    fn add(&mut self, member: &Member<'_, 't>, locator: &mut Locator<'t>, findings: &mut Findings) {
        let elements = match Elements::of(member.raw) {
            Ok(Elements(elements)) => elements,
            Err(error) => {
                let message = format!("`{}` is no list: {error}", member.key);
                findings.push(Finding::error(
                    "describe-item",
                    locator.locate(member.raw.get()),
                    message,
                ));
                return;
            }
        };
        for raw in elements {
            let origin = locator.locate(raw.get());
            match serde_json::from_str::<T>(raw.get()) {
                Ok(value) => {
                    let place = member.place.clone();
                    self.push(Item {
                        value,
                        raw: raw.get(),
                        origin,
                        place,
                        address: None,
                    });
                }
                Err(error) => findings.push(broken_item(member.key, &error, origin)),
            }
        }
    }

    fn make(&mut self, made: Made, findings: &mut Findings) {
        let value = match serde_json::from_value::<T>(made.value) {
            Ok(value) => value,
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", made.address);
                findings.push(Finding::error("bad-declaration", made.origin, message));
                return;
            }
        };
        if made.role != Role::Part || value.id().is_empty() {
            return self.push(Item {
                value,
                raw: "",
                origin: made.origin,
                place: made.place,
                address: Some(made.address),
            });
        }
        let known = self.index_by_id.get(value.id()).copied();
        let id = value.id().to_owned();
        if !known.is_some_and(|known| self.list[known].value.absorb(value)) {
            findings.push(made::without_whole(made.key, &made.address, &id, made.origin));
        }
    }

    fn push(&mut self, item: Item<'t, T>) {
        let id = item.value.id();
        if id.is_empty() {
            self.list.push(item);
            return;
        }
        if let Some(&first) = self.index_by_id.get(id) {
            self.list[first].value.merge(item.value);
        } else {
            self.index_by_id.insert(id.to_owned(), self.list.len());
            self.list.push(item);
        }
    }

    /// Declares each under its name, if no other of the kind has it too, else under its id.
    fn declare(&self, build: &mut Build<'_>) {
        let mut seen = FxHashSet::default();
        let mut taken_twice = FxHashSet::default();
        for item in self.list.iter().filter(|item| item.value.is_live()) {
            if let Some(name) = item.value.name()
                && !seen.insert(name)
            {
                taken_twice.insert(name);
            }
        }
        for item in &self.list {
            let value = &item.value;
            let own = value
                .name()
                .filter(|name| value.is_live() && !taken_twice.contains(name));
            let Some(kind) = T::KIND else {
                T::declare(item, Label::default(), build);
                continue;
            };
            if value.id().is_empty() {
                let message = format!("a {} without an id", kind.noun());
                build
                    .findings
                    .push(Finding::error("describe-item", item.origin, message));
                continue;
            }
            let own = own.filter(|name| !self.index_by_id.contains_key(*name));
            let unnamed = item.address.as_deref().unwrap_or(value.id());
            let label = Label {
                name: build.claim_name(kind, own.unwrap_or(unnamed)),
                id: Some(value.id().to_owned()),
                account: None,
                tags: read_tags(value.tags()),
                origin: item.origin,
            };
            T::declare(item, label, build);
        }
    }
}

fn broken_item(key: &str, error: &serde_json::Error, mut origin: vpcsim_aws::Origin) -> Finding {
    if error.line() > 1 {
        origin.line += error.line() as u32 - 1;
        origin.column = error.column() as u32;
    } else {
        origin.column += (error.column() as u32).saturating_sub(1);
    }
    let message = error.to_string();
    let message = message.split(" at line").next().unwrap_or_default();
    Finding::error(
        "describe-item",
        origin,
        format!("an element of `{key}` cannot be read: {message}"),
    )
}

/// Whether a member holds nothing worth a word.
pub(super) fn is_empty(member: &Member<'_, '_>) -> bool {
    document::is_empty(member.raw)
}
