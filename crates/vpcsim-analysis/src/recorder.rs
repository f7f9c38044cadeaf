//! The onlooker of a network: keeps the trails of packets and, when asked, what capture points saw.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use vpcsim_aws::compile::{CapturePointPlan, LinkLayer};
use vpcsim_aws::{Compiled, drop_reason, station};
use vpcsim_engine::wire::{EtherType, FlowKey, ethernet};
use vpcsim_engine::{
    CapturePoint, Decision, Direction, DropReason, Event, NodeId, Observation, Observer, Packet, PacketId,
    Station, Time,
};

use crate::answer::{CaptureInterface, CaptureRecord};
use crate::captured::{CaptureSink, Captured, CapturedFrame, Chunks, Sighting};
use crate::legs::{blamed, reason_name};

/// So many lists of steps are kept for the next question's trails, and no longer ones than this.
const SPARE_MAX: usize = 64;
const SPARE_LEN_MAX: usize = 256;

/// What happened to a packet at one step of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEvent {
    /// It came into being.
    Emit,
    /// It passed a station.
    Pass {
        /// The station.
        station: Station,
        /// What let it pass.
        decision: Decision,
    },
    /// It arrived.
    Deliver,
    /// It ended before.
    Drop {
        /// Why.
        reason: DropReason,
        /// What decided so.
        decision: Decision,
    },
}

/// One step of a packet's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailStep {
    /// What happened.
    pub event: StepEvent,
    /// Where.
    pub node: NodeId,
    /// When.
    pub time: Time,
    /// The packet as it left the step.
    pub bytes: Bytes,
    /// The packet as it came, where the step rewrote it.
    pub before: Option<Bytes>,
    /// How many of the packet's frames had been captured before.
    frame_count: usize,
}

impl TrailStep {
    /// The station of the step.
    pub fn station(&self) -> Station {
        match self.event {
            StepEvent::Emit => station::EMIT,
            StepEvent::Pass { station, .. } => station,
            StepEvent::Deliver => station::DELIVER,
            StepEvent::Drop { reason, .. } => {
                drop_reason::info(reason).map_or(station::GATEWAY, |info| info.station)
            }
        }
    }
}

/// The way of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The packet.
    pub packet: PacketId,
    /// Its flow key where it came into being; `None` if it is not IPv4.
    pub first_key: Option<FlowKey>,
    /// Its flow key at the last step.
    pub last_key: Option<FlowKey>,
    /// The steps in order.
    pub steps: Vec<TrailStep>,
    frames: Vec<u64>,
}

impl Trail {
    /// The node where it came into being.
    pub fn origin(&self) -> Option<NodeId> {
        self.steps.first().map(|step| step.node)
    }

    /// The last step.
    pub fn end(&self) -> Option<&TrailStep> {
        self.steps.last()
    }

    /// The node it was delivered to, if it was.
    pub fn delivered_to(&self) -> Option<NodeId> {
        self.end()
            .filter(|step| step.event == StepEvent::Deliver)
            .map(|step| step.node)
    }

    /// The number of the frame that shows the packet as `step` left it: the next one captured, else the last.
    pub fn frame(&self, step: &TrailStep) -> Option<u64> {
        self.frames.get(step.frame_count).or(self.frames.last()).copied()
    }

    /// The stations in order.
    pub fn stations(&self) -> Vec<Station> {
        self.steps.iter().map(TrailStep::station).collect()
    }
}

/// Which capture points are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CaptureChoice {
    /// None.
    #[default]
    Nothing,
    /// All.
    Everywhere,
    /// Those of these names: of the point itself or of the component whose point it is.
    At(Vec<String>),
}

impl CaptureChoice {
    fn wants(&self, point: &CapturePointPlan, compiled: &Compiled) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everywhere => true,
            Self::At(names) => {
                let own = point.name(&compiled.topology);
                let owner = compiled.topology.label(point.owner);
                names.iter().any(|name| {
                    let is_owner =
                        owner.is_some_and(|label| label.name == *name || label.id.as_ref() == Some(name));
                    own == *name || is_owner || own.strip_suffix(" eni") == Some(name)
                })
            }
        }
    }
}

/// Keeps the trails of packets from a given one on, and what the chosen capture points saw.
pub struct Recorder {
    compiled: Arc<Compiled>,
    from: PacketId,
    trails: Vec<Option<Trail>>,
    /// Lists of steps that forgotten trails left behind.
    spare: Vec<Vec<TrailStep>>,
    interface_of: Vec<Option<u32>>,
    point_of_node: Vec<Option<CapturePoint>>,
    last_seen: Vec<Option<(CapturePoint, Direction)>>,
    interfaces: Vec<CaptureInterface>,
    captured: Captured,
    chunks: Chunks,
}

