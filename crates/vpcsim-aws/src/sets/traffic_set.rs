//! Sets of traffic: unions of boxes over protocol, source port and service.

use std::fmt;

use smallvec::SmallVec;
use vpcsim_wire::{Protocol, icmp};

use crate::traffic::{PortRange, Traffic};

/// The protocols that have an answer of their own, and ICMP.
const KNOWN: [Protocol; 3] = [Protocol::ICMP, Protocol::TCP, Protocol::UDP];

/// An inclusive range of protocol numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolRange {
    /// The lowest number.
    pub first: u8,
    /// The highest number.
    pub last: u8,
}

impl ProtocolRange {
    /// Every protocol.
    pub const ALL: Self = Self {
        first: 0,
        last: u8::MAX,
    };

    /// One protocol.
    pub const fn single(protocol: Protocol) -> Self {
        Self {
            first: protocol.0,
            last: protocol.0,
        }
    }

    /// Whether the protocol lies in it.
    pub const fn contains(self, protocol: Protocol) -> bool {
        self.first <= protocol.0 && protocol.0 <= self.last
    }
}

/// Traffic with a range in each of three dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrafficBox {
    /// The protocols.
    pub protocols: ProtocolRange,
    /// The service: the destination port of TCP and UDP, of ICMP the type in the high byte and the code in the low one.
    pub service: PortRange,
    /// The source port of TCP and UDP; every one for what has none.
    pub source: PortRange,
}

impl fmt::Display for ProtocolRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { first, last } if first == last => write!(f, "{first}"),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

impl TrafficBox {
    /// Everything.
    pub const ALL: Self = Self {
        protocols: ProtocolRange::ALL,
        service: PortRange::ALL,
        source: PortRange::ALL,
    };

    /// A service of one protocol, from any port.
    pub const fn service(protocol: Protocol, service: PortRange) -> Self {
        Self {
            protocols: ProtocolRange::single(protocol),
            service,
            source: PortRange::ALL,
        }
    }

    fn intersection(self, other: Self) -> Option<Self> {
        let protocols = ProtocolRange {
            first: self.protocols.first.max(other.protocols.first),
            last: self.protocols.last.min(other.protocols.last),
        };
        let service = common(self.service, other.service)?;
        let source = common(self.source, other.source)?;
        (protocols.first <= protocols.last).then_some(Self {
            protocols,
            service,
            source,
        })
    }

    fn covers(self, other: Self) -> bool {
        self.intersection(other) == Some(other)
    }

    /// What is left without `taken`: at most six boxes that have nothing in common.
    fn without(self, taken: Self, left: &mut impl FnMut(Self)) {
        let Some(common) = self.intersection(taken) else {
            left(self);
            return;
        };
        let mut rest = self;
        if rest.protocols.first < common.protocols.first {
            let last = common.protocols.first - 1;
            left(Self {
                protocols: ProtocolRange {
                    last,
                    ..rest.protocols
                },
                ..rest
            });
        }
        if common.protocols.last < rest.protocols.last {
            let first = common.protocols.last + 1;
            left(Self {
                protocols: ProtocolRange {
                    first,
                    ..rest.protocols
                },
                ..rest
            });
        }
        rest.protocols = common.protocols;
        for service in around(rest.service, common.service) {
            left(Self { service, ..rest });
        }
        rest.service = common.service;
        for source in around(rest.source, common.source) {
            left(Self { source, ..rest });
        }
    }
}

fn common(one: PortRange, other: PortRange) -> Option<PortRange> {
    let range = PortRange {
        first: one.first.max(other.first),
        last: one.last.min(other.last),
    };
    (range.first <= range.last).then_some(range)
}

/// What of `range` lies below and above `inner`, which is a part of it.
fn around(range: PortRange, inner: PortRange) -> impl Iterator<Item = PortRange> {
    let below = (range.first < inner.first).then(|| PortRange {
        first: range.first,
        last: inner.first - 1,
    });
    let above = (inner.last < range.last).then(|| PortRange {
        first: inner.last + 1,
        last: range.last,
    });
    below.into_iter().chain(above)
}

