//! Block Public Access: a switch of an account in a region that keeps its VPCs from the internet, whatever else allows it.
//!
//! It has no place of its own on a packet's way: the internet gateways ask it.
//!
//! # AWS semantics
//!
//! - It is asked at the internet gateway before addresses are exchanged, and goes before all that the gateway would say (IGW-22).
//! - In the mode `block-bidirectional` nothing passes an internet gateway of the account in the region, in neither direction
//!   (BPA-01).
//! - In the mode `block-ingress` only a NAT gateway gets out, because nothing can be opened from outside through it, and only its
//!   answers get in (BPA-02).
//! - What is excluded in the mode `allow-bidirectional`, a VPC or a subnet, has the internet as if there were no switch (BPA-03).
//! - What is excluded in the mode `allow-egress` is as in `block-ingress`; that means something only in `block-bidirectional`
//!   (BPA-03).
//! - An account has 50 exclusions in a region at the most (BPA-03).
//! - NAT gateways and load balancers that face the internet are stopped like instances (BPA-04).
//! - Peering connections, transit gateways and VPC endpoints are not touched (BPA-04).
//!
//! # Where AWS is silent
//!
//! - The subnet that counts is that of the address at the internet gateway: behind a NAT gateway it is the NAT gateway's.
//! - In `block-ingress` an instance's packets do not get out; they are stopped on the way out and not only their answers.
//! - Of several exclusions that concern a subnet, its own or its VPC's, the most generous counts.
//! - For a regional NAT gateway, which stands in no subnet, what is said of its VPC counts.
//! - A public address that nobody in the VPC has is treated as the VPC is.

use rustc_hash::FxHashMap;
use vpcsim_engine::{Decision, DropReason};

use crate::arrangement::Renumbering;
use crate::compile::fabric::Claim;
use crate::devices::{Coverage, Kind, Resource, Subnet, Vpc};
use crate::drop_reason;
use crate::model::{Finding, Findings, Id, Label, Origin};
use crate::topology::Topology;

/// Exclusions that an account can have in a region (BPA-03).
const EXCLUSION_COUNT_MAX: usize = 50;

/// The setting of an account in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPublicAccess {
    /// How it is called.
    pub label: Label,
    /// The account's twelve digits; empty for every account of the design.
    pub account: String,
    /// The region.
    pub region: String,
    /// What is blocked.
    pub mode: BlockMode,
    /// What is not.
    pub exclusions: Vec<Exclusion>,
}

/// What is blocked, the stricter the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockMode {
    /// Nothing.
    #[default]
    Off,
    /// All but what NAT gateways begin.
    Ingress,
    /// Everything.
    Bidirectional,
}

/// A VPC or a subnet that is not blocked, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// AWS's id, where the input has one.
    pub id: Option<String>,
    /// What is excluded.
    pub excluded: Excluded,
    /// What it may do.
    pub mode: ExclusionMode,
    /// Where it is declared.
    pub origin: Origin,
}

/// What an exclusion is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excluded {
    /// A VPC with all its subnets.
    Vpc(Id<Vpc>),
    /// A subnet.
    Subnet(Id<Subnet>),
}

/// What an excluded VPC or subnet may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExclusionMode {
    /// Everything.
    #[default]
    Bidirectional,
    /// Begin connections by a NAT gateway.
    Egress,
}

impl ExclusionMode {
    /// What is left of the account's mode.
    pub const fn leaves(self) -> BlockMode {
        match self {
            Self::Bidirectional => BlockMode::Off,
            Self::Egress => BlockMode::Ingress,
        }
    }
}

impl Excluded {
    /// The VPC that it is or lies in.
    pub fn vpc(self, topology: &Topology) -> Option<Id<Vpc>> {
        match self {
            Self::Vpc(vpc) => Some(vpc),
            Self::Subnet(subnet) => topology.subnets.find(subnet).map(|subnet| subnet.vpc),
        }
    }

