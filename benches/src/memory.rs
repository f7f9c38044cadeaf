//! Memory at rest: what an idle interface, a host with a stack and a tracked flow take of the process.
//!
//! Resident memory as the kernel counts it, as ns-3's `mode=mem` does, so the allocator's own waste is in it. Each figure needs a
//! process of its own: memory that something else gave back would hide what is taken.

use std::fs;
use std::hint::black_box;

use vpcsim_analysis::Simulation;
use vpcsim_engine::Span;
use vpcsim_hosts::probe::{Exchange, Probe};
use vpcsim_hosts::{HostNode, ProbeId};
use vpcsim_testkit::estate::estate;

use crate::chain::{Chain, Form};
use crate::load::{Load, LoadedNetwork};

/// Bytes of memory that the process occupies; `None` where the system does not say it.
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1_024)
}

fn grown_since(before: &mut u64) -> f64 {
    let now = resident().unwrap_or(0);
    let grown = now.saturating_sub(*before) as f64;
    *before = now;
    grown
}

/// Bytes per idle interface of an estate: declared, compiled, and in one network that is ready to run.
pub fn idle_interfaces(count: usize) -> [f64; 3] {
    let mut before = resident().unwrap_or(0);
    let topology = estate(count);
    let declared = grown_since(&mut before);
    let simulation = Simulation::new(topology.into());
    let compiled = grown_since(&mut before);
    let network = simulation.fresh_network(1, None);
    let running = grown_since(&mut before);
    black_box((&simulation, &network));
    [declared, compiled, running].map(|bytes| bytes / count as f64)
}

/// Bytes per host of an estate once each has a stack at work, and once each has an open TCP connection.
///
/// # Panics
/// If a host cannot open its connection.
pub fn hosts_with_stacks(count: usize) -> [f64; 2] {
    let simulation = Simulation::new(estate(count).into());
    let mut network = simulation.fresh_network(1, None);
    let plans = &simulation.compiled().hosts;
    let mut before = resident().unwrap_or(0);
    let start = |network: &mut vpcsim_engine::Network, probe: &dyn Fn(usize) -> Probe| {
        let ids: Vec<ProbeId> = (0..plans.len())
            .filter_map(|index| {
                let act = |host: &mut HostNode, context: &mut vpcsim_engine::Context<'_>| {
                    host.start_probe(context, &probe(index))
                };
                network.act(plans[index].node, act)
            })
            .collect();
        network.run_until(network.now() + Span::from_secs(10));
        ids
    };
    // Each asks its own router, which costs no connection anywhere.
    let asked = start(&mut network, &|index| {
        Probe::echo(plans[index].interfaces[0].router)
    });
    let stacks = grown_since(&mut before);
    let connected = start(&mut network, &|index| {
        let neighbour = plans[(index + 9) % plans.len()].interfaces[0].addresses[0];
        Probe::tcp(neighbour, 443).exchanging(Exchange::Keep)
    });
    let connections = grown_since(&mut before);
    assert_eq!((asked.len(), connected.len()), (plans.len(), plans.len()));
    black_box(&network);
    [stacks, stacks + connections].map(|bytes| bytes / count as f64)
}

/// Bytes per flow that a security group tracks.
pub fn tracked_flows(count: u32) -> f64 {
    let load = Load {
        flow_count: count,
        payload_len: 64,
    };
    let mut loaded = LoadedNetwork::through(Chain::new(Form::Gateways, 2), load);
    let mut before = resident().unwrap_or(0);
    loaded.send(u64::from(count));
    // Both ends track each flow.
    grown_since(&mut before) / f64::from(2 * count)
}