impl Recorder {
    /// An onlooker of a network of `compiled`.
    pub fn new(compiled: &Arc<Compiled>, choice: &CaptureChoice) -> Self {
        let mut interfaces = Vec::new();
        let mut interface_of = Vec::new();
        let mut point_of_node: Vec<Option<CapturePoint>> = Vec::new();
        for plan in &compiled.capture_points {
            let node = plan.node.0 as usize;
            if point_of_node.len() <= node {
                point_of_node.resize(node + 1, None);
            }
            point_of_node[node].get_or_insert(plan.point);
            interface_of.push(choice.wants(plan, compiled).then(|| {
                interfaces.push(CaptureInterface {
                    name: plan.name(&compiled.topology).into_owned(),
                    description: plan.description(&compiled.topology).into_owned(),
                    ethernet: plan.link_layer == LinkLayer::Ethernet,
                });
                interfaces.len() as u32 - 1
            }));
        }
        if let Some(shared) = point_of_node.get_mut(compiled.fixed.internet.0 as usize) {
            // The internet's node is every outside host's capture point, and so is none by itself.
            *shared = None;
        }
        Self {
            compiled: Arc::clone(compiled),
            from: PacketId(0),
            trails: Vec::new(),
            spare: Vec::new(),
            interface_of,
            point_of_node,
            last_seen: Vec::new(),
            interfaces,
            captured: Captured::default(),
            chunks: Chunks::default(),
        }
    }

    /// Forgets all trails, and keeps those of packets from `from` on.
    pub fn forget_trails_before(&mut self, from: PacketId) {
        self.from = from;
        for trail in self.trails.drain(..).flatten() {
            let mut steps = trail.steps;
            if self.spare.len() < SPARE_MAX && steps.capacity() <= SPARE_LEN_MAX {
                steps.clear();
                self.spare.push(steps);
            }
        }
        self.last_seen.clear();
    }

    /// The trails in the order in which the packets came into being.
    pub fn trails(&self) -> impl Iterator<Item = &Trail> {
        self.trails.iter().flatten()
    }

    /// How many frames were captured so far.
    pub fn frame_count(&self) -> usize {
        self.captured.count()
    }

    /// What was captured: the interfaces, and the records in the order of time.
    pub fn take_capture(&mut self) -> (Vec<CaptureInterface>, Vec<CaptureRecord>) {
        (std::mem::take(&mut self.interfaces), self.captured.take())
    }

    /// Hands on what is captured from now on instead of keeping it.
    pub fn hand_frames_to(&mut self, sink: Box<dyn CaptureSink>) {
        self.captured.hand_to(sink);
    }

    /// Whoever gets the frames, if it is an `S`.
    pub fn sink_mut<S: CaptureSink>(&mut self) -> Option<&mut S> {
        let sink: &mut dyn Any = self.captured.sink_mut()?;
        sink.downcast_mut()
    }

    fn slot(&self, packet: &Packet) -> Option<usize> {
        packet.id().0.checked_sub(self.from.0).map(|index| index as usize)
    }

    /// Kept out of [`Recorder::observe`], which is often done before this begins.
    #[inline(never)]
    fn note(&mut self, seen: &Observation<'_>) {
        match seen.event {
            Event::Emit => self.note_emit(seen),
            Event::Pass { station, decision } => self.note_step(seen, StepEvent::Pass { station, decision }),
            Event::Rewrite { .. } => self.note_rewrite(seen),
            Event::Capture { point, direction } => self.note_capture(seen, point, direction),
            Event::Deliver => self.note_step(seen, StepEvent::Deliver),
            Event::Drop { reason, decision } => {
                self.note_drop(seen, reason, decision);
                self.note_step(seen, StepEvent::Drop { reason, decision });
            }
        }
    }

    fn note_emit(&mut self, seen: &Observation<'_>) {
        let Some(index) = self.slot(seen.packet) else {
            return;
        };
        let bytes = self.chunks.copy([seen.packet.bytes(), &[]]);
        if self.trails.len() <= index {
            self.trails.resize_with(index + 1, || None);
            self.last_seen.resize(index + 1, None);
        }
        let mut steps = self.spare.pop().unwrap_or_default();
        steps.push(TrailStep {
            event: StepEvent::Emit,
            node: seen.node,
            time: seen.time,
            bytes,
            before: None,
            frame_count: 0,
        });
        self.trails[index] = Some(Trail {
            packet: seen.packet.id(),
            first_key: seen.packet.key(),
            last_key: seen.packet.key(),
            steps,
            frames: Vec::new(),
        });
    }

    fn note_step(&mut self, seen: &Observation<'_>, event: StepEvent) {
        let Some(index) = self.slot(seen.packet) else {
            return;
        };
        let Some(previous) = self.trails.get(index).and_then(|trail| trail.as_ref()?.end()) else {
            return;
        };
        let previous = previous.bytes.clone();
        let is_rewritten = *previous != *seen.packet.bytes();
        let bytes = if is_rewritten {
            self.chunks.copy([seen.packet.bytes(), &[]])
        } else {
            previous.clone()
        };
        let Some(Some(trail)) = self.trails.get_mut(index) else {
            return;
        };
        trail.last_key = seen.packet.key();
        if let [
            TrailStep {
                event: emitted @ StepEvent::Emit,
                ..
            },
        ] = &mut trail.steps[..]
            && let StepEvent::Drop { reason, .. } = event
            && drop_reason::info(reason).is_some_and(|info| info.station == station::EMIT)
        {
            // The host itself could not send what it brought into being: one station, not two.
            *emitted = event;
            return;
        }
        trail.steps.push(TrailStep {
            event,
            node: seen.node,
            time: seen.time,
            bytes,
            before: is_rewritten.then_some(previous),
            frame_count: trail.frames.len(),
        });
    }

