//! The flows of a load balancer: who gets each, and how answers find back.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;
use vpcsim_engine::{FlowTable, Span, Time};
use vpcsim_wire::FlowKey;

use super::device::Door;
use super::proxy::Proxy;
use crate::traffic::PortRange;

/// Flows of one node's address to one target (NLB-08).
pub(super) const PORTS_MAX: u32 = 55_000;
/// The lowest port that a node sends from.
const PORT_MIN: u16 = 1024;
/// All ports that a node sends from.
pub(super) const NODE_PORTS: PortRange = PortRange { first: PORT_MIN, last: PORT_MIN + (PORTS_MAX - 1) as u16 };
/// Slots that each new flow looks at for old ones.
const SWEEP_BUDGET: usize = 4;

/// One flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// How it looks towards the target.
    pub outer: FlowKey,
    /// Where it came in.
    pub door: Door,
    /// The length of the proxy protocol's header in it, if it has one.
    pub header_len: u16,
    /// The target group of the listener that took it.
    pub group: u16,
    /// The target, by its place in the group.
    pub target: u16,
    /// How far the proxy protocol's header got.
    pub proxy: Proxy,
    /// Whether the target has answered.
    pub answered: bool,
    /// The sequence number of its SYN.
    pub isn: u32,
    pub began: Time,
    pub last_seen: Time,
    pub idle: Span,
}

impl Flow {
    /// Whether it was forgotten.
    pub(super) fn is_over(&self, now: Time) -> bool {
        now.since(self.last_seen) > self.idle
    }
}

/// The flows by the key of the client's packets, and those by the key of the target's.
#[derive(Clone, Debug, Default)]
pub(super) struct Flows {
    by_client: FlowTable<Flow>,
    client_of_answer: FlowTable<u128>,
    next_port: FxHashMap<(Ipv4Addr, Ipv4Addr, u16), u16>,
}

impl Flows {
    /// The flow of a client's packet, forgotten or not.
    pub(super) fn of_client(&mut self, key: FlowKey) -> Option<&mut Flow> {
        self.by_client.find_mut(key.0)
    }

    /// The key of the client whose flow a target answers, and the flow.
    pub(super) fn of_answer(&mut self, key: FlowKey) -> Option<(FlowKey, &mut Flow)> {
        let client = *self.client_of_answer.find(key.0)?;
        let flow = self.by_client.find_mut(client)?;
        (flow.outer.reversed() == key).then_some((FlowKey(client), flow))
    }

    /// Adds a flow; one that had the same answers loses them (NLB-07).
    pub(super) fn insert(&mut self, client: FlowKey, flow: Flow) {
        let now = flow.last_seen;
        self.remove(client);
        self.by_client.expire_some(SWEEP_BUDGET, |_, flow| flow.is_over(now));
        let by_client = &self.by_client;
        self.client_of_answer.expire_some(SWEEP_BUDGET, |_, client| by_client.find(*client).is_none());
        self.by_client.insert(client.0, flow);
        self.client_of_answer.insert(flow.outer.reversed().0, client.0);
    }

    /// Forgets a flow.
    pub(super) fn remove(&mut self, client: FlowKey) {
        let Some(flow) = self.by_client.remove(client.0) else { return };
        let answer = flow.outer.reversed().0;
        if self.client_of_answer.find(answer) == Some(&client.0) {
            self.client_of_answer.remove(answer);
        }
    }

    /// A port of `node` that no flow to this target uses; they are handed out in ascending order.
    pub(super) fn free_port(&mut self, now: Time, like: FlowKey, node: Ipv4Addr, target: (Ipv4Addr, u16)) -> Option<u16> {
        let pool = (node, target.0, target.1);
        let mut port = self.next_port.get(&pool).copied().unwrap_or(PORT_MIN);
        for _ in 0..PORTS_MAX {
            let outer = like.with_destination(target.0, target.1).with_source(node, port);
            let used = self.of_answer(outer.reversed()).is_some_and(|(_, flow)| !flow.is_over(now));
            let following = port.checked_add(1).filter(|next| u32::from(next - PORT_MIN) < PORTS_MAX);
            let following = following.unwrap_or(PORT_MIN);
            if !used {
                self.next_port.insert(pool, following);
                return Some(port);
            }
            port = following;
        }
        None
    }
}