    fn name(self, topology: &Topology) -> String {
        match self {
            Self::Vpc(vpc) => format!("VPC {}", topology.name_of(vpc)),
            Self::Subnet(subnet) => format!("subnet {}", topology.name_of(subnet)),
        }
    }
}

impl BlockPublicAccess {
    /// Whether it is the setting for the VPC.
    pub fn governs(&self, vpc: &Vpc) -> bool {
        let any_account = self.account.is_empty() || vpc.account.is_empty();
        self.region == vpc.region && (any_account || self.account == vpc.account)
    }
}

impl Topology {
    /// The setting for a VPC, if the design has one.
    pub fn block_public_access_of(&self, vpc: Id<Vpc>) -> Option<Id<BlockPublicAccess>> {
        let vpc = self.vpcs.find(vpc)?;
        let mut blocks = self.block_public_access.iter();
        blocks.find(|(_, block)| block.governs(vpc)).map(|(id, _)| id)
    }

    /// What is blocked for a VPC, or for a subnet of it, once exclusions are counted.
    pub fn block_mode_of(&self, place: Excluded) -> BlockMode {
        let Some(vpc) = place.vpc(self) else {
            return BlockMode::Off;
        };
        let Some(block) = self.block_public_access_of(vpc) else {
            return BlockMode::Off;
        };
        let block = &self.block_public_access[block];
        let about = block.exclusions.iter();
        let about = about.filter(|exclusion| exclusion.excluded == place || exclusion.excluded == Excluded::Vpc(vpc));
        about.map(|exclusion| exclusion.mode.leaves()).fold(block.mode, BlockMode::min)
    }
}

/// The setting as an internet gateway asks it.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    decision: Decision,
    vpc: BlockMode,
    subnets: FxHashMap<Id<Subnet>, BlockMode>,
}

impl Gate {
    /// The gate of a VPC's internet gateway; none if all may pass.
    pub(crate) fn of_vpc(vpc: Id<Vpc>, topology: &Topology) -> Option<Self> {
        let block = topology.block_public_access_of(vpc)?;
        let subnets = topology.subnets.iter().filter(|(_, subnet)| subnet.vpc == vpc);
        let gate = Self {
            decision: Decision::by(topology.component(block)),
            vpc: topology.block_mode_of(Excluded::Vpc(vpc)),
            subnets: subnets
                .map(|(id, _)| (id, topology.block_mode_of(Excluded::Subnet(id))))
                .collect(),
        };
        (topology.block_public_access[block].mode != BlockMode::Off).then_some(gate)
    }

    /// Whether what has the address inside may exchange packets with the internet.
    ///
    /// # Errors
    /// It may not.
    pub(crate) fn check(&self, inside: Option<&Claim>) -> Result<(), (DropReason, Decision)> {
        let is_of = |kind| inside.is_some_and(|claim| claim.owner.kind == kind);
        // A regional NAT gateway stands in no subnet.
        let is_regional = is_of(Kind::RegionalNatGateway);
        let is_nat_gateway = is_regional || is_of(Kind::NatGateway);
        let own = inside.filter(|_| !is_regional);
        let mode = own.and_then(|claim| self.subnets.get(&claim.subnet)).unwrap_or(&self.vpc);
        match mode {
            BlockMode::Off => Ok(()),
            BlockMode::Ingress if is_nat_gateway => Ok(()),
            _ => Err((drop_reason::BLOCK_PUBLIC_ACCESS, self.decision)),
        }
    }
}

impl Resource for BlockPublicAccess {
    const KIND: Kind = Kind::BlockPublicAccess;
    const NOUN: &'static str = "Block Public Access";
    const COVERAGE: Coverage = Coverage::of(
        "both modes, exclusions of VPCs and subnets",
        "egress-only and carrier gateways",
    );

    fn label(&self) -> &Label {
        &self.label
    }

    fn renumber(&mut self, order: &Renumbering) {
        for exclusion in &mut self.exclusions {
            match &mut exclusion.excluded {
                Excluded::Vpc(vpc) => order.id(vpc),
                Excluded::Subnet(subnet) => order.id(subnet),
            }
        }
    }

