//! The explanation codes that need a look at the rules: which of AWS's codes says most about a drop, and what else AWS's
//! analysis would list beside it (RAN-15).

use vpcsim_aws::devices::route_table::{Route, RouteDestination, RouteTarget};
use vpcsim_aws::devices::security_group::Peer;
use vpcsim_aws::devices::{InternetGateway, NetworkInterface, RouteTable};
use vpcsim_aws::drop_reason;
use vpcsim_aws::traffic::Direction;
use vpcsim_aws::{AnyId, Compiled, Id, Topology};
use vpcsim_engine::wire::Summary;
use vpcsim_engine::{Decision, DropReason};

use crate::directory::Directory;
use crate::gateway_codes::reference_needs_support;
use crate::way::Rule;

/// How many routes that do not help are listed.
const LISTED_ROUTES_MAX: usize = 5;

/// A drop as its code is looked for.
pub(crate) struct Dropped<'a> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) directory: &'a Directory,
    pub(crate) reason: DropReason,
    pub(crate) decision: Decision,
    pub(crate) packet: &'a Summary,
}

/// A further code with its component and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Further {
    pub(crate) code: &'static str,
    pub(crate) component: AnyId,
    pub(crate) detail: String,
    /// The route, listener or target that it is about.
    pub(crate) rule: Option<Rule>,
}

/// A code that says more than the drop reason's own, and the rule that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refined {
    pub(crate) code: &'static str,
    pub(crate) rule: Option<Rule>,
}

impl Refined {
    fn to(code: &'static str) -> Self {
        Self { code, rule: None }
    }
}

