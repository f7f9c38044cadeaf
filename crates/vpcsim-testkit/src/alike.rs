//! Whether two networks that should do the same look the same to somebody who sees everything.

use std::collections::BTreeSet;
use std::sync::Arc;

use vpcsim_aws::Compiled;
use vpcsim_aws::devices::Kind;
use vpcsim_engine::{
    Counters, DropReason, Event, FlowCacheCounters, FrameHeader, Network, NodeId, Observation, Observer,
    PacketId, Time,
};

use vpcsim_hosts::HostConfig;

use crate::chatter::Talk;

/// One thing that somebody who looks on sees.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sight {
    time: Time,
    node: NodeId,
    packet: PacketId,
    event: Event,
    frame: FrameHeader,
    mark: u64,
    hop_count: u16,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Log {
    sights: Vec<Sight>,
}

impl Observer for Log {
    fn observe(&mut self, seen: &Observation<'_>) {
        self.sights.push(Sight {
            time: seen.time,
            node: seen.node,
            packet: seen.packet.id(),
            event: seen.event,
            frame: seen.packet.frame(),
            mark: seen.packet.mark(),
            hop_count: seen.packet.hop_count(),
            bytes: seen.packet.bytes().to_vec(),
        });
    }
}

fn seen(network: &mut Network) -> (Vec<Sight>, Counters) {
    let counters = network.counters();
    let log = network
        .observer_mut::<Log>()
        .map(|log| std::mem::take(&mut log.sights));
    (log.unwrap_or_default(), counters)
}

/// What took part in two talks that looked the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// The kinds of resources whose work the flow cache repeated.
    pub kinds: BTreeSet<Kind>,
    /// Why packets were dropped.
    pub drops: BTreeSet<DropReason>,
    /// How often work was repeated.
    pub counters: FlowCacheCounters,
    /// How much was seen.
    pub sight_count: usize,
}

/// Lets everybody in a design with these hosts [talk](crate::chatter), once with the flow cache and once without.
///
/// # Errors
/// What somebody who looks on sees differently, in words.
pub fn with_and_without_flow_cache(
    compiled: &Compiled,
    hosts: &[Arc<HostConfig>],
    seed: u64,
    flow_count: usize,
) -> Result<Alike, String> {
    let talk = || Talk::new(compiled, hosts, seed, flow_count);
    let mut repeating = talk().hold(Box::new(Log::default()));
    let mut walking = talk().without_flow_cache().hold(Box::new(Log::default()));
    if walking.flow_cache_counters().repeated > 0 {
        return Err("the one without a cache used it".to_owned());
    }
    let (repeated, walked) = (seen(&mut repeating), seen(&mut walking));
    let mut pairs = repeated.0.iter().zip(&walked.0).enumerate();
    if let Some((index, (one, other))) = pairs.find(|(_, (one, other))| one != other) {
        return Err(format!(
            "sight {index} differs\nrepeated {one:?}\nwalked   {other:?}"
        ));
    }
    if repeated.1 != walked.1 || repeated.0.len() != walked.0.len() || !repeated.1.balance() {
        return Err(format!(
            "the counters differ: repeated {:?}, walked {:?}",
            repeated.1, walked.1
        ));
    }
    let nodes = repeating.repeated_nodes();
    let drops = repeated.0.iter().filter_map(|sight| match sight.event {
        Event::Drop { reason, .. } => Some(reason),
        _ => None,
    });
    Ok(Alike {
        drops: drops.collect(),
        kinds: nodes
            .filter_map(|node| compiled.owner(node))
            .map(|owner| owner.kind)
            .collect(),
        counters: repeating.flow_cache_counters(),
        sight_count: repeated.0.len(),
    })
}
