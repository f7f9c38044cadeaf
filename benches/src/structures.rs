//! The queue, the flow table and the route look-up alone.

use std::hint::black_box;
use std::net::Ipv4Addr;

use vpcsim_aws::Origin;
use vpcsim_aws::compile::Place;
use vpcsim_aws::devices::route_table::{
    self, Route, RouteDestination, RouteLookup, RouteSource, RouteTarget,
};
use vpcsim_aws::model::Id;
use vpcsim_engine::{FlowTable, Random, TimingWheel};

use crate::measure::{Effort, Measured};

/// A few link delays and, now and then, a long timer, as networks have them.
fn delay_ns(random: &mut Random) -> u64 {
    match random.below(100) {
        0 => 200_000_000,
        1..=4 => 1_000_000,
        other => 10_000 + (other % 8) * 12_500,
    }
}

/// Hold operations per second of the timing wheel: take the earliest, put one back.
///
/// # Panics
/// Never: the queue never runs empty.
pub fn queue(effort: Effort, pending: u64) -> Measured {
    let mut random = Random::new(1, 0);
    let mut wheel = TimingWheel::new();
    (0..pending).for_each(|item| wheel.push(delay_ns(&mut random), item));
    effort.rate(1_000, |count| {
        for _ in 0..count {
            let (now, item) = wheel.pop().expect("the queue never runs empty");
            wheel.push(now + delay_ns(&mut random), item);
        }
    })
}

/// The key of flow number `number` of a [`table`].
pub fn key(number: u64) -> u128 {
    u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) | 1
}

/// A flow table with so many entries.
pub fn table(entries: u64) -> FlowTable<[u64; 2]> {
    let mut table = FlowTable::new();
    for number in 0..entries {
        table.insert(key(number), [number, 0]);
    }
    table
}

/// Look-ups per second of flows that are there.
pub fn flow_table(effort: Effort, entries: u64) -> Measured {
    let table = table(entries);
    let mut random = Random::new(1, 0);
    effort.rate(1_000, |count| {
        let mut sum = 0;
        for _ in 0..count {
            sum += table.find(key(random.below(entries))).map_or(0, |value| value[0]);
        }
        black_box(sum);
    })
}

/// A compiled table of so many routes of 20 bits.
///
/// # Panics
/// Never: prefixes of 20 bits are valid.
pub fn routes(count: u32) -> RouteLookup {
    let route = |number: u32| {
        let net = ipnet::Ipv4Net::new(Ipv4Addr::from(0x0B00_0000 + (number << 12)), 20);
        Route {
            destination: RouteDestination::Cidr(net.expect("20 bits are valid")),
            target: RouteTarget::Local,
            source: RouteSource::Static,
            blackhole: false,
            origin: Origin::NOWHERE,
        }
    };
    let mut topology = crate::topology();
    topology.route_tables[Id::from_index(0)].routes = (0..count).map(route).collect();
    route_table::compile(Id::from_index(0), &Place::new(&topology))
}

/// Route look-ups per second with random destinations.
pub fn route_lookup(effort: Effort, count: u32) -> Measured {
    let lookup = routes(count);
    let mut random = Random::new(1, 0);
    effort.rate(1_000, |asked| {
        for _ in 0..asked {
            let address = Ipv4Addr::from(0x0B00_0000 + random.below(u64::from(count) << 12) as u32);
            black_box(lookup.lookup(address).copied());
        }
    })
}
