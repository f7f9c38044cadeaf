//! Route table.

use ipnet::Ipv4Net;

use crate::compile::Place;
use crate::devices::{AnyId, Kind, PrefixList, Resource, Vpc};
use crate::model::{Id, Label, Origin};

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// How it is called.
    pub label: Label,
    /// The VPC it is part of.
    pub vpc: Id<Vpc>,
    /// Whether it is the VPC's main one.
    pub main: bool,
    /// Its routes, without the implied `local` ones unless their target was replaced.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which destinations it is for.
    pub destination: RouteDestination,
    /// Where it sends them.
    pub target: RouteTarget,
    /// How it came to be there.
    pub source: RouteSource,
    /// Whether the input itself says that it is a black hole (RT-22).
    pub blackhole: bool,
    /// Where it is declared.
    pub origin: Origin,
}

/// Which destinations a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteDestination {
    /// One range.
    Cidr(Ipv4Net),
    /// The entries of a prefix list.
    PrefixList(Id<PrefixList>),
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// Inside the VPC.
    Local,
    /// To a resource.
    Resource(AnyId),
    /// To something that is not modelled; its noun and its id (`transit gateway`, `tgw-1`).
    Unmodelled(String, String),
    /// To something that the design does not have: a black hole (RT-22); its id.
    Missing(String),
}

/// How a route came to be in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteSource {
    /// Made by a person (`CreateRoute`) or with the table.
    Static,
    /// Propagated by a gateway.
    Propagated,
}

impl Resource for RouteTable {
    const KIND: Kind = Kind::RouteTable;
    const NOUN: &'static str = "route table";

    fn label(&self) -> &Label {
        &self.label
    }
}

/// The compiled routes of a table.
#[derive(Clone, Debug)]
pub struct RouteLookup {}

/// Compiles a route table.
pub fn compile(_id: Id<RouteTable>, _place: &Place<'_>) -> RouteLookup {
    RouteLookup {}
}