impl From<Traffic> for TrafficBox {
    fn from(traffic: Traffic) -> Self {
        match traffic {
            Traffic::All => Self::ALL,
            Traffic::Tcp(ports) => Self::service(Protocol::TCP, ports),
            Traffic::Udp(ports) => Self::service(Protocol::UDP, ports),
            Traffic::Icmp { icmp_type, icmp_code } => {
                Self::service(Protocol::ICMP, icmp_range(icmp_type, icmp_code))
            }
            Traffic::Other(protocol) => Self::service(protocol, PortRange::ALL),
        }
    }
}

/// ICMP messages as a range of services; a code without a type, which no rule can ask for, stands for every message.
pub fn icmp_range(icmp_type: Option<u8>, icmp_code: Option<u8>) -> PortRange {
    let of = |icmp_type: u8, code: u8| u16::from_be_bytes([icmp_type, code]);
    match (icmp_type, icmp_code) {
        (Some(icmp_type), Some(code)) => PortRange::single(of(icmp_type, code)),
        (Some(icmp_type), None) => PortRange {
            first: of(icmp_type, 0),
            last: of(icmp_type, u8::MAX),
        },
        (None, _) => PortRange::ALL,
    }
}

/// A set of traffic: boxes that have nothing in common.
#[derive(Clone, Debug, Default)]
pub struct TrafficSet {
    boxes: SmallVec<[TrafficBox; 4]>,
}

impl PartialEq for TrafficSet {
    fn eq(&self, other: &Self) -> bool {
        self.boxes == other.boxes || self.without(other).is_empty() && other.without(self).is_empty()
    }
}

impl Eq for TrafficSet {}

impl TrafficSet {
    /// Nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Everything.
    pub fn everything() -> Self {
        TrafficBox::ALL.into()
    }

    /// Its boxes, which have nothing in common.
    pub fn boxes(&self) -> &[TrafficBox] {
        &self.boxes
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    /// Whether this very traffic is in it.
    pub fn contains(&self, protocol: Protocol, source_port: u16, service: u16) -> bool {
        self.boxes.iter().any(|part| {
            part.protocols.contains(protocol)
                && part.source.contains(source_port)
                && part.service.contains(service)
        })
    }

    /// Whether all of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        other.without(self).is_empty()
    }

    /// How many kinds of traffic are in it: protocols times services times source ports.
    pub fn volume(&self) -> u64 {
        let size = |first: u16, last: u16| u64::from(last - first) + 1;
        let of = |part: &TrafficBox| {
            let protocols = u64::from(part.protocols.last - part.protocols.first) + 1;
            protocols
                * size(part.service.first, part.service.last)
                * size(part.source.first, part.source.last)
        };
        self.boxes.iter().map(of).sum()
    }

    /// Adds all of `other`, which has nothing in common with it.
    pub fn append(&mut self, other: &Self) {
        debug_assert!(
            self.intersection(other).is_empty(),
            "the boxes of a set have nothing in common"
        );
        self.boxes.extend_from_slice(&other.boxes);
    }

    /// Adds a box.
    pub fn add(&mut self, added: TrafficBox) {
        if self.boxes.iter().any(|part| part.covers(added)) {
            return;
        }
        let mut fresh: SmallVec<[TrafficBox; 4]> = SmallVec::from_slice(&[added]);
        for part in &self.boxes {
            fresh = without(&fresh, *part);
        }
        self.boxes.extend(fresh);
    }

    /// Adds all of `other`.
    pub fn unite(&mut self, other: &Self) {
        for part in &other.boxes {
            self.add(*part);
        }
    }

