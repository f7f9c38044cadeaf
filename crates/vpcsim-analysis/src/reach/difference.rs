//! What a change opens and closes: the exact answers of two designs, side by side.
//!
//! Endpoints are the same if they go by the same name. Those that nothing distinguishes in either design are compared once.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vpcsim_aws::Topology;
use vpcsim_aws::address_set::AddressRange;
use vpcsim_aws::sets::TrafficSet;

use super::outside::{add, range_words};
use super::rows::Services;
use super::{Basis, Endpoint, Outside, PairReach, Reach, Reachability};

/// Flows that a change opens or closes, between some senders and some receivers alike.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Change {
    /// Who sends: names of endpoints, or ranges on the internet.
    pub from: Vec<String>,
    /// Who gets it.
    pub to: Vec<String>,
    /// Flows that get an answer now, and got none before.
    pub opened: Services,
    /// Flows that got an answer before, and get none now.
    pub closed: Services,
    /// Flows that arrive now without an answer, and did not arrive before.
    pub opened_one_way: Services,
    /// Flows that arrived without an answer before, and do not arrive now.
    pub closed_one_way: Services,
    /// The gateways on the way before and now, where that is another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<[Vec<String>; 2]>,
    /// The address on the internet before and now, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<[String; 2]>,
    /// Whether one of the designs cannot tell: something on the way is not modelled.
    pub unknown: bool,
}

/// What tells two changes apart, but for who is affected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Effect {
    opened: String,
    closed: String,
    opened_one_way: String,
    closed_one_way: String,
    way: Option<[Vec<String>; 2]>,
    address: Option<[String; 2]>,
}

/// A design with its exact answers.
#[derive(Clone, Copy)]
pub struct Answered<'a> {
    /// The design.
    pub topology: &'a Topology,
    /// Its answers.
    pub found: &'a Reachability,
}

/// Endpoints that have one class before and one now.
struct Joint {
    before: Option<usize>,
    now: Option<usize>,
    names: Vec<String>,
    /// Two members, in each design, to find out about subnets.
    members: Vec<(Option<usize>, Option<usize>)>,
}

/// What is different in `new`; in the order of what opens first.
pub fn difference(old: Answered<'_>, new: Answered<'_>) -> Vec<Change> {
    let joints = joints(old, new);
    let mut changes = Vec::new();
    for one in &joints {
        for other in &joints {
            changes.extend(compare(old, new, one, other));
        }
    }
    for joint in &joints {
        changes.extend(compare_internet(old, new, joint, true));
        changes.extend(compare_internet(old, new, joint, false));
    }
    let mut changes = grouped(grouped(changes, true), false);
    changes.sort_by_key(|change| {
        (
            change.opened.is_empty(),
            change.opened_one_way.is_empty(),
            change.closed.is_empty(),
        )
    });
    changes
}

/// How an endpoint is called in both designs.
fn key(topology: &Topology, endpoint: &Endpoint) -> String {
    let host = topology
        .label(endpoint.host)
        .map_or_else(String::new, |label| label.name.clone());
    let vpc = topology.name_of(topology.subnets[endpoint.subnet].vpc);
    let interface = topology.name_of(endpoint.interface);
    format!("{vpc}/{host}/{interface}/{}", endpoint.ordinal)
}

fn shown(topology: &Topology, endpoint: &Endpoint, is_alone: bool) -> String {
    let host = topology
        .label(endpoint.host)
        .map_or_else(String::new, |label| label.name.clone());
    match (is_alone, endpoint.ordinal) {
        (true, _) => host,
        (false, 0) => format!("{host} ({})", topology.name_of(endpoint.interface)),
        (false, _) => format!("{host} ({})", endpoint.address),
    }
}

fn joints(old: Answered<'_>, new: Answered<'_>) -> Vec<Joint> {
    let mut before: FxHashMap<String, usize> = FxHashMap::default();
    for (index, endpoint) in old.found.endpoints.iter().enumerate() {
        before.entry(key(old.topology, endpoint)).or_insert(index);
    }
    let mut is_matched = vec![false; old.found.endpoints.len()];
    let mut joints: BTreeMap<(Option<usize>, Option<usize>), Joint> = BTreeMap::new();
    let mut add = |members: (Option<usize>, Option<usize>)| {
        let class =
            |found: &Reachability, member: Option<usize>| member.map(|member| found.endpoints[member].class);
        let key = (class(old.found, members.0), class(new.found, members.1));
        let joint = joints.entry(key).or_insert(Joint {
            before: key.0,
            now: key.1,
            names: Vec::new(),
            members: Vec::new(),
        });
        let name = match members {
            (_, Some(now)) => name_of(new, now),
            (Some(before), None) => name_of(old, before),
            (None, None) => String::new(),
        };
        joint.names.push(name);
        joint.members.push(members);
    };
    for (index, endpoint) in new.found.endpoints.iter().enumerate() {
        let matched = before.get(&key(new.topology, endpoint)).copied();
        if let Some(matched) = matched {
            is_matched[matched] = true;
        }
        add((matched, Some(index)));
    }
    for gone in (0..is_matched.len()).filter(|index| !is_matched[*index]) {
        add((Some(gone), None));
    }
    joints.into_values().collect()
}

