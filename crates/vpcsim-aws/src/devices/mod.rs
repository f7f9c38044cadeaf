//! Every AWS noun, one file each; this page registers them.
//!
//! Adding a resource is one file in this folder and one line in the list below: the macro makes its table in
//! [`Topology`], its [`Kind`], and its part in validating, placing, compiling and explaining.

use crate::arrangement::{Arrangement, Rank, Renumbering};
use crate::compile::{Build, NextHop, Place};
use crate::model::{Findings, Id, Label, Table};
use crate::topology::{Expectation, Settings, Unread};
use vpcsim_engine::ComponentId;

/// What every declared resource can do.
pub trait Resource: Sized {
    /// Its kind.
    const KIND: Kind;
    /// What people call it (`NAT gateway`).
    const NOUN: &'static str;
    /// Whether a route can have one as its target.
    const IS_ROUTE_TARGET: bool = false;
    /// What is modelled of it, and what is not, in a few words each.
    const COVERAGE: Coverage;

    /// How it is called.
    fn label(&self) -> &Label;

    /// Reports everything about it that AWS would refuse or that is surprising.
    fn validate(_id: Id<Self>, _topology: &Topology, _findings: &mut Findings) {}

    /// First pass of compiling: reserves nodes, claims addresses, names capture points.
    fn place(_id: Id<Self>, _place: &mut Place<'_>) {}

    /// Second pass of compiling: installs what runs in the reserved nodes.
    fn build(_id: Id<Self>, _build: &mut Build<'_>) {}

    /// Where a packet goes whose route, in a table of the VPC `from`, has this resource as its target; asked after the first
    /// pass.
    fn next_hop(_id: Id<Self>, _from: Id<Vpc>, _place: &Place<'_>) -> NextHop {
        NextHop::NotATarget
    }

    /// The VPC that it lives in, if it lives in one.
    fn vpc(_id: Id<Self>, _topology: &Topology) -> Option<Id<Vpc>> {
        None
    }

    /// Whether a route of the VPC can lead to it: whether it lives there, or is joined to it.
    fn is_reached_from(id: Id<Self>, vpc: Id<Vpc>, topology: &Topology) -> bool {
        Self::vpc(id, topology).is_none_or(|own| own == vpc)
    }

    /// Where it stands among its kind when a design is [put in order](Topology::arrange).
    fn rank(&self, _id: Id<Self>, _arrangement: &Arrangement<'_>) -> Rank {
        Rank::default()
    }

    /// Gives every id that it holds its new number.
    fn renumber(&mut self, _order: &Renumbering) {}

    /// The words for its rule number `rule`, as a trace shows them.
    fn rule_text(_id: Id<Self>, _rule: usize, _topology: &Topology) -> Option<String> {
        None
    }
}

/// What is modelled of a kind of resource, for people who ask before they trust an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// What is.
    pub modelled: &'static str,
    /// What is not; empty where nothing is known to be missing.
    pub missing: &'static str,
}

impl Coverage {
    /// Both in words.
    pub const fn of(modelled: &'static str, missing: &'static str) -> Self {
        Self { modelled, missing }
    }
}

macro_rules! resources {
    ($( $(#[$doc:meta])* $table:ident: $type:ident in $module:ident, )*) => {
        $( pub mod $module; )*
        $( pub use $module::$type; )*

        /// The kinds of resources.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $( $(#[$doc])* $type, )*
        }

        impl Kind {
            /// Every kind, in the order of registration.
            pub const ALL: &'static [Self] = &[ $( Self::$type, )* ];

            /// What people call it.
            pub const fn noun(self) -> &'static str {
                match self {
                    $( Self::$type => <$type as Resource>::NOUN, )*
                }
            }

            /// What is modelled of it, and what is not.
            pub const fn coverage(self) -> Coverage {
                match self {
                    $( Self::$type => <$type as Resource>::COVERAGE, )*
                }
            }

            /// Whether a route can have one of this kind as its target.
            pub const fn is_route_target(self) -> bool {
                match self {
                    $( Self::$type => <$type as Resource>::IS_ROUTE_TARGET, )*
                }
            }
        }

        /// What the user declared: every resource, in tables by kind.
        #[derive(Clone, Debug, Default)]
        pub struct Topology {
            /// What the design is called.
            pub name: String,
            /// The region of whatever does not say another.
            pub region: String,
            /// Defaults that a design can override.
            pub settings: Settings,
            /// What the design's author expects.
            pub expectations: Vec<Expectation>,
            /// What the importer recognised and the simulator does not model.
            pub unread: Vec<Unread>,
            $( $(#[$doc])* pub $table: Table<$type>, )*
        }

        impl Topology {
            /// How many resources there are of this kind.
            pub fn count(&self, kind: Kind) -> usize {
                match kind {
                    $( Kind::$type => self.$table.len(), )*
                }
            }

            /// How the resource is called; `None` if there is no such resource.
            pub fn label(&self, any: AnyId) -> Option<&Label> {
                match any.kind {
                    $( Kind::$type => self.$table.find(any.id()).map(Resource::label), )*
                }
            }

            /// The VPC that the resource lives in, if it lives in one.
            ///
            /// An instance lives in that of its primary interface, which [`arrangement`](crate::arrangement) finds for all at once.
            pub fn vpc_of(&self, any: AnyId) -> Option<Id<Vpc>> {
                match any.kind {
                    $( Kind::$type => self.$table.find(any.id())
                        .and_then(|_: &$type| <$type as Resource>::vpc(any.id(), self)), )*
                }
            }

            /// Whether a route of the VPC can lead to the resource.
            pub(crate) fn is_reached_from(&self, any: AnyId, vpc: Id<Vpc>) -> bool {
                match any.kind {
                    $( Kind::$type => <$type as Resource>::is_reached_from(any.id(), vpc, self), )*
                }
            }

            /// The words for rule number `rule` of the resource.
            pub fn rule_text(&self, any: AnyId, rule: usize) -> Option<String> {
                match any.kind {
                    $( Kind::$type => <$type as Resource>::rule_text(any.id(), rule, self), )*
                }
            }

            pub(crate) fn validate_resources(&self, findings: &mut Findings) {
                $( for id in self.$table.ids() { <$type as Resource>::validate(id, self, findings); } )*
            }

            pub(crate) fn place_resources(&self, place: &mut Place<'_>) {
                $( for id in self.$table.ids() { <$type as Resource>::place(id, place); } )*
            }

            pub(crate) fn build_resources(&self, build: &mut Build<'_>) {
                $( for id in self.$table.ids() { <$type as Resource>::build(id, build); } )*
            }

            pub(crate) fn orders(&self, arrangement: &Arrangement<'_>) -> Renumbering {
                let mut order = Renumbering::default();
                $( order.add(&self.$table, arrangement); )*
                order
            }

            pub(crate) fn reorder(&mut self, order: &Renumbering) {
                $(
                    order.reorder(&mut self.$table);
                    for id in self.$table.ids() { Resource::renumber(&mut self.$table[id], order); }
                )*
            }

            pub(crate) fn next_hop(any: AnyId, from: Id<Vpc>, place: &Place<'_>) -> NextHop {
                match any.kind {
                    $( Kind::$type => <$type as Resource>::next_hop(any.id(), from, place), )*
                }
            }
        }
    };
}

resources! {
    /// A virtual private cloud.
    vpcs: Vpc in vpc,
    /// A subnet.
    subnets: Subnet in subnet,
    /// A route table.
    route_tables: RouteTable in route_table,
    /// A network access control list.
    network_acls: NetworkAcl in network_acl,
    /// A security group.
    security_groups: SecurityGroup in security_group,
    /// A prefix list.
    prefix_lists: PrefixList in prefix_list,
    /// A set of DHCP options.
    dhcp_options: DhcpOptions in dhcp_options,
    /// A network interface.
    network_interfaces: NetworkInterface in network_interface,
    /// An instance.
    instances: Instance in instance,
    /// An Elastic IP address.
    elastic_ips: ElasticIp in elastic_ip,
    /// An internet gateway.
    internet_gateways: InternetGateway in internet_gateway,
    /// A NAT gateway.
    nat_gateways: NatGateway in nat_gateway,
    /// A peering connection of two VPCs.
    peering_connections: PeeringConnection in peering_connection,
    /// A host on the internet.
    internet_hosts: InternetHost in internet_host,
    /// A target group.
    target_groups: TargetGroup in target_group,
    /// A Network Load Balancer.
    load_balancers: LoadBalancer in load_balancer,
    /// A transit gateway.
    transit_gateways: TransitGateway in transit_gateway,
    /// An attachment of a transit gateway.
    transit_gateway_attachments: TransitGatewayAttachment in transit_gateway_attachment,
    /// A route table of a transit gateway.
    transit_gateway_route_tables: TransitGatewayRouteTable in transit_gateway_route_table,
    /// A VPC endpoint.
    vpc_endpoints: VpcEndpoint in vpc_endpoint,
    /// A host that AWS runs.
    managed_hosts: ManagedHost in managed_host,
    /// A regional NAT gateway.
    regional_nat_gateways: RegionalNatGateway in regional_nat_gateway,
    /// What keeps the VPCs of an account from the internet.
    block_public_access: BlockPublicAccess in block_public_access,
    /// An endpoint service.
    endpoint_services: EndpointService in endpoint_service,
}

/// A resource of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyId {
    /// Its kind.
    pub kind: Kind,
    /// Its place in the table of that kind.
    pub index: u32,
}

impl AnyId {
    /// The id within the table of `T`, which must be this kind's type.
    pub fn id<T: Resource>(self) -> Id<T> {
        debug_assert_eq!(T::KIND, self.kind, "an id is read as what it is");
        Id::from_index(self.index as usize)
    }

    /// The id within the table of `T`, if it is one.
    pub fn downcast<T: Resource>(self) -> Option<Id<T>> {
        (T::KIND == self.kind).then(|| Id::from_index(self.index as usize))
    }
}

impl<T: Resource> From<Id<T>> for AnyId {
    fn from(id: Id<T>) -> Self {
        Self {
            kind: T::KIND,
            index: id.index() as u32,
        }
    }
}

impl Topology {
    /// The engine's number for a resource: resources are numbered kind by kind.
    pub fn component(&self, any: impl Into<AnyId>) -> ComponentId {
        let any = any.into();
        let before: usize = Kind::ALL
            .iter()
            .take_while(|kind| **kind != any.kind)
            .map(|kind| self.count(*kind))
            .sum();
        ComponentId(before as u32 + any.index)
    }

    /// The resource that has the engine's number `component`.
    pub fn resource(&self, component: ComponentId) -> Option<AnyId> {
        let mut index = component.0;
        for &kind in Kind::ALL {
            let count = self.count(kind) as u32;
            if index < count {
                return Some(AnyId { kind, index });
            }
            index -= count;
        }
        None
    }

    /// Every resource, kind by kind.
    pub fn resources(&self) -> impl Iterator<Item = AnyId> {
        Kind::ALL
            .iter()
            .flat_map(|&kind| (0..self.count(kind) as u32).map(move |index| AnyId { kind, index }))
    }
}
