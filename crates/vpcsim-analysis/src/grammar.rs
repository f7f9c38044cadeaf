//! The legal orders of the stations that a packet passes.
//!
//! ```
//! use vpcsim_analysis::grammar::check_trail;
//! use vpcsim_engine::Station;
//!
//! let across_subnets = [1, 2, 3, 4, 6, 7, 8].map(Station);
//! assert_eq!(check_trail(&across_subnets), Ok(()));
//! let past_the_network_acl = [1, 2, 4, 6, 7, 8].map(Station);
//! assert!(check_trail(&past_the_network_acl).is_err());
//! ```

use vpcsim_aws::{drop_reason, station};
use vpcsim_engine::{DropReason, Station};

use crate::answer::{Hop, Leg};

/// Checks that the stations are in an order that a packet can pass them in.
///
/// A trail begins where the packet came into being, and may end anywhere: there it was delivered or dropped.
pub fn check_trail(trail: &[Station]) -> Result<(), String> {
    match trail.first() {
        None => return Err("the trail is empty".to_owned()),
        Some(&station::EMIT) => {}
        Some(&first) => {
            return Err(format!(
                "a trail begins with Emit, not with {}",
                station::name(first)
            ));
        }
    }
    let is_legal = |index: usize| {
        successors(trail[index]).contains(&trail[index + 1]) && !enters_without_leaving(&trail[index..])
    };
    match (0..trail.len() - 1).find(|&index| !is_legal(index)) {
        None => Ok(()),
        Some(index) => {
            let names: Vec<&str> = trail.iter().map(|&passed| station::name(passed)).collect();
            let (from, to) = (station::name(trail[index]), station::name(trail[index + 1]));
            Err(format!("{to} cannot follow {from} in {}", names.join(" ")))
        }
    }
}

/// The route table comes without the network ACL only for what stays inside its subnet, and that enters no other, or for what
/// comes in by a gateway that has a table of its own.
fn enters_without_leaving(trail: &[Station]) -> bool {
    let legal = [station::SUBNET_OUT, station::GATEWAY];
    matches!(trail, [before, station::ROUTE, station::SUBNET_IN, ..] if !legal.contains(before))
}

/// Checks that a packet that was dropped for `reason` ended at that reason's station.
pub fn check_drop(trail: &[Station], reason: DropReason) -> Result<(), String> {
    let info = drop_reason::info(reason).ok_or_else(|| format!("drop reason {} has no name", reason.0))?;
    match trail.last() {
        Some(&last) if last == info.station => Ok(()),
        Some(&last) => Err(format!(
            "{} happens at {}, not at {}",
            info.name,
            station::name(info.station),
            station::name(last)
        )),
        None => Err("the trail is empty".to_owned()),
    }
}

/// Checks the hops of a leg: that their order is legal, and that a drop ends at its reason's station.
pub fn check_leg(leg: &Leg) -> Result<(), String> {
    let number = |hop: &Hop| {
        let mut all = (station::EMIT.0..=station::DELIVER.0).map(Station);
        all.find(|number| station::name(*number) == hop.station)
            .ok_or_else(|| format!("{} is no station", hop.station))
    };
    let trail = leg.trail.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    check_trail(&trail)?;
    let Some(reason) = &leg.reason else { return Ok(()) };
    let info = drop_reason::by_name(reason).ok_or_else(|| format!("{reason} is no drop reason"))?;
    check_drop(&trail, info.reason)
}

/// What may come after a station.
///
/// A packet is emitted by a host (then its interface comes next, or the host itself on the loopback), by the outside world
/// (then a gateway), or by a device that answers for somebody else: then it goes on wherever that device would send it.
fn successors(of: Station) -> &'static [Station] {
    use station::{DELIVER, ENI_IN, ENI_OUT, GATEWAY, ROUTE, SUBNET_IN, SUBNET_OUT};
    match of {
        station::EMIT => &[ENI_OUT, SUBNET_OUT, GATEWAY, SUBNET_IN, ENI_IN, DELIVER],
        ENI_OUT => &[SUBNET_OUT, ROUTE, ENI_IN, GATEWAY, DELIVER],
        SUBNET_OUT => &[ROUTE],
        ROUTE => &[GATEWAY, SUBNET_IN, ENI_IN],
        GATEWAY => &[GATEWAY, ENI_OUT, SUBNET_OUT, ROUTE, SUBNET_IN, ENI_IN, DELIVER],
        SUBNET_IN => &[GATEWAY, ENI_IN],
        ENI_IN => &[GATEWAY, DELIVER],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[u8]) -> Result<(), String> {
        check_trail(&numbers.iter().copied().map(Station).collect::<Vec<_>>())
    }

    #[test]
    fn the_ways_of_the_design_are_legal() {
        let ways: [&[u8]; 8] = [
            &[1, 2, 7, 8],
            &[1, 2, 3, 4, 6, 7, 8],
            &[1, 2, 3, 4, 6, 5, 3, 4, 5, 8],
            &[1, 5, 6, 7, 8],
            &[1, 2, 3, 4, 5, 6, 7, 8],
            &[1, 8],
            &[1, 2, 4, 5, 3, 4, 5, 8],
            &[1, 2, 3, 4, 6, 7, 5, 2, 3, 4, 6, 7, 8],
        ];
        for way in ways {
            assert_eq!(check(way), Ok(()), "{way:?}");
        }
    }

    #[test]
    fn a_packet_cannot_skip_the_network_acl_or_go_on_after_its_delivery() {
        assert!(check(&[1, 2, 4, 6, 7, 8]).is_err());
        assert!(check(&[1, 2, 7, 8, 7]).is_err());
        assert!(check(&[2, 7, 8]).is_err());
        assert!(check(&[]).is_err());
    }

    #[test]
    fn a_drop_belongs_to_the_last_station() {
        let trail = [1, 2, 3, 4].map(Station);
        assert_eq!(check_drop(&trail, drop_reason::NO_ROUTE), Ok(()));
        assert!(check_drop(&trail, drop_reason::SG_INGRESS).is_err());
        assert!(check_drop(&trail, DropReason(9_999)).is_err());
    }
}
