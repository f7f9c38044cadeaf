//! Health checks: connections from the nodes to the targets, over and over.

use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_engine::{Context, FlowTable, Handle, Span};
use vpcsim_wire::{FlowKey, PacketBuilder, Protocol, Summary, proxy_protocol, tcp};

use super::device::{Door, LoadBalancerDevice};
use crate::devices::target_group::TargetHealth;

/// The port of the first health check; those that follow have the ports after it.
const FIRST_PORT: u16 = 61_000;
const PORTS: usize = 4_500;

/// The port that the check of this number is sent from.
pub(super) const fn port_of(index: usize) -> u16 {
    FIRST_PORT + (index % PORTS) as u16
}

/// The start of a status line: `HTTP/1.1 200`.
const STATUS_LEN: usize = 12;

/// How the targets of a group are checked.
#[derive(Clone, Debug)]
pub(super) struct CheckPlan {
    /// What an HTTP check asks for, and the codes that pass it.
    pub http: Option<HttpPlan>,
    pub interval: Span,
    pub timeout: Span,
    pub healthy_threshold: u16,
    pub unhealthy_threshold: u16,
}

/// What an HTTP check asks for.
#[derive(Clone, Debug)]
pub(super) struct HttpPlan {
    pub path: String,
    pub codes: Vec<(u16, u16)>,
    /// The port that the `Host` header names: the listener's.
    pub listener_port: u16,
}

/// What a check waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    Nothing,
    SynAck,
    /// For the bytes from this sequence number on.
    Status(u32),
}

/// The checks of one target by one node.
#[derive(Clone, Debug)]
struct Check {
    node: u16,
    group: u16,
    target: u16,
    port: u16,
    round: u32,
    waits: Waits,
    status: Vec<u8>,
    health: TargetHealth,
    /// Results in a row that speak against `health`.
    streak: u16,
}

/// All checks of a load balancer.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    all: Vec<Check>,
    of_answer: FlowTable<u32>,
}

impl Checks {
    /// The check that a packet answers.
    pub(super) fn of_answer(&self, key: FlowKey) -> Option<u32> {
        self.of_answer.find(key.0).copied()
    }
}

/// A timer's token says which check in which round it is about, and whether it is the end of the round's patience.
const fn token(index: u32, round: u32, is_timeout: bool) -> u64 {
    (round as u64) << 33 | (index as u64) << 1 | is_timeout as u64
}

impl LoadBalancerDevice {
    /// Begins to check every target whose health the design does not say, from each node that may use it (NLB-18).
    pub fn start_checks(&mut self, context: &mut Context<'_>) {
        let plan = Arc::clone(&self.plan);
        for (index, group) in plan.groups.iter().enumerate() {
            for (place, target) in group.targets.iter().enumerate().filter(|(_, target)| target.health.is_none()) {
                for (node, own) in plan.nodes.iter().enumerate() {
                    if plan.reaches(group, target, own.zone) {
                        self.health[index][place] = TargetHealth::Initial;
                        self.add_check(context, node as u16, index as u16, place as u16);
                    }
                }
            }
        }
        self.tell_dns(context);
    }

    fn add_check(&mut self, context: &mut Context<'_>, node: u16, group: u16, target: u16) {
        let index = self.checks.all.len();
        let port = port_of(index);
        let Some(to) = self.plan.target(group, target) else { return };
        let own = self.plan.nodes[usize::from(node)].address;
        let key = FlowKey::new(own, to.address, Protocol::TCP, port, to.health_port);
        self.checks.of_answer.insert(key.reversed().0, index as u32);
        self.checks.all.push(Check {
            node,
            group,
            target,
            port,
            round: 0,
            waits: Waits::Nothing,
            status: Vec::new(),
            health: TargetHealth::Initial,
            streak: 0,
        });
        self.begin_round(context, index as u32);
    }