    /// What both have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut boxes = SmallVec::new();
        for one in &self.boxes {
            boxes.extend(other.boxes.iter().filter_map(|part| one.intersection(*part)));
        }
        Self { boxes }
    }

    /// What lies in a box.
    #[must_use]
    pub fn within(&self, limits: TrafficBox) -> Self {
        Self {
            boxes: self
                .boxes
                .iter()
                .filter_map(|part| part.intersection(limits))
                .collect(),
        }
    }

    /// What is left without a box.
    #[must_use]
    pub fn without_box(&self, taken: TrafficBox) -> Self {
        Self {
            boxes: without(&self.boxes, taken),
        }
    }

    /// What is left without `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let boxes = other
            .boxes
            .iter()
            .fold(self.boxes.clone(), |left, part| without(&left, *part));
        Self { boxes }
    }

    /// The same services from any port.
    #[must_use]
    pub fn from_any_port(&self) -> Self {
        self.boxes
            .iter()
            .map(|part| TrafficBox {
                source: PortRange::ALL,
                ..*part
            })
            .collect()
    }

    /// The services of `question` that are in the set from every port that the question asks for.
    #[must_use]
    pub fn from_every_port_of(&self, question: &Self) -> Self {
        let missing = question.without(self);
        if missing.is_empty() {
            question.clone()
        } else {
            question.without(&missing.from_any_port())
        }
    }

    /// What an answer to such traffic looks like on the wire. Traffic that has no answer of its own is not in it.
    #[must_use]
    pub fn answers(&self) -> Self {
        self.turned(icmp::ECHO_REQUEST, icmp::ECHO_REPLY)
    }

    /// What such answers answer: the reverse of [`answers`](Self::answers).
    #[must_use]
    pub fn questions(&self) -> Self {
        self.turned(icmp::ECHO_REPLY, icmp::ECHO_REQUEST)
    }

    fn turned(&self, from: u8, to: u8) -> Self {
        let mut turned = Self::nothing();
        for part in &self.boxes {
            for protocol in [Protocol::TCP, Protocol::UDP] {
                if part.protocols.contains(protocol) {
                    let protocols = ProtocolRange::single(protocol);
                    turned.boxes.push(TrafficBox {
                        protocols,
                        service: part.source,
                        source: part.service,
                    });
                }
            }
            let echo = TrafficBox::service(Protocol::ICMP, icmp_range(Some(from), None));
            if let Some(TrafficBox { service, source, .. }) = part.intersection(echo) {
                let code = |service: u16| u16::from_be_bytes([to, service.to_be_bytes()[1]]);
                let service = PortRange {
                    first: code(service.first),
                    last: code(service.last),
                };
                turned.boxes.push(TrafficBox {
                    protocols: ProtocolRange::single(Protocol::ICMP),
                    service,
                    source,
                });
            }
        }
        turned
    }

    /// The part that nothing answers: other protocols than TCP and UDP, and ICMP but its echo requests.
    #[must_use]
    pub fn unanswered(&self) -> Self {
        let echo = TrafficBox::service(Protocol::ICMP, icmp_range(Some(icmp::ECHO_REQUEST), None));
        let answered = [Traffic::Tcp(PortRange::ALL), Traffic::Udp(PortRange::ALL)].map(TrafficBox::from);
        self.without_box(answered[0])
            .without_box(answered[1])
            .without_box(echo)
    }

    /// The services of a protocol, whatever their source ports, as ranges in ascending order.
    pub fn services(&self, protocol: Protocol) -> Vec<PortRange> {
        let parts = self.boxes.iter().filter(|part| part.protocols.contains(protocol));
        let mut ranges: Vec<PortRange> = parts.map(|part| part.service).collect();
        ranges.sort_unstable();
        ranges.dedup_by(|later, earlier| {
            let joins = u32::from(later.first) <= u32::from(earlier.last) + 1;
            if joins {
                earlier.last = earlier.last.max(later.last);
            }
            joins
        });
        ranges
    }

    /// The protocols in it but TCP, UDP and ICMP, as ranges in ascending order.
    pub fn other_protocols(&self) -> Vec<ProtocolRange> {
        let is_in = |number: u8| {
            !KNOWN.contains(&Protocol(number))
                && self
                    .boxes
                    .iter()
                    .any(|part| part.protocols.contains(Protocol(number)))
        };
        let mut ranges: Vec<ProtocolRange> = Vec::new();
        for number in (0..=u8::MAX).filter(|number| is_in(*number)) {
            match ranges.last_mut() {
                Some(range) if range.last.checked_add(1) == Some(number) => range.last = number,
                _ => ranges.push(ProtocolRange {
                    first: number,
                    last: number,
                }),
            }
        }
        ranges
    }
}

