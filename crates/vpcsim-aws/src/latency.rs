//! How long packets take between zones and between regions: defaults, and what a design says of single pairs.
//!
//! AWS publishes no such numbers; a pair that a design measured goes before the default of its kind (NET-12).

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use vpcsim_engine::Span;

use crate::model::{Finding, Findings, Origin};
use crate::topology::{Settings, Topology};

/// What a design says of the way between two zones of one region, or between two regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyPair {
    /// The two places: ids or names of availability zones, which can be the same, or names of two regions.
    pub between: [String; 2],
    /// One way between them, in either direction.
    pub one_way: Span,
    /// Where it is written.
    pub origin: Origin,
}

impl LatencyPair {
    fn joins(&self, one: &str, other: &str) -> bool {
        let [first, second] = &self.between;
        (first == one && second == other) || (first == other && second == one)
    }
}

impl Settings {
    /// One way between two regions; inside one, that between two of its zones.
    pub fn latency_between_regions(&self, one: &str, other: &str) -> Span {
        if one == other {
            return self.latency_cross_az;
        }
        let pair = self.latencies.iter().find(|pair| pair.joins(one, other));
        pair.map_or(self.latency_cross_region, |pair| pair.one_way)
    }
}

/// The ways between zones that differ from the defaults, by the zones' numbers, the lower first.
pub(crate) type ZonePairs = FxHashMap<(u16, u16), Span>;

/// The order in which a pair of zones is looked up.
pub(crate) fn ordered(one: u16, other: u16) -> (u16, u16) {
    (one.min(other), one.max(other))
}

/// The zones' own ways, with `numbers` for the zone of each subnet.
pub(crate) fn zone_pairs(topology: &Topology, numbers: &[u16]) -> ZonePairs {
    let mut pairs = ZonePairs::default();
    for pair in &topology.settings.latencies {
        let [ones, others] = pair
            .between
            .each_ref()
            .map(|name| numbers_of(name, topology, numbers));
        for one in &ones {
            for other in &others {
                pairs.entry(ordered(*one, *other)).or_insert(pair.one_way);
            }
        }
    }
    pairs
}

/// The zones of this id or name; several if accounts call different zones so.
fn numbers_of(name: &str, topology: &Topology, numbers: &[u16]) -> BTreeSet<u16> {
    let subnets = topology.subnets.iter().zip(numbers);
    let called = subnets.filter(|((_, subnet), _)| {
        subnet.availability_zone == name || subnet.availability_zone_id.as_deref() == Some(name)
    });
    called.map(|(_, number)| *number).collect()
}

/// What a name in a pair stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'t> {
    Region,
    Zone { region: &'t str },
}

/// Reports pairs of what the design does not have, pairs that do not go together, and pairs that are there twice.
pub(crate) fn check(topology: &Topology, findings: &mut Findings) {
    if topology.settings.latencies.is_empty() {
        return;
    }
    let places = places(topology);
    let numbers = crate::compile::place::number_zones(topology);
    for (index, pair) in topology.settings.latencies.iter().enumerate() {
        let [one, other] = &pair.between;
        let words = format!("the latency between {one} and {other}");
        for name in BTreeSet::from([one, other]) {
            check_name(name, pair, &places, findings);
            if numbers_of(name, topology, &numbers).len() > 1 {
                let message = format!("{words} is for every zone that an account calls {name}");
                let finding = Finding::warning("latency-zone-ambiguous", pair.origin, message).rule("NET-12");
                findings.push(finding.help("name the zone by its id, which is the same in all accounts"));
            }
        }
        if let (Some(first), Some(second)) = (places.get(one.as_str()), places.get(other.as_str()))
            && let Err(why) = go_together(*first, *second, one == other)
        {
            let finding = Finding::error(
                "latency-pair",
                pair.origin,
                format!("{words} means nothing: {why}"),
            );
            findings.push(finding.help("name two zones of one region, or two regions"));
        }
        let earlier = &topology.settings.latencies[..index];
        if earlier.iter().any(|earlier| earlier.joins(one, other)) {
            let message = format!("{words} is given twice; the first counts");
            findings.push(Finding::error("latency-pair-twice", pair.origin, message));
        }
    }
}

fn check_name(name: &str, pair: &LatencyPair, places: &BTreeMap<&str, Place<'_>>, findings: &mut Findings) {
    if !places.contains_key(name) {
        let message = format!("a latency names {name}, which is no zone or region of the design");
        let known: Vec<&str> = places.keys().copied().collect();
        let finding = Finding::error("latency-place-unknown", pair.origin, message);
        findings.push(finding.help(format!("it has {}", known.join(", "))));
    }
}

/// The design's zones and regions by their names.
fn places(topology: &Topology) -> BTreeMap<&str, Place<'_>> {
    let mut places = BTreeMap::new();
    for (_, subnet) in topology.subnets.iter() {
        let region = topology.vpcs[subnet.vpc].region.as_str();
        let names = [
            Some(subnet.availability_zone.as_str()),
            subnet.availability_zone_id.as_deref(),
        ];
        places.extend(
            names
                .into_iter()
                .flatten()
                .map(|name| (name, Place::Zone { region })),
        );
    }
    let vpcs = topology.vpcs.iter().map(|(_, vpc)| vpc.region.as_str());
    let gateways = topology
        .transit_gateways
        .iter()
        .map(|(_, gateway)| gateway.region.as_str());
    let regions = vpcs.chain(gateways).chain([topology.region.as_str()]);
    places.extend(
        regions
            .filter(|region| !region.is_empty())
            .map(|region| (region, Place::Region)),
    );
    places
}