    fn begin_round(&mut self, context: &mut Context<'_>, index: u32) {
        let plan = Arc::clone(&self.plan);
        let check = &mut self.checks.all[index as usize];
        let timing = &plan.groups[usize::from(check.group)].check;
        if check.waits != Waits::Nothing {
            // A slow answer is waited for; the next check is one interval later.
            context.set_timer(timing.interval, token(index, check.round, false));
            return;
        }
        check.round = check.round.wrapping_add(1) & 0x7fff_ffff;
        let round = check.round;
        context.set_timer(timing.interval, token(index, round, false));
        check.waits = Waits::SynAck;
        check.status.clear();
        context.set_timer(timing.timeout, token(index, round, true));
        let (node, seq) = (check.node, u32::from(check.port).wrapping_mul(round));
        if let Some(builder) = self.segment(index) {
            self.send_own(context, &builder.flags(tcp::SYN).seq(seq).build(), Door::of(node));
        }
    }

    fn segment(&self, index: u32) -> Option<PacketBuilder> {
        let check = &self.checks.all[index as usize];
        let target = self.plan.target(check.group, check.target)?;
        let own = self.plan.nodes[usize::from(check.node)].address;
        Some(PacketBuilder::tcp(own, check.port, target.address, target.health_port))
    }

    /// A check's timer fired.
    pub(super) fn advance_check(&mut self, context: &mut Context<'_>, token: u64) {
        let (index, round) = ((token >> 1) as u32, (token >> 33) as u32);
        let Some(check) = self.checks.all.get(index as usize).filter(|check| check.round == round) else { return };
        if token & 1 == 0 {
            self.begin_round(context, index);
        } else if check.waits != Waits::Nothing {
            self.conclude(context, index, false);
        }
    }

    /// A packet that answers a check.
    pub(super) fn take_check(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, index: u32) {
        let plan = Arc::clone(&self.plan);
        let check = &self.checks.all[index as usize];
        let group = &plan.groups[usize::from(check.group)];
        let (node, known) = (check.node, plan.target(check.group, check.target).is_none_or(|target| target.listeners_known));
        match check.waits {
            Waits::Nothing => {}
            _ if summary.is_rst() => self.conclude(context, index, !known),
            Waits::SynAck if summary.is_syn_ack() => {
                if group.check.http.is_some() || group.proxy_protocol {
                    self.say(context, packet, summary, index);
                }
                if group.check.http.is_none() {
                    self.conclude(context, index, true);
                    self.reset(context, packet, summary, Door::of(node));
                }
            }
            Waits::SynAck => {}
            Waits::Status(expected) => {
                if let Some(passed) = self.read_status(context, packet, summary, expected, index) {
                    self.conclude(context, index, passed);
                    self.reset(context, packet, summary, Door::of(node));
                }
            }
        }
    }

    /// Sends what the check has to say once the target has taken the connection.
    fn say(&mut self, context: &mut Context<'_>, packet: Handle, summary: &Summary, index: u32) {
        let plan = Arc::clone(&self.plan);
        let check = &mut self.checks.all[index as usize];
        let group = &plan.groups[usize::from(check.group)];
        let bytes = context.packet(packet).bytes();
        let Some(Ok(segment)) = bytes.get(usize::from(summary.header_len)..).map(tcp::Segment::parse) else { return };
        let (seq, ack) = (segment.ack(), segment.seq().wrapping_add(1));
        let mut payload = if group.proxy_protocol { proxy_protocol::local_header().to_vec() } else { Vec::new() };
        if let Some(http) = &group.check.http {
            check.waits = Waits::Status(ack);
            payload.extend(request(http, summary.destination()));
        }
        let node = check.node;
        if let Some(builder) = self.segment(index) {
            let said = builder.flags(tcp::ACK | tcp::PSH).seq(seq).ack(ack).payload(&payload);
            self.send_own(context, &said.build(), Door::of(node));
        }
    }

    /// Whether the check passed, once enough of the answer is there.
    fn read_status(
        &mut self,
        context: &Context<'_>,
        packet: Handle,
        summary: &Summary,
        expected: u32,
        index: u32,
    ) -> Option<bool> {
        let check = &mut self.checks.all[index as usize];
        let bytes = context.packet(packet).bytes();
        let l4 = bytes.get(usize::from(summary.header_len)..usize::from(summary.total_len))?;
        let segment = tcp::Segment::parse(l4).ok().filter(|segment| segment.seq() == expected)?;
        check.status.extend_from_slice(segment.payload());
        check.waits = Waits::Status(expected.wrapping_add(segment.payload().len() as u32));
        let ended = summary.is_fin();
        match check.status.get(..STATUS_LEN) {
            Some(line) => {
                let http = self.plan.groups[usize::from(check.group)].check.http.as_ref();
                let code = status_code(line);
                let passes = |http: &HttpPlan, code| http.codes.iter().any(|(first, last)| (*first..=*last).contains(&code));
                Some(http.zip(code).is_some_and(|(http, code)| passes(http, code)))
            }
            None => ended.then_some(false),
        }
    }