fn without(boxes: &[TrafficBox], taken: TrafficBox) -> SmallVec<[TrafficBox; 4]> {
    let mut left = SmallVec::new();
    for part in boxes {
        part.without(taken, &mut |piece| left.push(piece));
    }
    left
}

impl From<TrafficBox> for TrafficSet {
    fn from(part: TrafficBox) -> Self {
        Self {
            boxes: SmallVec::from_slice(&[part]),
        }
    }
}

impl From<Traffic> for TrafficSet {
    fn from(traffic: Traffic) -> Self {
        TrafficBox::from(traffic).into()
    }
}

impl FromIterator<TrafficBox> for TrafficSet {
    fn from_iter<I: IntoIterator<Item = TrafficBox>>(boxes: I) -> Self {
        let mut set = Self::nothing();
        boxes.into_iter().for_each(|part| set.add(part));
        set
    }
}

/// As a person would list it: `tcp 22, 443; udp 53; icmp`.
impl fmt::Display for TrafficSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        let parts = self.words();
        match parts.as_slice() {
            [tcp, udp, icmp, other]
                if tcp == "tcp" && udp == "udp" && icmp == "icmp" && other == "other protocols" =>
            {
                f.write_str("all")
            }
            parts => f.write_str(&parts.join("; ")),
        }
    }
}

impl TrafficSet {
    /// For each protocol in it, its services in words.
    pub fn words(&self) -> Vec<String> {
        let mut parts = Vec::new();
        for protocol in [Protocol::TCP, Protocol::UDP] {
            let ranges = self.services(protocol);
            match ranges.as_slice() {
                [] => {}
                [PortRange::ALL] => parts.push(protocol.to_string()),
                ranges => parts.push(format!(
                    "{protocol} {}",
                    listed(ranges.iter().map(PortRange::to_string))
                )),
            }
        }
        match self.services(Protocol::ICMP).as_slice() {
            [] => {}
            [PortRange::ALL] => parts.push("icmp".to_owned()),
            ranges => parts.push(format!(
                "icmp {}",
                listed(ranges.iter().map(|range| icmp_words(*range)))
            )),
        }
        let others = self.other_protocols();
        let count: usize = others
            .iter()
            .map(|range| usize::from(range.last - range.first) + 1)
            .sum();
        if count == 256 - KNOWN.len() {
            parts.push("other protocols".to_owned());
        } else if count > 0 {
            let words = others.iter().map(ProtocolRange::to_string);
            parts.push(format!("protocol {}", listed(words)));
        }
        parts
    }
}

