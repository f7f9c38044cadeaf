//! Nothing allocates on a packet's way once buffers have grown.
//!
//! One test a process: the counter counts every thread.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use vpcsim_benches::chain::{Chain, Form};
use vpcsim_benches::load::{Load, LoadedNetwork};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PACKETS: u64 = 5_000;

/// Allocations of so many packets through a chain that has seen as many before.
fn allocations(chain: Chain) -> usize {
    let load = Load {
        flow_count: 500,
        payload_len: 64,
    };
    let mut loaded = LoadedNetwork::through(chain, load);
    loaded.send(2 * PACKETS);
    let region = Region::new(ALLOCATOR);
    loaded.send(PACKETS);
    let change = region.change();
    change.allocations + change.reallocations
}

/// Runs every chain once, and prints how far each is from nothing.
#[test]
fn a_hop_allocates_nothing_in_the_steady_state() {
    let chains = [
        (Form::Gateways, 2),
        (Form::Gateways, 6),
        (Form::Inspected, 2),
        (Form::Inspected, 6),
    ];
    let counted = chains.map(|(form, hops)| (Chain::new(form, hops), allocations(Chain::new(form, hops))));
    let guilty: Vec<_> = counted.iter().filter(|(_, count)| *count > 0).collect();
    assert!(guilty.is_empty(), "allocations of {PACKETS} packets: {guilty:#?}");
}
