//! The route table of an internet gateway: through which interface inside the VPC what comes in has to go.
//!
//! # AWS semantics
//!
//! - It is asked about the private destination, after the translation (GRT-01).
//! - The interface that it leads to needs a public address itself (GRT-05).
//! - Delivery goes on by the table of that interface's subnet, whose network ACL sees the packet twice (GRT-08, GRT-10, NACL-23).
//! - What comes by other ways and what stays inside does not ask it (GRT-07).
//! - What a redirected subnet sends goes out only if it has passed a middlebox too (GRT-06).
//!
//! # Where AWS is silent
//!
//! - Any instance that forwards counts as the middlebox; the interface itself may send from a redirected subnet.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use vpcsim_engine::{Decision, DropReason, Step};

use crate::compile::fabric::ClaimIndex;
use crate::compile::{Build, Fabric, NextHop};
use crate::devices::route_table::RouteLookup;
use crate::devices::{Kind, NetworkInterface, RouteTable};
use crate::drop_reason;
use crate::model::Id;
use crate::public_address::PublicMapping;

/// Where something that came in goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// To the claim that the table leads to, or to its own.
    To(ClaimIndex, Decision),
    /// Nowhere: the step ends it at the route table.
    Ends(Step),
}

/// The compiled table with what is known of its targets.
#[derive(Clone, Debug)]
pub(crate) struct IngressRouting {
    routes: Arc<RouteLookup>,
    /// The interfaces that routes lead to, and whether they have a public address.
    is_public: FxHashMap<ClaimIndex, bool>,
}

impl IngressRouting {
    pub(crate) fn new(
        table: Id<RouteTable>,
        fabric: &Fabric,
        mapping: &PublicMapping,
        build: &Build<'_>,
    ) -> Self {
        let routes = build.routes(table);
        let targets = routes.routes().iter().filter_map(|route| match route.next_hop {
            NextHop::Inside(claim) => Some(claim),
            _ => None,
        });
        let is_public = |claim: ClaimIndex| {
            let owner = fabric.claim(claim).owner;
            let Some(interface) = owner.downcast::<NetworkInterface>() else {
                return true;
            };
            let addresses = &build.topology.network_interfaces[interface].addresses;
            addresses
                .iter()
                .any(|address| mapping.public_of(address.private).is_some())
        };
        let is_public = targets.map(|claim| (claim, is_public(claim))).collect();
        Self { routes, is_public }
    }

    /// Where a packet for this private destination, which is the claim's, goes.
    ///
    /// # Errors
    /// Why the gateway refuses it, and by which route.
    pub(crate) fn entrance(
        &self,
        destination: Ipv4Addr,
        own: ClaimIndex,
    ) -> Result<Entrance, (DropReason, Decision)> {
        let Some(route) = self.routes.lookup(destination) else {
            let none = Decision::by(self.routes.component());
            return Ok(Entrance::Ends(Step::drop(drop_reason::NO_ROUTE, none)));
        };
        let drop = |reason| Ok(Entrance::Ends(Step::drop(reason, route.decision)));
        match route.next_hop {
            NextHop::Local => Ok(Entrance::To(own, route.decision)),
            NextHop::Inside(claim) if self.is_public.get(&claim) == Some(&false) => {
                Err((drop_reason::INGRESS_RTB_NO_PUBLIC_IP, route.decision))
            }
            NextHop::Inside(claim) => Ok(Entrance::To(claim, route.decision)),
            NextHop::Unmodelled => drop(drop_reason::NOT_MODELLED),
            _ => drop(drop_reason::BLACKHOLE),
        }
    }

    /// The route by which what comes in for this address goes through a middlebox, unless the address is the middlebox's own.
    pub(crate) fn redirection(&self, source: Ipv4Addr, fabric: &Fabric) -> Option<Decision> {
        let route = self.routes.lookup(source)?;
        let NextHop::Inside(through) = route.next_hop else {
            return None;
        };
        let through = fabric.claim(through);
        let is_itself = fabric
            .find(source)
            .is_some_and(|(_, claim)| claim.node == through.node);
        (!is_itself && through.owner.kind == Kind::NetworkInterface).then_some(route.decision)
    }
}