fn name_of(design: Answered<'_>, member: usize) -> String {
    let endpoint = &design.found.endpoints[member];
    let neighbours = [member.checked_sub(1), member.checked_add(1)];
    let is_alone = !neighbours
        .into_iter()
        .flatten()
        .filter_map(|other| design.found.endpoints.get(other))
        .any(|other| other.host == endpoint.host);
    shown(design.topology, endpoint, is_alone)
}

/// What changes between members of two joints; one change for members of different subnets, one for those of the same.
fn compare(old: Answered<'_>, new: Answered<'_>, one: &Joint, other: &Joint) -> Vec<Change> {
    let before = pair_of(old.found, one.before, other.before);
    let now = pair_of(new.found, one.now, other.now);
    if before.is_none() && now.is_none() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let mut seen: Vec<(bool, bool)> = Vec::new();
    for from in one.members.iter().take(MEMBERS_MAX) {
        for to in other.members.iter().take(MEMBERS_MAX) {
            if from == to {
                continue;
            }
            let same = (
                is_together(old.found, from.0, to.0),
                is_together(new.found, from.1, to.1),
            );
            if seen.contains(&same)
                || is_same_host(new.found, from.1, to.1)
                || is_same_host(old.found, from.0, to.0)
            {
                continue;
            }
            seen.push(same);
            let pick = |found: &Reachability, pair: Option<PairReach>, together: bool| {
                let reach = pair.and_then(|pair| found.reach(pair, together));
                reach.cloned().unwrap_or_else(Reach::nothing)
            };
            let (was, is) = (pick(old.found, before, same.0), pick(new.found, now, same.1));
            let ways = [
                gateway_names(old.topology, &was),
                gateway_names(new.topology, &is),
            ];
            changes.extend(change(
                (one.names.clone(), other.names.clone()),
                &was,
                &is,
                ways,
                None,
            ));
        }
    }
    changes
}

/// Members of a class that are looked at to find pairs in one subnet and in two.
const MEMBERS_MAX: usize = 8;

fn pair_of(found: &Reachability, from: Option<usize>, to: Option<usize>) -> Option<PairReach> {
    found.find(from?, to?)
}

fn is_together(found: &Reachability, one: Option<usize>, other: Option<usize>) -> bool {
    let subnet = |member: Option<usize>| member.map(|member| found.endpoints[member].subnet);
    one.is_some() && subnet(one) == subnet(other)
}

fn is_same_host(found: &Reachability, one: Option<usize>, other: Option<usize>) -> bool {
    let host = |member: Option<usize>| member.map(|member| found.endpoints[member].host);
    one.is_some() && host(one) == host(other)
}

fn gateway_names(topology: &Topology, reach: &Reach) -> Vec<String> {
    let name = |any: &vpcsim_aws::AnyId| {
        topology
            .label(*any)
            .map_or_else(String::new, |label| label.name.clone())
    };
    reach.via.iter().map(name).collect()
}

pub(super) fn change(
    ends: (Vec<String>, Vec<String>),
    was: &Reach,
    is: &Reach,
    ways: [Vec<String>; 2],
    address: Option<[String; 2]>,
) -> Option<Change> {
    let unknown = was.basis == Basis::Unknown || is.basis == Basis::Unknown;
    let opened = gained(was, is);
    let closed = gained(is, was);
    let all = |reach: &Reach| {
        let mut all = answered(reach);
        all.unite(&reach.one_way);
        all
    };
    let opened_one_way = is.one_way.without(&all(was));
    let closed_one_way = was.one_way.without(&all(is));
    let flows_both = !was.round_trip.intersection(&is.round_trip).is_empty();
    let way = (flows_both && ways[0] != ways[1]).then_some(ways);
    let is_nothing = [&opened, &closed, &opened_one_way, &closed_one_way]
        .into_iter()
        .all(TrafficSet::is_empty);
    if is_nothing && way.is_none() && address.is_none() && was.basis.is_known() == is.basis.is_known() {
        return None;
    }
    Some(Change {
        from: ends.0,
        to: ends.1,
        opened: Services::of(&opened),
        closed: Services::of(&closed),
        opened_one_way: Services::of(&opened_one_way),
        closed_one_way: Services::of(&closed_one_way),
        way,
        address,
        unknown,
    })
}

/// What is answered, be it by some of a load balancer's targets only.
fn answered(reach: &Reach) -> TrafficSet {
    let mut answered = reach.round_trip.clone();
    answered.unite(&reach.some_targets);
    answered
}

/// What is answered in one design and is not in the other, or there by some targets only.
fn gained(before: &Reach, now: &Reach) -> TrafficSet {
    let mut gained = now.round_trip.without(&before.round_trip);
    gained.unite(&now.some_targets.without(&answered(before)));
    gained
}

impl Basis {
    fn is_known(self) -> bool {
        self != Self::Unknown
    }
}

