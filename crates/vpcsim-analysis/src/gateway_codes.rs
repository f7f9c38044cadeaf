//! What AWS's analysis lists beside the code of a drop at a load balancer or a transit gateway: the listeners, targets and
//! routes that do not help, each with its own code.

use vpcsim_aws::devices::load_balancer::Listener;
use vpcsim_aws::devices::route_table::RouteDestination;
use vpcsim_aws::devices::target_group::{Target, TargetHealth};
use vpcsim_aws::devices::transit_gateway_attachment::AttachmentEnd;
use vpcsim_aws::devices::transit_gateway_route_table::{TransitTarget, propagated};
use vpcsim_aws::devices::{LoadBalancer, SecurityGroup, TargetGroup, TransitGatewayRouteTable, Vpc};
use vpcsim_aws::{Id, Resource, Topology};

use crate::analyzer_code::{Dropped, Further};
use crate::way::Rule;

impl Dropped<'_> {
    /// The listener that takes the packet, if one does.
    fn listener(&self, balancer: &LoadBalancer) -> Option<Listener> {
        let (protocol, port) = (self.packet.protocol(), self.packet.key.destination_port());
        let mut listeners = balancer.listeners.iter();
        listeners
            .find(|listener| listener.port == port && listener.protocol.takes(protocol))
            .copied()
    }

    fn balancer(&self) -> Option<(Id<LoadBalancer>, &LoadBalancer)> {
        let id = self.decider::<LoadBalancer>()?;
        Some((id, &self.topology().load_balancers[id]))
    }

    fn target_group(&self, balancer: &LoadBalancer) -> Option<(Id<TargetGroup>, &TargetGroup)> {
        let group = self.listener(balancer)?.target_group?;
        Some((group, self.topology().target_groups.find(group)?))
    }

    /// A group whose targets are all in zones that the load balancer is not enabled for (ELB-01).
    pub(crate) fn not_installed(&self) -> Option<&'static str> {
        let (_, balancer) = self.balancer()?;
        let (_, group) = self.target_group(balancer)?;
        let mut registered = group.targets.iter();
        let is_registered = registered.any(|target| target.health != Some(TargetHealth::Draining));
        is_registered.then_some("ELB_INSTALLED_AZ_RESTRICTION")
    }

    /// The listeners that do not take the packet.
    pub(crate) fn other_listeners(&self) -> Vec<Further> {
        let Some((id, balancer)) = self.balancer() else {
            return Vec::new();
        };
        let (protocol, port) = (self.packet.protocol(), self.packet.key.destination_port());
        let further = |(index, listener): (usize, &Listener)| {
            let words = format!("listener {} {}", listener.protocol.word(), listener.port);
            let (code, why) = if listener.protocol.takes(protocol) {
                ("ELBV2_LISTENER_PORT_RESTRICTION", format!("port {port}"))
            } else {
                ("PROTOCOL_RESTRICTION", protocol.to_string())
            };
            Further {
                code,
                component: id.into(),
                detail: format!("{words} does not take {why}"),
                rule: Some(Rule::new(id, index)),
            }
        };
        balancer.listeners.iter().enumerate().map(further).collect()
    }

    /// Why the listener's target group takes nothing from the node: each target with what keeps it away (ELB-01, NLB-09).
    pub(crate) fn targets_elsewhere(&self) -> Vec<Further> {
        let Some((id, balancer)) = self.balancer() else {
            return Vec::new();
        };
        let (Some(listener), Some((group_id, group))) =
            (self.listener(balancer), self.target_group(balancer))
        else {
            return Vec::new();
        };
        let further = |code, detail, rule| Further {
            code,
            component: id.into(),
            detail,
            rule,
        };
        let place = balancer.listeners.iter().position(|row| *row == listener);
        let (words, name) = (listener.protocol.word(), group.label.display());
        let mut found = vec![further(
            "ELBV2_LISTENER_REQUIRES_TG_ACCEPT",
            format!(
                "listener {words} {} needs a target of group {name} that takes it",
                listener.port
            ),
            place.map(|place| Rule::new(id, place)),
        )];
        let registered = group.targets.iter().enumerate();
        for (index, target) in registered.filter(|(_, target)| target.health != Some(TargetHealth::Draining))
        {
            if let Some((address, zone)) = self.place_of(group, target) {
                let is_enabled = balancer
                    .nodes
                    .iter()
                    .any(|node| self.topology().subnets[node.subnet].availability_zone == zone);
                let (code, why) = if is_enabled {
                    ("ELB_NOT_CROSSZONE", "and load balancing across zones is off")
                } else {
                    (
                        "ELB_INSTALLED_AZ_RESTRICTION",
                        "which the load balancer is not enabled for",
                    )
                };
                let rule = Some(Rule::new(group_id, index));
                found.push(further(
                    code,
                    format!("target {address} is in {zone}, {why}"),
                    rule,
                ));
            }
        }
        found
    }

    fn place_of(&self, group: &TargetGroup, target: &Target) -> Option<(std::net::Ipv4Addr, &str)> {
        let (address, _) = group.destination(target, self.topology())?;
        let mut subnets = self
            .topology()
            .subnets
            .iter()
            .filter(|(_, subnet)| subnet.vpc == group.vpc);
        let (_, subnet) = subnets.find(|(_, subnet)| subnet.cidr.contains(&address))?;
        Some((address, subnet.availability_zone.as_str()))
    }

    /// The routes of a transit gateway's table that do not cover the destination.
    pub(crate) fn transit_uncovering(&self) -> Vec<Further> {
        self.transit_routes(|route| match route.covering {
            None => Some(("TGW_RTB_CANNOT_ROUTE", "does not cover the destination")),
            Some(_) => None,
        })
    }

    /// The routes that would have been taken if the winner were not more specific, or of a higher priority.
    pub(crate) fn transit_beaten(&self) -> Vec<Further> {
        let winner = self.decision.rule_index();
        let winning = self
            .transit_lens()
            .into_iter()
            .find(|route| Some(route.index) == winner);
        let Some(winning_len) = winning.and_then(|route| route.covering) else {
            return Vec::new();
        };
        self.transit_routes(|route| {
            if Some(route.index) == winner || !route.works {
                return None;
            }
            match route.covering?.cmp(&winning_len) {
                std::cmp::Ordering::Less => Some((
                    "TGW_RTB_MORE_SPECIFIC_ROUTE",
                    "is not taken: the black hole is more specific",
                )),
                std::cmp::Ordering::Equal => Some((
                    "TGW_RTB_HIGHER_PRIORITY_ROUTE",
                    "is not taken: the black hole has a higher priority",
                )),
                std::cmp::Ordering::Greater => None,
            }
        })
    }

    fn transit_routes(
        &self,
        judge: impl Fn(&TransitRouteView) -> Option<(&'static str, &'static str)>,
    ) -> Vec<Further> {
        let Some(table) = self.decider::<TransitGatewayRouteTable>() else {
            return Vec::new();
        };
        let further = |route: TransitRouteView| {
            let (code, why) = judge(&route)?;
            let words = TransitGatewayRouteTable::rule_text(table, route.index, self.topology())?;
            Some(Further {
                code,
                component: table.into(),
                detail: format!("`{words}` {why}"),
                rule: Some(Rule::new(table, route.index)),
            })
        };
        self.transit_lens().into_iter().filter_map(further).collect()
    }

    /// The routes of the table that decided, declared ones first.
    fn transit_lens(&self) -> Vec<TransitRouteView> {
        let Some(table) = self.decider::<TransitGatewayRouteTable>() else {
            return Vec::new();
        };
        let (topology, destination) = (self.topology(), self.packet.destination());
        let of_net = |net: &ipnet::Ipv4Net| net.contains(&destination).then_some(net.prefix_len());
        let row = &topology.transit_gateway_route_tables[table];
        let declared = row.routes.iter().map(|route| {
            let covering = match route.destination {
                RouteDestination::Cidr(net) => of_net(&net),
                RouteDestination::PrefixList(list) => topology.prefix_lists[list]
                    .entries
                    .iter()
                    .filter_map(of_net)
                    .max(),
            };
            (covering, matches!(route.target, TransitTarget::Attachment(_)))
        });
        let known = propagated(table, topology).into_iter();
        let all = declared.chain(known.map(|(_, net)| (of_net(&net), true)));
        let view = |(index, (covering, works))| TransitRouteView {
            index,
            covering,
            works,
        };
        all.enumerate().map(view).collect()
    }
}

/// A route of a transit gateway's table, as a destination sees it.
struct TransitRouteView {
    index: usize,
    /// The length of the prefix by which it covers the destination.
    covering: Option<u8>,
    works: bool,
}

/// Whether a transit gateway joins the VPC of the group with the other, and does not carry references to groups (TGW-44).
pub(crate) fn reference_needs_support(topology: &Topology, group: Id<SecurityGroup>, vpc: Id<Vpc>) -> bool {
    let other = topology.security_groups[group].vpc;
    if other == vpc {
        return false;
    }
    let ends = |wanted: Id<Vpc>| {
        let rows = topology.transit_gateway_attachments.iter();
        rows.filter_map(move |(_, row)| match &row.end {
            AttachmentEnd::Vpc {
                vpc,
                security_group_referencing,
                ..
            } if *vpc == wanted => Some((row.gateway, *security_group_referencing)),
            _ => None,
        })
    };
    let mut pairs = ends(vpc).flat_map(|own| ends(other).map(move |far| (own, far)));
    pairs.any(|((gateway, own), (far_gateway, far))| {
        let supports = topology.transit_gateways[gateway].security_group_referencing && own && far;
        gateway == far_gateway && !supports
    })
}