fn go_together(one: Place<'_>, other: Place<'_>, is_same: bool) -> Result<(), &'static str> {
    match (one, other) {
        (Place::Region, Place::Region) if is_same => Err("a region has no way to itself"),
        (Place::Region, Place::Region) => Ok(()),
        (Place::Zone { region: one }, Place::Zone { region: other }) if one == other => Ok(()),
        (Place::Zone { .. }, Place::Zone { .. }) => Err("the zones are in two regions"),
        _ => Err("one is a region and the other a zone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::Subnet;
    use crate::model::Id;
    use crate::stand;

    fn pair(one: &str, other: &str, us: u64) -> LatencyPair {
        let between = [one.to_owned(), other.to_owned()];
        LatencyPair {
            between,
            one_way: Span::from_us(us),
            origin: Origin::NOWHERE,
        }
    }

    /// Two zones in Ireland, of which the second has an id, and one in Virginia.
    fn design(pairs: Vec<LatencyPair>) -> Topology {
        let mut topology = Topology::named("latencies", "eu-west-1");
        let home = stand::vpc(&mut topology, "home", &["10.0.0.0/16"]);
        let away = stand::vpc(&mut topology, "away", &["10.1.0.0/16"]);
        topology.vpcs[away].region = "us-east-1".into();
        stand::subnet(&mut topology, home, "10.0.1.0/24");
        let mut zoned = |vpc, cidr, zone: &str, id: Option<&str>| {
            let subnet = stand::subnet(&mut topology, vpc, cidr);
            let row: &mut Subnet = &mut topology.subnets[subnet];
            zone.clone_into(&mut row.availability_zone);
            row.availability_zone_id = id.map(str::to_owned);
        };
        zoned(home, "10.0.2.0/24", "eu-west-1b", Some("euw1-az2"));
        zoned(away, "10.1.1.0/24", "us-east-1a", None);
        topology.settings.latencies = pairs;
        topology
    }

    fn codes(pairs: Vec<LatencyPair>) -> Vec<&'static str> {
        let codes = stand::codes(&design(pairs)).into_iter();
        codes.filter(|code| code.starts_with("latency")).collect()
    }

    #[test]
    fn a_pair_of_regions_goes_before_the_default_in_both_directions() {
        let settings = design(vec![pair("us-east-1", "eu-west-1", 35_000)]).settings;
        let between = |one, other| settings.latency_between_regions(one, other);
        assert_eq!(between("eu-west-1", "us-east-1"), Span::from_ms(35));
        assert_eq!(between("us-east-1", "eu-west-1"), Span::from_ms(35));
        assert_eq!(between("us-east-1", "eu-west-3"), Span::from_ms(30));
        assert_eq!(between("us-east-1", "us-east-1"), Span::from_us(400));
    }

    #[test]
    fn a_pair_of_zones_goes_before_the_default_by_name_or_id() {
        for name in ["eu-west-1b", "euw1-az2"] {
            let topology = design(vec![pair(name, "eu-west-1a", 250), pair(name, name, 70)]);
            let place = crate::compile::Place::new(&topology);
            let fabric = place.fabric(Id::from_index(0));
            assert_eq!(fabric.latency(0, 1), Span::from_us(250), "{name}");
            assert_eq!(fabric.latency(1, 0), Span::from_us(250), "{name}");
            assert_eq!(fabric.latency(1, 1), Span::from_us(70), "within the zone");
            assert_eq!(fabric.latency(0, 0), Span::from_us(100), "the default");
        }
    }

    #[test]
    fn pairs_of_known_places_are_accepted() {
        let known = vec![
            pair("eu-west-1a", "euw1-az2", 250),
            pair("eu-west-1a", "eu-west-1a", 50),
            pair("eu-west-1", "us-east-1", 35_000),
        ];
        assert!(codes(known).is_empty());
    }

    #[test]
    fn places_that_the_design_does_not_have_are_refused() {
        assert_eq!(
            codes(vec![pair("eu-west-1a", "eu-west-1z", 1)]),
            ["latency-place-unknown"]
        );
        assert_eq!(
            codes(vec![pair("mars-1", "mars-1", 1)]),
            ["latency-place-unknown"]
        );
    }

    #[test]
    fn places_that_do_not_go_together_are_refused() {
        for (one, other) in [
            ("eu-west-1", "eu-west-1"),
            ("eu-west-1", "eu-west-1a"),
            ("eu-west-1a", "us-east-1a"),
        ] {
            assert_eq!(
                codes(vec![pair(one, other, 1)]),
                ["latency-pair"],
                "{one} {other}"
            );
        }
    }

    #[test]
    fn a_pair_is_given_once_in_whichever_order() {
        let twice = vec![
            pair("eu-west-1a", "eu-west-1b", 1),
            pair("eu-west-1b", "eu-west-1a", 2),
        ];
        assert_eq!(codes(twice), ["latency-pair-twice"]);
    }

    #[test]
    fn a_name_that_accounts_give_to_different_zones_is_pointed_out() {
        let mut topology = design(vec![pair("eu-west-1b", "eu-west-1a", 1)]);
        let other = stand::vpc(&mut topology, "other", &["10.2.0.0/16"]);
        topology.vpcs[other].account = "2".into();
        let subnet = stand::subnet(&mut topology, other, "10.2.1.0/24");
        topology.subnets[subnet].availability_zone = "eu-west-1b".into();
        topology.subnets[subnet].availability_zone_id = Some("euw1-az3".into());
        assert!(stand::codes(&topology).contains(&"latency-zone-ambiguous"));
    }
}