/// What changes between a joint and the internet.
fn compare_internet(old: Answered<'_>, new: Answered<'_>, joint: &Joint, is_inwards: bool) -> Vec<Change> {
    let rows = |design: Answered<'_>, class: Option<usize>| -> Vec<Outside> {
        let table = if is_inwards {
            &design.found.exposure
        } else {
            &design.found.egress
        };
        class
            .and_then(|class| table.get(class))
            .cloned()
            .unwrap_or_default()
    };
    let (before, now) = (rows(old, joint.before), rows(new, joint.now));
    if before.is_empty() && now.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(Vec<AddressRange>, Change)> = Vec::new();
    for piece in pieces(before.iter().chain(&now)) {
        let at = |rows: &[Outside]| {
            rows.iter()
                .find(|row| row.ranges.iter().any(|range| range.contains(piece.first())))
                .cloned()
        };
        let (was, is) = (at(&before), at(&now));
        let address = address_change(was.as_ref(), is.as_ref());
        let ways = [(old, &was), (new, &is)].map(|(design, row)| {
            row.as_ref()
                .map_or_else(Vec::new, |row| gateway_names(design.topology, &row.reach))
        });
        let reach = |row: Option<Outside>| row.map_or_else(Reach::nothing, |row| row.reach);
        let Some(change) = change((Vec::new(), Vec::new()), &reach(was), &reach(is), ways, address) else {
            continue;
        };
        match found.iter_mut().find(|(_, other)| *other == change) {
            Some((ranges, _)) => add(ranges, piece),
            None => found.push((vec![piece], change)),
        }
    }
    let named = |(ranges, change): (Vec<AddressRange>, Change)| {
        let outside: Vec<String> = range_words(&ranges)
            .into_iter()
            .map(|range| format!("internet {range}"))
            .collect();
        let (from, to) = if is_inwards {
            (outside, joint.names.clone())
        } else {
            (joint.names.clone(), outside)
        };
        Change { from, to, ..change }
    };
    found.into_iter().map(named).collect()
}

fn address_change(was: Option<&Outside>, is: Option<&Outside>) -> Option<[String; 2]> {
    let address = |row: &Outside| -> Option<Ipv4Addr> { row.appears_as.filter(|_| !row.appears_as_own) };
    let (was, is) = (was?, is?);
    let is_same_kind = was.appears_as_own && is.appears_as_own;
    if is_same_kind || address(was) == address(is) {
        return None;
    }
    let words = |row: &Outside| {
        if row.appears_as_own {
            "its own public address".to_owned()
        } else {
            row.appears_as
                .map_or_else(String::new, |address| address.to_string())
        }
    };
    Some([words(was), words(is)])
}

/// Ranges cut where any of them begins or ends.
fn pieces<'o>(rows: impl Iterator<Item = &'o Outside>) -> Vec<AddressRange> {
    let ranges: Vec<AddressRange> = rows.flat_map(|row| row.ranges.iter().copied()).collect();
    pieces_of(&ranges)
}

/// The parts of the ranges, cut where any of them begins or ends.
pub(super) fn pieces_of(ranges: &[AddressRange]) -> Vec<AddressRange> {
    let mut starts: Vec<u64> = ranges
        .iter()
        .flat_map(|range| {
            [
                u64::from(range.first().to_bits()),
                u64::from(range.last().to_bits()) + 1,
            ]
        })
        .collect();
    starts.sort_unstable();
    starts.dedup();
    let piece = |window: &[u64]| {
        AddressRange::new(
            Ipv4Addr::from(window[0] as u32),
            Ipv4Addr::from((window[1] - 1) as u32),
        )
    };
    let all = starts.windows(2).map(piece);
    all.filter(|piece| ranges.iter().any(|range| range.contains(piece.first())))
        .collect()
}

/// Changes with the same effect and the same senders, or receivers, as one.
pub(super) fn grouped(changes: Vec<Change>, by_sender: bool) -> Vec<Change> {
    let mut places: BTreeMap<(Effect, Vec<String>), usize> = BTreeMap::new();
    let mut groups: Vec<Change> = Vec::new();
    for change in changes {
        let (kept, joined) = if by_sender {
            (&change.from, &change.to)
        } else {
            (&change.to, &change.from)
        };
        let key = (effect(&change), kept.clone());
        if let Some(place) = places.get(&key) {
            let group = &mut groups[*place];
            let list = if by_sender { &mut group.to } else { &mut group.from };
            let fresh: Vec<String> = joined
                .iter()
                .filter(|name| !list.contains(name))
                .cloned()
                .collect();
            list.extend(fresh);
        } else {
            places.insert(key, groups.len());
            groups.push(change);
        }
    }
    groups
}

fn effect(change: &Change) -> Effect {
    Effect {
        opened: change.opened.text.clone(),
        closed: change.closed.text.clone(),
        opened_one_way: change.opened_one_way.text.clone(),
        closed_one_way: change.closed_one_way.text.clone(),
        way: change.way.clone(),
        address: change.address.clone(),
    }
}
