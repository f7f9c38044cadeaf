//! Bulk TCP: one connection between two smoltcp hosts across a chain.

use std::sync::Arc;

use vpcsim_analysis::Simulation;
use vpcsim_aws::compile::Slot;
use vpcsim_engine::{Network, NodeId, Span};
use vpcsim_hosts::probe::{Exchange, Observed, Probe};
use vpcsim_hosts::{HostConfig, HostNode};

use crate::chain::{CLIENT, Chain};

/// The server throws away what comes to this port.
const DISCARD_PORT: u16 = 9;
/// No transfer takes longer, in simulated time.
const PATIENCE: Span = Span::from_secs(100_000);

/// Two hosts and a chain between them.
pub struct Transfer {
    network: Network,
    client: NodeId,
    chain: Chain,
}

impl Transfer {
    /// Hosts with this MTU at both ends of a chain.
    ///
    /// # Panics
    /// Never: every chain has a client.
    pub fn across(chain: Chain, mtu: u16) -> Self {
        let simulation = Simulation::new(chain.topology().into());
        let network = simulation.network_with(1, None, |slot| match slot {
            Slot::Host(index) => Some(Box::new(with_mtu(simulation.host(index), mtu))),
            _ => None,
        });
        let compiled = simulation.compiled();
        let mut plans = compiled.hosts.iter();
        let client = plans.find(|plan| compiled.topology.name_of(plan.owner) == CLIENT);
        let client = client.expect("every chain has a client").node;
        Self {
            network,
            client,
            chain,
        }
    }

    /// Opens a connection, sends so many bytes and waits for its end.
    ///
    /// # Panics
    /// If they did not arrive.
    pub fn send(&mut self, byte_count: u64) {
        let probe = Probe {
            timeout: PATIENCE,
            ..Probe::tcp(self.chain.server(), DISCARD_PORT).exchanging(Exchange::Transfer(byte_count))
        };
        let started = self.network.act(self.client, |host: &mut HostNode, context| {
            host.clear_outcomes();
            host.start_probe(context, &probe)
        });
        let id = started.expect("the client is a host");
        let end = self.network.now() + PATIENCE;
        let is_done = |network: &Network| {
            let host = network.node::<HostNode>(self.client);
            host.and_then(|host| host.outcome(id))
                .is_some_and(|outcome| outcome.is_done() && outcome.observed == Observed::Open)
        };
        while !is_done(&self.network) {
            assert!(self.network.step_until(end), "the transfer ended too early");
        }
        let counters = self.network.counters();
        assert!(counters.balance() && counters.dropped == 0, "{counters:?}");
    }

    /// Packets that arrived so far.
    pub fn delivered(&self) -> u64 {
        self.network.counters().delivered
    }
}

fn with_mtu(host: &Arc<HostConfig>, mtu: u16) -> HostNode {
    let mut config = HostConfig::clone(host);
    for interface in &mut config.interfaces {
        interface.mtu = mtu;
    }
    HostNode::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Form;

    #[test]
    fn a_transfer_takes_as_many_segments_as_its_mtu_says() {
        let full_segments = |mtu| {
            let mut transfer = Transfer::across(Chain::new(Form::Gateways, 2), mtu);
            transfer.send(1_000_000);
            transfer.delivered()
        };
        let (small, jumbo) = (full_segments(1_500), full_segments(9_001));
        assert!(
            small > 1_000_000 / 1_460 && jumbo > 1_000_000 / 8_961,
            "{small} {jumbo}"
        );
        assert!(jumbo * 4 < small, "{small} {jumbo}");
    }
}