    /// Counts a result; enough of them in a row change the target's health (ELB-05).
    fn conclude(&mut self, context: &mut Context<'_>, index: u32, passed: bool) {
        let check = &mut self.checks.all[index as usize];
        let timing = &self.plan.groups[usize::from(check.group)].check;
        check.waits = Waits::Nothing;
        let (speaks_for, needed) = match (check.health, passed) {
            (TargetHealth::Initial, true) => (TargetHealth::Healthy, 1),
            (_, true) => (TargetHealth::Healthy, timing.healthy_threshold),
            (_, false) => (TargetHealth::Unhealthy, timing.unhealthy_threshold),
        };
        check.streak = if check.health == speaks_for { 0 } else { check.streak + 1 };
        if check.streak < needed.max(1) || check.health == speaks_for {
            return;
        }
        (check.health, check.streak) = (speaks_for, 0);
        let (group, target) = (check.group, check.target);
        let own = self.checks.all.iter().filter(|check| (check.group, check.target) == (group, target));
        let seen: Vec<TargetHealth> = own.map(|check| check.health).collect();
        let best = [TargetHealth::Healthy, TargetHealth::Initial].into_iter().find(|health| seen.contains(health));
        self.set_health(context, group.into(), target.into(), best.unwrap_or(TargetHealth::Unhealthy));
    }

    /// Takes over the health that the checks of an equal load balancer found.
    pub fn know_health_of(&mut self, context: &mut Context<'_>, other: &Self) {
        self.health.clone_from(&other.health);
        self.tell_dns(context);
    }

    /// Whether the checks of a target have not decided yet.
    pub fn checks_are_open(&self) -> bool {
        self.health.iter().flatten().any(|health| *health == TargetHealth::Initial)
    }

    /// Notes the health of a target, by the places of its group among those of the listeners and of itself in the group.
    pub fn set_health(&mut self, context: &mut Context<'_>, group: usize, target: usize, health: TargetHealth) {
        let targets = self.health.get_mut(group);
        if let Some(known) = targets.and_then(|targets| targets.get_mut(target)) {
            *known = health;
        }
        self.tell_dns(context);
    }

    /// Lets the resolvers know which nodes are out of the DNS, a bit for each (ELB-03, ELB-06, NLB-25).
    fn tell_dns(&self, context: &mut Context<'_>) {
        let nodes = self.plan.nodes.iter().take(64);
        let shifted = nodes.clone().map(|node| node.shifted);
        let failed = nodes.map(|node| self.fails_in(node.zone));
        let bits = |flags: &mut dyn Iterator<Item = bool>| {
            flags.enumerate().fold(0_u64, |bits, (place, flag)| bits | u64::from(flag) << place)
        };
        let (shifted, failed) = (bits(&mut shifted.into_iter()), bits(&mut failed.into_iter()));
        let all = bits(&mut self.plan.nodes.iter().take(64).map(|_| true));
        // With all of them gone the name would lead nowhere: then they stay.
        let out = [shifted | failed, shifted].into_iter().find(|out| *out != all);
        context.post_notice(out.unwrap_or(0));
    }

    /// Whether a target group has too few healthy targets for the node in `zone`.
    fn fails_in(&self, zone: u16) -> bool {
        let mut groups = self.plan.groups.iter().enumerate();
        groups.any(|(index, group)| {
            let usable = self.usable(index, zone);
            let is_healthy = |place: &&usize| self.health[index][**place] == TargetHealth::Healthy;
            !group.dns_failover.is_met(usable.iter().filter(is_healthy).count(), usable.len())
        })
    }
}

fn request(http: &HttpPlan, node: Ipv4Addr) -> Vec<u8> {
    let HttpPlan { path, listener_port, .. } = http;
    format!(
        "GET {path} HTTP/1.1\r\nHost: {node}:{listener_port}\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n"
    )
    .into_bytes()
}

fn status_code(line: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    text.get(2..)?.parse().ok()
}