impl Dropped<'_> {
    pub(crate) fn topology(&self) -> &Topology {
        &self.compiled.topology
    }

    pub(crate) fn decider<T: vpcsim_aws::Resource>(&self) -> Option<Id<T>> {
        let any = self.compiled.decider(self.decision.component);
        any.and_then(AnyId::downcast)
    }

    /// The code that says more than the reason's own, if there is one.
    pub(crate) fn refined(&self) -> Option<Refined> {
        match self.reason {
            drop_reason::SG_EGRESS => self.security_groups(Direction::Egress),
            drop_reason::SG_INGRESS => self.security_groups(Direction::Ingress),
            drop_reason::IGW_NO_PUBLIC_MAPPING => self.spoofed().map(Refined::to),
            drop_reason::NLB_NO_TARGETS => self.not_installed().map(Refined::to),
            _ => None,
        }
    }

    /// No rules at all, a group of a VPC that the design does not have, or one that would match if the packet still
    /// had it (RT-31, SG-10).
    fn security_groups(&self, direction: Direction) -> Option<Refined> {
        let topology = self.topology();
        let interface = &topology.network_interfaces[self.decider::<NetworkInterface>()?];
        let (groups, vpc) = (&interface.security_groups, topology.subnets[interface.subnet].vpc);
        let rules = || {
            groups.iter().flat_map(|group| {
                let declared = &topology.security_groups[*group];
                let first = declared.first_rule(direction);
                let rules = declared.rules(direction).iter().enumerate();
                rules.map(move |(index, rule)| (Rule::new(*group, first + index), rule))
            })
        };
        if rules().next().is_none() {
            return Some(Refined::to("SG_HAS_NO_RULES"));
        }
        let peer = match direction {
            Direction::Egress => self.packet.destination(),
            Direction::Ingress => self.packet.source(),
        };
        let mut fitting = rules().filter(|(_, rule)| rule.traffic.matches(self.packet));
        fitting.find_map(|(place, rule)| {
            let code = match &rule.peer {
                Peer::SecurityGroup(group) if self.directory.is_member(*group, peer) => {
                    if reference_needs_support(topology, *group, vpc) {
                        "SG_REFERENCING_SUPPORT"
                    } else {
                        "SG_REFERENCES_NOT_PRESERVED"
                    }
                }
                Peer::Missing(id) if id.starts_with("sg-") => "UNKNOWN_PEERED_SGS",
                _ => return None,
            };
            Some(Refined {
                code,
                rule: Some(place),
            })
        })
    }

    /// A source outside the VPC, which no gateway takes from inside it (IGW-04, IGW-20).
    fn spoofed(&self) -> Option<&'static str> {
        let topology = self.topology();
        let vpc = topology.internet_gateways[self.decider::<InternetGateway>()?].vpc?;
        let mut ranges = topology.vpcs[vpc].cidrs.iter().filter(|cidr| cidr.associated);
        let is_inside = ranges.any(|cidr| cidr.net.contains(&self.packet.source()));
        (!is_inside).then_some("GATEWAY_REJECTS_SPOOFED_TRAFFIC")
    }

    /// What AWS's analysis lists beside the code itself: the routes that do not help, each with its own code.
    pub(crate) fn further(&self) -> Vec<Further> {
        let table = || self.decider::<RouteTable>();
        let further = match self.reason {
            drop_reason::NO_ROUTE => table().map(|table| self.uncovering(table)),
            drop_reason::BLACKHOLE | drop_reason::NO_SUCH_ADDRESS => table().map(|table| self.beaten(table)),
            drop_reason::TGW_NO_ROUTE => Some(self.transit_uncovering()),
            drop_reason::TGW_BLACKHOLE => Some(self.transit_beaten()),
            drop_reason::NLB_LISTENER => Some(self.other_listeners()),
            drop_reason::NLB_NO_TARGETS | drop_reason::NLB_NO_TARGETS_IN_ZONE => {
                Some(self.targets_elsewhere())
            }
            _ => None,
        };
        let further = further.unwrap_or_default();
        further.into_iter().take(LISTED_ROUTES_MAX).collect()
    }

    /// The routes that do not cover the destination.
    fn uncovering(&self, table: Id<RouteTable>) -> Vec<Further> {
        let topology = self.topology();
        let (row, destination) = (&topology.route_tables[table], self.packet.destination());
        let further = |code, words: String, number| Further {
            code,
            component: table.into(),
            detail: format!("`{words}` does not cover {destination}"),
            rule: Some(Rule::new(table, number)),
        };
        let cidrs = topology.vpcs[row.vpc].cidrs.iter().enumerate();
        let local = cidrs.filter(|(_, cidr)| cidr.associated).map(|(index, cidr)| {
            further(
                "VPC_LOCAL_ROUTE_CIDR_RESTRICTION",
                format!("{} -> local", cidr.net),
                row.routes.len() + index,
            )
        });
        let declared = row.routes.iter().enumerate().map(|(index, route)| {
            let is_local = route.target == RouteTarget::Local;
            let code = if is_local {
                "VPC_LOCAL_ROUTE_CIDR_RESTRICTION"
            } else {
                "CANNOT_ROUTE"
            };
            further(code, route.words(topology), index)
        });
        local.chain(declared).collect()
    }

    /// The routes that would have been taken if the winner were not more specific, or of a higher priority.
    fn beaten(&self, table: Id<RouteTable>) -> Vec<Further> {
        let topology = self.topology();
        let row = &topology.route_tables[table];
        let winner = self.decision.rule_index().and_then(|index| row.routes.get(index));
        let Some((winner, winning_len)) = winner.and_then(|route| Some((route, self.covering_len(route)?)))
        else {
            return Vec::new();
        };
        let beaten = row
            .routes
            .iter()
            .enumerate()
            .filter(|(_, route)| !std::ptr::eq(*route, winner) && !route.blackhole);
        let further = beaten.filter_map(|(index, route)| {
            let len = self.covering_len(route)?;
            let (code, why) = match len.cmp(&winning_len) {
                std::cmp::Ordering::Less => ("MORE_SPECIFIC_ROUTE", "is more specific"),
                std::cmp::Ordering::Equal => ("HIGHER_PRIORITY_ROUTE", "has a higher priority"),
                std::cmp::Ordering::Greater => return None,
            };
            let (route, winner) = (route.words(topology), winner.words(topology));
            Some(Further {
                code,
                component: table.into(),
                detail: format!("`{route}` is not taken: `{winner}` {why}"),
                rule: Some(Rule::new(table, index)),
            })
        });
        further.collect()
    }

    /// The length of the prefix by which the route covers the destination.
    fn covering_len(&self, route: &Route) -> Option<u8> {
        let destination = self.packet.destination();
        let of_net = |net: &ipnet::Ipv4Net| net.contains(&destination).then_some(net.prefix_len());
        match route.destination {
            RouteDestination::Cidr(net) => of_net(&net),
            RouteDestination::PrefixList(list) => self.topology().prefix_lists[list]
                .entries
                .iter()
                .filter_map(of_net)
                .max(),
        }
    }
}