    /// A device may say that it rewrote a packet after it said that the packet passed: then the rewriting is part of that step.
    fn note_rewrite(&mut self, seen: &Observation<'_>) {
        let Some(index) = self.slot(seen.packet) else {
            return;
        };
        let Some(last) = self.trails.get(index).and_then(|trail| trail.as_ref()?.end()) else {
            return;
        };
        let is_same_step = last.node == seen.node && matches!(last.event, StepEvent::Pass { .. });
        if !is_same_step || *last.bytes == *seen.packet.bytes() {
            return;
        }
        let bytes = self.chunks.copy([seen.packet.bytes(), &[]]);
        let Some(Some(trail)) = self.trails.get_mut(index) else {
            return;
        };
        trail.last_key = seen.packet.key();
        if let Some(last) = trail.steps.last_mut() {
            let before = std::mem::replace(&mut last.bytes, bytes);
            last.before.get_or_insert(before);
        }
    }

    fn note_capture(&mut self, seen: &Observation<'_>, point: CapturePoint, direction: Direction) {
        if let Some(last) = self
            .slot(seen.packet)
            .and_then(|index| self.last_seen.get_mut(index))
        {
            *last = Some((point, direction));
        }
        self.record(seen, point, direction, None);
    }

    fn record(
        &mut self,
        seen: &Observation<'_>,
        point: CapturePoint,
        direction: Direction,
        dropped: Option<&str>,
    ) {
        let Some(&Some(interface)) = self.interface_of.get(point.0 as usize) else {
            return;
        };
        let frame = seen.packet.frame();
        let has_header = self.interfaces[interface as usize].ethernet;
        if !has_header && frame.ethertype != EtherType::IPV4 {
            return;
        }
        let header = ethernet::emit_header(frame.destination, frame.source, frame.ethertype);
        self.captured.record(&CapturedFrame {
            point: interface,
            time_ns: seen.time.as_ns(),
            packet_id: seen.packet.id().0,
            outbound: direction == Direction::Outbound,
            dropped,
            header: if has_header { &header } else { &[] },
            packet: seen.packet.bytes(),
        });
        let number = self.captured.count() as u64;
        if let Some(Some(trail)) = self
            .slot(seen.packet)
            .and_then(|index| self.trails.get_mut(index))
        {
            trail.frames.push(number);
        }
    }

    /// A packet that died is captured at the place where it died, else at the last place that it went by.
    fn note_drop(&mut self, seen: &Observation<'_>, reason: DropReason, decision: Decision) {
        if self.interfaces.is_empty() {
            return;
        }
        let last = self
            .slot(seen.packet)
            .and_then(|index| *self.last_seen.get(index)?);
        let own = self.point_of_node.get(seen.node.0 as usize).copied().flatten();
        let Some((point, direction)) = place_of_death(own, last, reason) else {
            return;
        };
        let words = self.drop_words(reason, decision, seen.node);
        let interface = self.interface_of.get(point.0 as usize).copied().flatten();
        let sighting = |point| Sighting {
            point,
            time_ns: seen.time.as_ns(),
            packet_id: seen.packet.id().0,
        };
        // It may be the very frame that was captured a moment ago on its way to where it died.
        let is_captured = interface.is_some_and(|point| self.captured.drop_last(sighting(point), &words));
        if !is_captured {
            self.record(seen, point, direction, Some(&words));
        }
    }

    fn drop_words(&self, reason: DropReason, decision: Decision, node: NodeId) -> String {
        let name = reason_name(reason);
        let component = blamed(&self.compiled, reason, decision, node);
        match component.and_then(|any| self.compiled.topology.label(any)) {
            Some(label) => format!("{name} {}", label.id_or_name()),
            None => name,
        }
    }
}

/// The place and direction of a packet that died: its node's own place, else where it was seen last.
fn place_of_death(
    own: Option<CapturePoint>,
    last: Option<(CapturePoint, Direction)>,
    reason: DropReason,
) -> Option<(CapturePoint, Direction)> {
    let Some(point) = own else { return last };
    let leaves = drop_reason::info(reason).is_some_and(|info| info.station <= station::SUBNET_OUT);
    let direction = match last {
        Some((seen_at, direction)) if seen_at == point => direction,
        _ if leaves => Direction::Outbound,
        _ => Direction::Inbound,
    };
    Some((point, direction))
}

impl Observer for Recorder {
    fn observe(&mut self, seen: &Observation<'_>) {
        // A packet without a trail matters where it is captured and where it dies; a mere capture sees little else.
        let matters = matches!(seen.event, Event::Capture { .. } | Event::Drop { .. });
        if matters || self.slot(seen.packet).is_some() {
            self.note(seen);
        }
    }
}
