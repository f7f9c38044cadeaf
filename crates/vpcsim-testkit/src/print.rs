//! A packet's trail as text, for assertions that fail: every step with its place, what decided, and the packet's header.

use std::fmt::Write as _;

use vpcsim_aws::{AnyId, Compiled, Topology, drop_reason, station};
use vpcsim_engine::{Decision, Event, NodeId, Observation, Observer};
use vpcsim_wire::describe;

/// Takes down what happens to every packet, a line each.
pub struct TrailPrinter {
    node_names: Vec<String>,
    topology: Topology,
    text: String,
}

impl TrailPrinter {
    /// A printer for a network of this compiled design with `node_count` nodes.
    pub fn new(compiled: &Compiled, node_count: u32) -> Self {
        let name = |node| {
            compiled
                .owner(NodeId(node))
                .map_or_else(|| format!("node {node}"), |any| named(&compiled.topology, any))
        };
        Self {
            node_names: (0..node_count).map(name).collect(),
            topology: Topology::clone(&compiled.topology),
            text: String::new(),
        }
    }

    /// What happened so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn decision(&self, decision: Decision) -> String {
        let Some(any) = self.topology.resource(decision.component) else {
            return String::new();
        };
        let rule = decision
            .rule_index()
            .and_then(|rule| self.topology.rule_text(any, rule));
        let rule = rule.map(|words| format!(": {words}")).unwrap_or_default();
        format!(" by {}{rule}", named(&self.topology, any))
    }

    fn event(&self, event: Event) -> String {
        match event {
            Event::Emit => "emits".to_owned(),
            Event::Deliver => "delivers".to_owned(),
            Event::Pass { station, decision } => {
                format!("passes {}{}", station::name(station), self.decision(decision))
            }
            Event::Rewrite { before } => format!("rewrites {before}"),
            Event::Capture { point, direction } => format!("captures at {} {direction:?}", point.0),
            Event::Drop { reason, decision } => {
                let name = drop_reason::info(reason).map_or("?", |info| info.name);
                format!("drops for {name}{}", self.decision(decision))
            }
        }
    }
}

impl Observer for TrailPrinter {
    fn observe(&mut self, observation: &Observation<'_>) {
        let place = self
            .node_names
            .get(observation.node.0 as usize)
            .map_or("?", String::as_str);
        let time = observation.time.as_ns();
        let event = self.event(observation.event);
        let packet = describe(observation.packet.bytes());
        let _ = writeln!(self.text, "{time:>12} ns  {place}: {event}  [{packet}]");
    }
}

/// A resource with its noun: `security group web`.
pub fn named(topology: &Topology, any: AnyId) -> String {
    format!("{} {}", any.kind.noun(), topology.name_of(any))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::designs::Sketch;

    #[test]
    fn resources_are_named_with_their_noun() {
        let mut sketch = Sketch::new("t");
        let vpc = sketch.vpc("net", &["10.0.0.0/16"]);
        assert_eq!(named(&sketch.topology, vpc.into()), "VPC net");
    }
}