    fn validate(id: Id<Self>, topology: &Topology, findings: &mut Findings) {
        let block = &topology.block_public_access[id];
        let (name, origin) = (block.label.display(), block.label.origin);
        let mut earlier = topology.block_public_access.iter().take(id.index());
        if let Some((_, other)) = earlier.find(|(_, other)| other.is_for_same(block)) {
            let other = other.label.display();
            let message = format!("Block Public Access {name} is for the account and region of {other}, which counts");
            findings.push(Finding::error("block-public-access-twice", origin, message).rule("BPA-01"));
        }
        if block.exclusions.len() > EXCLUSION_COUNT_MAX {
            let count = block.exclusions.len();
            let message = format!("Block Public Access {name} has {count} exclusions; a region takes {EXCLUSION_COUNT_MAX}");
            findings.push(Finding::error("block-public-access-quota", origin, message).rule("BPA-03"));
        }
        for exclusion in &block.exclusions {
            validate_exclusion(block, exclusion, topology, findings);
        }
    }
}

impl BlockPublicAccess {
    fn is_for_same(&self, other: &Self) -> bool {
        let any_account = self.account.is_empty() || other.account.is_empty();
        self.region == other.region && (any_account || self.account == other.account)
    }
}

fn validate_exclusion(
    block: &BlockPublicAccess,
    exclusion: &Exclusion,
    topology: &Topology,
    findings: &mut Findings,
) {
    let (name, excluded) = (block.label.display(), exclusion.excluded.name(topology));
    let vpc = exclusion.excluded.vpc(topology).and_then(|vpc| topology.vpcs.find(vpc));
    if vpc.is_none_or(|vpc| !block.governs(vpc)) {
        let message = format!("Block Public Access {name} excludes {excluded}, which is in another region or account");
        let finding = Finding::error("block-public-access-exclusion", exclusion.origin, message).rule("BPA-03");
        findings.push(finding.help("exclude it from the setting of its own account and region"));
    } else if exclusion.mode == ExclusionMode::Egress && block.mode != BlockMode::Bidirectional {
        let message = format!("the exclusion allow-egress of {excluded} means nothing: only block-bidirectional goes further");
        let finding = Finding::note("block-public-access-exclusion-idle", exclusion.origin, message);
        findings.push(finding.rule("BPA-03"));
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_engine::Port;
    use vpcsim_wire::PacketBuilder;

    use super::*;
    use crate::devices::internet_gateway::{FROM_INTERNET, FROM_VPC};
    use crate::devices::nat_gateway::{Connectivity, NatGatewayAddress, NatGatewayState};
    use crate::devices::regional_nat_gateway::ServedZone;
    use crate::devices::{InternetGateway, NatGateway, RegionalNatGateway};
    use crate::stand::{self, Stand, ip};

    const OUTSIDE: &str = "198.51.100.9";
    const WEB: (&str, &str) = ("10.0.1.5", "203.0.113.5");
    const OTHER: (&str, &str) = ("10.0.2.5", "203.0.113.6");
    const NAT: (&str, &str) = ("10.0.1.220", "203.0.113.220");

    fn vpc() -> Id<Vpc> {
        Id::from_index(0)
    }

    fn subnet(index: usize) -> Excluded {
        Excluded::Subnet(Id::from_index(index))
    }

    /// A VPC with `WEB` and a NAT gateway in its first subnet and `OTHER` in its second.
    fn design(mode: BlockMode, exclusions: &[(Excluded, ExclusionMode)]) -> Topology {
        let mut topology = Topology::named("block", "eu-west-1");
        let vpc = stand::vpc(&mut topology, "vpc", &["10.0.0.0/16"]);
        for ((private, public), net) in [(WEB, "10.0.1.0/24"), (OTHER, "10.0.2.0/24")] {
            let subnet = stand::subnet(&mut topology, vpc, net);
            stand::interface(&mut topology, subnet, private, Some(public));
        }
        stand::internet_gateway(&mut topology, "igw", Some(vpc));
        topology.nat_gateways.push(NatGateway {
            label: Label::named("nat"),
            subnet: Id::from_index(0),
            connectivity: Connectivity::Public,
            state: NatGatewayState::Available,
            addresses: vec![NatGatewayAddress {
                private: ip(NAT.0),
                public: Some(ip(NAT.1)),
            }],
            network_interface: None,
        });
        let exclusion = |(excluded, mode): &(Excluded, ExclusionMode)| Exclusion {
            id: None,
            excluded: *excluded,
            mode: *mode,
            origin: Origin::NOWHERE,
        };
        topology.block_public_access.push(BlockPublicAccess {
            label: Label::named("block"),
            account: String::new(),
            region: "eu-west-1".into(),
            mode,
            exclusions: exclusions.iter().map(exclusion).collect(),
        });
        topology
    }

    fn drops(topology: &Topology, port: Port, from: &str, to: &str) -> Vec<&'static str> {
        let mut stand = Stand::new(topology, &[Kind::InternetGateway]);
        let packet = PacketBuilder::udp(ip(from), 40_000, ip(to), 443).build();
        stand.send(stand.node(Id::<InternetGateway>::from_index(0)), port, &packet);
        stand.drops()
    }

    /// Whether packets of each of `WEB`, `OTHER` and `NAT` pass the gateway outwards, and inwards.
    fn passes(topology: &Topology) -> [[bool; 2]; 3] {
        [WEB, OTHER, NAT].map(|(private, public)| {
            let ways = [(FROM_VPC, private, OUTSIDE), (FROM_INTERNET, OUTSIDE, public)];
            ways.map(|(port, from, to)| match drops(topology, port, from, to)[..] {
                [] => true,
                ["BLOCK_PUBLIC_ACCESS"] => false,
                ref other => panic!("{other:?}"),
            })
        })
    }

    const OPEN: [bool; 2] = [true; 2];
    const SHUT: [bool; 2] = [false; 2];

    #[test]
    fn block_bidirectional_stops_everything_both_ways_nat_gateways_too() {
        assert_eq!(passes(&design(BlockMode::Bidirectional, &[])), [SHUT; 3]);
        assert_eq!(passes(&design(BlockMode::Off, &[])), [OPEN; 3]);
    }

    #[test]
    fn block_ingress_lets_only_nat_gateways_out_and_their_answers_in() {
        assert_eq!(passes(&design(BlockMode::Ingress, &[])), [SHUT, SHUT, OPEN]);
    }

    #[test]
    fn an_excluded_subnet_has_the_internet_and_its_neighbour_has_not() {
        for mode in [BlockMode::Bidirectional, BlockMode::Ingress] {
            let topology = design(mode, &[(subnet(1), ExclusionMode::Bidirectional)]);
            assert_eq!(passes(&topology)[..2], [SHUT, OPEN]);
        }
    }

    #[test]
    fn an_excluded_vpc_has_the_internet_in_all_its_subnets() {
        let exclusion = (Excluded::Vpc(vpc()), ExclusionMode::Bidirectional);
        assert_eq!(passes(&design(BlockMode::Bidirectional, &[exclusion])), [OPEN; 3]);
        let both = [exclusion, (subnet(0), ExclusionMode::Egress)];
        assert_eq!(passes(&design(BlockMode::Bidirectional, &both)), [OPEN; 3], "the most generous counts");
    }

    #[test]
    fn an_egress_exclusion_lets_the_nat_gateway_of_its_subnet_out() {
        let topology = design(BlockMode::Bidirectional, &[(subnet(0), ExclusionMode::Egress)]);
        assert_eq!(passes(&topology), [SHUT, SHUT, OPEN]);
        let topology = design(BlockMode::Bidirectional, &[(subnet(1), ExclusionMode::Egress)]);
        assert_eq!(passes(&topology), [SHUT; 3]);
    }

    #[test]
    fn a_regional_nat_gateway_gets_out_as_its_vpc_may() {
        let open = (Excluded::Vpc(vpc()), ExclusionMode::Egress);
        let subnets = [0, 1].map(|index| (subnet(index), ExclusionMode::Bidirectional));
        for (exclusions, expected) in [(&[open][..], &[][..]), (&subnets, &["BLOCK_PUBLIC_ACCESS"])] {
            let mut topology = design(BlockMode::Bidirectional, exclusions);
            topology.regional_nat_gateways.push(RegionalNatGateway {
                label: Label::named("regional"),
                vpc: vpc(),
                state: NatGatewayState::Available,
                zones: vec![ServedZone {
                    availability_zone: "eu-west-1a".into(),
                    addresses: vec![ip("203.0.113.230")],
                }],
                expands: false,
                route_table: None,
            });
            assert_eq!(drops(&topology, FROM_VPC, "203.0.113.230", OUTSIDE), expected);
        }
    }

    #[test]
    fn it_goes_before_what_the_internet_gateway_would_say() {
        let topology = design(BlockMode::Bidirectional, &[]);
        for (port, from, to) in [
            (FROM_VPC, WEB.0, "192.168.0.1"),
            (FROM_VPC, "10.0.1.77", OUTSIDE),
            (FROM_INTERNET, OUTSIDE, "203.0.113.99"),
            (FROM_INTERNET, "10.9.9.9", WEB.1),
        ] {
            assert_eq!(drops(&topology, port, from, to), ["BLOCK_PUBLIC_ACCESS"], "{from} > {to}");
        }
    }

    #[test]
    fn it_is_for_one_account_and_one_region() {
        let mut topology = design(BlockMode::Bidirectional, &[]);
        topology.vpcs[vpc()].account = "1".into();
        assert_eq!(passes(&topology), [SHUT; 3]);
        let block = Id::<BlockPublicAccess>::from_index(0);
        topology.block_public_access[block].account = "2".into();
        assert_eq!(passes(&topology), [OPEN; 3]);
        topology.block_public_access[block].account = "1".into();
        assert_eq!(passes(&topology), [SHUT; 3]);
        topology.block_public_access[block].region = "us-east-1".into();
        assert_eq!(passes(&topology), [OPEN; 3]);
    }

    fn codes(topology: &Topology) -> Vec<&'static str> {
        let codes = stand::codes(topology).into_iter();
        codes.filter(|code| code.starts_with("block")).collect()
    }

    #[test]
    fn exclusions_have_to_be_of_the_account_and_the_region() {
        let exclusions = [(subnet(0), ExclusionMode::Bidirectional)];
        let mut topology = design(BlockMode::Bidirectional, &exclusions);
        assert!(codes(&topology).is_empty());
        topology.vpcs[vpc()].region = "us-east-1".into();
        assert_eq!(codes(&topology), ["block-public-access-exclusion"]);
    }

    #[test]
    fn an_egress_exclusion_means_something_only_where_both_directions_are_blocked() {
        let exclusions = [(Excluded::Vpc(vpc()), ExclusionMode::Egress)];
        assert!(codes(&design(BlockMode::Bidirectional, &exclusions)).is_empty());
        for mode in [BlockMode::Ingress, BlockMode::Off] {
            assert_eq!(codes(&design(mode, &exclusions)), ["block-public-access-exclusion-idle"]);
        }
    }

    #[test]
    fn there_is_one_setting_with_50_exclusions_for_an_account_and_a_region() {
        let exclusions = [(subnet(0), ExclusionMode::Bidirectional); 50];
        let mut topology = design(BlockMode::Ingress, &exclusions);
        assert!(codes(&topology).is_empty());
        let block = Id::<BlockPublicAccess>::from_index(0);
        let further = topology.block_public_access[block].exclusions[0].clone();
        topology.block_public_access[block].exclusions.push(further);
        assert_eq!(codes(&topology), ["block-public-access-quota"]);
        topology.block_public_access[block].exclusions.clear();
        let second = topology.block_public_access[block].clone();
        topology.block_public_access.push(second);
        assert_eq!(codes(&topology), ["block-public-access-twice"]);
    }
}