fn listed(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// `8`, `3/4`, `9-255`: types, with a code where not every code is meant.
fn icmp_words(range: PortRange) -> String {
    let ([first, first_code], [last, last_code]) = (range.first.to_be_bytes(), range.last.to_be_bytes());
    match (first_code, last_code) {
        (0, u8::MAX) if first == last => first.to_string(),
        (0, u8::MAX) => format!("{first}-{last}"),
        _ if range.first == range.last => format!("{first}/{first_code}"),
        _ => format!("{first}/{first_code}-{last}/{last_code}"),
    }
}

#[cfg(test)]
mod tests {
    use vpcsim_engine::Random;

    use super::*;

    fn tcp(first: u16, last: u16) -> TrafficBox {
        Traffic::Tcp(PortRange { first, last }).into()
    }

    fn random_range(random: &mut Random) -> PortRange {
        let (one, other) = ((random.next_u64() % 12) as u16, (random.next_u64() % 12) as u16);
        PortRange {
            first: one.min(other),
            last: one.max(other),
        }
    }

    fn random_set(random: &mut Random) -> TrafficSet {
        let count = random.next_u64() % 4;
        let part = |random: &mut Random| {
            let protocols = random_range(random);
            TrafficBox {
                protocols: ProtocolRange {
                    first: protocols.first as u8,
                    last: protocols.last as u8,
                },
                service: random_range(random),
                source: random_range(random),
            }
        };
        (0..count).map(|_| part(random)).collect()
    }

    /// Every point of a small space, as each set has it.
    fn points(sets: &[&TrafficSet]) -> Vec<Vec<bool>> {
        let mut all = Vec::new();
        for protocol in 0..13 {
            for source in 0..13 {
                for service in 0..13 {
                    all.push(
                        sets.iter()
                            .map(|set| set.contains(Protocol(protocol), source, service))
                            .collect(),
                    );
                }
            }
        }
        all
    }

    #[test]
    fn operations_agree_with_a_look_at_every_point() {
        let mut random = Random::new(7, 0);
        for _ in 0..200 {
            let (one, other) = (random_set(&mut random), random_set(&mut random));
            let mut union = one.clone();
            union.unite(&other);
            let (both, rest) = (one.intersection(&other), one.without(&other));
            for point in points(&[&one, &other, &union, &both, &rest]) {
                let [one, other, union, both, rest] = point[..] else {
                    unreachable!("five sets were asked")
                };
                assert_eq!((union, both, rest), (one || other, one && other, one && !other));
            }
            assert_eq!(one.covers(&other), other.without(&one).is_empty());
        }
    }

    #[test]
    fn boxes_of_a_set_have_nothing_in_common() {
        let mut random = Random::new(8, 0);
        for _ in 0..200 {
            let set = random_set(&mut random);
            for (index, one) in set.boxes().iter().enumerate() {
                assert!(
                    set.boxes()[..index]
                        .iter()
                        .all(|other| one.intersection(*other).is_none()),
                    "{set:?}"
                );
            }
        }
    }

    #[test]
    fn service_counts_only_from_every_port_asked_for() {
        let question: TrafficSet = TrafficBox {
            source: PortRange {
                first: 32_768,
                last: 60_999,
            },
            ..tcp(80, 90)
        }
        .into();
        let mut set: TrafficSet = tcp(80, 85).into();
        set.add(TrafficBox {
            source: PortRange {
                first: 1_024,
                last: 50_000,
            },
            ..tcp(86, 90)
        });
        assert_eq!(set.from_every_port_of(&question).to_string(), "tcp 80-85");
        assert_eq!(TrafficSet::everything().from_every_port_of(&question), question);
    }

    #[test]
    fn answers_come_from_the_service_to_the_source_port() {
        let question: TrafficSet = TrafficBox {
            source: PortRange::single(40_000),
            ..tcp(443, 443)
        }
        .into();
        assert!(question.answers().contains(Protocol::TCP, 443, 40_000));
        assert_eq!(question.answers().questions(), question);
        let ping = TrafficSet::from(Traffic::Icmp {
            icmp_type: Some(8),
            icmp_code: Some(0),
        });
        assert!(ping.answers().contains(Protocol::ICMP, 0, 0));
        let redirect = TrafficSet::from(Traffic::Icmp {
            icmp_type: Some(5),
            icmp_code: None,
        });
        assert!(redirect.answers().is_empty() && redirect.unanswered() == redirect);
    }

    #[test]
    fn set_reads_as_a_person_would_list_it() {
        let mut set: TrafficSet = [tcp(443, 443), tcp(22, 22)].into_iter().collect();
        set.add(Traffic::Udp(PortRange::ALL).into());
        set.add(
            Traffic::Icmp {
                icmp_type: Some(8),
                icmp_code: None,
            }
            .into(),
        );
        set.add(Traffic::Other(Protocol::GRE).into());
        assert_eq!(set.to_string(), "tcp 22, 443; udp; icmp 8; protocol 47");
        assert_eq!(TrafficSet::everything().to_string(), "all");
        assert_eq!(TrafficSet::nothing().to_string(), "nothing");
    }
}
