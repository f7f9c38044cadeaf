//! The translations of a NAT gateway: which inside flow has which address and port outside, and until when.
//!
//! State without packets and nodes: the [device](super::device) asks it about summaries. A mapping takes two entries of 32
//! bytes, one for each direction. Each waits in a timing wheel for its end, so that what expires does so to the
//! nanosecond, whenever it is looked at.

use std::net::Ipv4Addr;

use vpcsim_engine::{DropReason, FlowTable, Span, Time, TimingWheel};
use vpcsim_wire::{FlowKey, Protocol, Summary, icmp};

use crate::drop_reason;

/// After so long without a packet a mapping is forgotten (NAT-12).
pub const IDLE_TIMEOUT: Span = Span::from_secs(350);
/// For so long the port of a closed connection is held back (NAT-16: unpublished).
pub const CLOSED_HOLD: Span = Span::from_secs(60);
/// Mappings of one address to one destination address, port and protocol (NAT-08).
pub const CONNECTIONS_MAX: u16 = 55_000;
/// The lowest port given out; the highest is 65,535 (NAT-07).
pub const PORT_MIN: u16 = 1024;
/// For so long the later fragments of a datagram find the way of the first.
const FRAGMENT_LIFETIME: Span = Span::from_secs(30);

/// Slots that each new datagram in fragments looks at for old ones.
const SWEEP_BUDGET: usize = 4;

/// Sets a bit in the keys of fragments, since no key may be zero.
const PRESENT: u32 = 1;

const ESTABLISHED: u8 = 1;
const FIN_FROM_INSIDE: u8 = 2;
const FIN_FROM_OUTSIDE: u8 = 4;
const CLOSED: u8 = 8;

/// What the source of an outgoing or the destination of an incoming packet becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The address.
    pub address: Ipv4Addr,
    /// The port or the identifier, for packets that have one.
    pub port: Option<u16>,
}

impl Translation {
    /// Both in one number, to be compared later.
    pub(super) fn token(self) -> u64 {
        u64::from(self.address.to_bits()) << 32 | u64::from(self.port.unwrap_or_default())
    }

    /// Of a packet with ports, from such a number.
    pub(super) fn from_token(token: u64) -> Self {
        Self {
            address: Ipv4Addr::from_bits((token >> 32) as u32),
            port: Some(token as u16),
        }
    }
}

/// Who sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Inside,
    Outside,
}

/// One inside flow's place outside.
#[derive(Clone, Copy, Debug)]
struct Mapping {
    last_seen: Time,
    /// Tells the deadline in the wheel that counts from older ones.
    generation: u32,
    port: u16,
    address_index: u8,
    flags: u8,
}

impl Mapping {
    const fn is(self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    fn ends(self) -> Time {
        self.last_seen + if self.is(CLOSED) { CLOSED_HOLD } else { IDLE_TIMEOUT }
    }
}

#[derive(Clone, Copy, Debug)]
struct Inside {
    address: Ipv4Addr,
    port: u16,
}

/// The ports of one address towards one destination.
#[derive(Clone, Copy, Debug)]
struct Pool {
    next: u16,
    used_count: u16,
}

#[derive(Clone, Copy, Debug)]
struct FragmentWay {
    expires: Time,
    address: Ipv4Addr,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    inside_key: u128,
    generation: u32,
}

/// How many connections there were and what became of them (NAT-34).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// TCP connections that are open now.
    pub active: u64,
    /// TCP connections that the inside tried to open.
    pub attempts: u64,
    /// Those that the outside accepted.
    pub established: u64,
    /// Mappings of any protocol that found no free port.
    pub port_allocation_errors: u64,
    /// TCP connections forgotten for their idleness.
    pub idle_timeouts: u64,
}

/// The translations of one NAT gateway.
#[derive(Clone, Debug)]
pub struct TranslationTable {
    addresses: Vec<Ipv4Addr>,
    by_inside: FlowTable<Mapping>,
    by_outside: FlowTable<Inside>,
    pools: FlowTable<Pool>,
    fragments: FlowTable<FragmentWay>,
    /// Made with the first mapping: an empty wheel takes 16 kB, and most gateways of a large design stay idle.
    deadlines: Option<Box<TimingWheel<Deadline>>>,
    generation: u32,
    counts: ConnectionCounts,
}

impl TranslationTable {
    /// An empty table that gives out ports of these addresses, the first ones first.
    pub fn new(addresses: Vec<Ipv4Addr>) -> Self {
        Self {
            addresses,
            by_inside: FlowTable::new(),
            by_outside: FlowTable::new(),
            pools: FlowTable::new(),
            fragments: FlowTable::new(),
            deadlines: None,
            generation: 0,
            counts: ConnectionCounts::default(),
        }
    }

    /// How many mappings there are, those of closed connections among them.
    pub fn len(&self) -> usize {
        self.by_inside.len()
    }

    /// Whether there is no mapping.
    pub fn is_empty(&self) -> bool {
        self.by_inside.is_empty()
    }

    /// How many connections there were.
    pub const fn counts(&self) -> ConnectionCounts {
        self.counts
    }

    /// The source that a packet from inside gets; opens a mapping for a TCP SYN, a UDP datagram and an ICMP request.
    ///
    /// # Errors
    /// Why it does not go out.
    pub fn translate_outgoing(&mut self, now: Time, packet: &Summary) -> Result<Translation, DropReason> {
        self.expire(now);
        check_fragment(packet)?;
        if packet.is_later_fragment() {
            return self.follow_fragment(now, packet);
        }
        if packet.is_icmp() && !opens(packet) {
            return Err(drop_reason::NAT_NO_STATE);
        }
        let mapping = match self.by_inside.find(packet.key.0).copied() {
            Some(mapping) => self.track(now, packet, mapping, Side::Inside),
            None if opens(packet) => self.open(now, packet)?,
            None => return Err(drop_reason::NAT_NO_STATE),
        };
        let translation = self.outside_of(mapping);
        self.remember_fragment(now, packet, translation.address);
        Ok(translation)
    }

    /// The destination that a packet from outside gets.
    ///
    /// # Errors
    /// Why it does not go in.
    pub fn translate_incoming(&mut self, now: Time, packet: &Summary) -> Result<Translation, DropReason> {
        self.expire(now);
        check_fragment(packet)?;
        if packet.is_later_fragment() {
            return self.follow_fragment(now, packet);
        }
        if packet.is_icmp() && opens(packet) {
            return Err(drop_reason::NAT_NO_STATE);
        }
        let inside = self.by_outside.find(packet.key.0).copied();
        let inside = inside.ok_or(drop_reason::NAT_NO_STATE)?;
        let key = inside_key(packet.key, inside);
        if let Some(mapping) = self.by_inside.find(key.0).copied() {
            self.track(now, packet, mapping, Side::Outside);
        }
        self.remember_fragment(now, packet, inside.address);
        Ok(inside.into())
    }

    /// As [`TranslationTable::translate_outgoing`] for a whole packet of a mapping that gives it this source; false if none does.
    pub fn proceed_outgoing(&mut self, now: Time, packet: &Summary, source: Translation) -> bool {
        self.expire(now);
        let mapping = self.by_inside.find(packet.key.0).copied();
        let Some(mapping) = mapping.filter(|mapping| self.outside_of(*mapping) == source) else {
            return false;
        };
        self.track(now, packet, mapping, Side::Inside);
        true
    }

    /// As [`TranslationTable::translate_incoming`] for a whole packet of a mapping that gives it this destination; false if none does.
    pub fn proceed_incoming(&mut self, now: Time, packet: &Summary, destination: Translation) -> bool {
        self.expire(now);
        let inside = self.by_outside.find(packet.key.0).copied();
        let Some(inside) = inside.filter(|inside| Translation::from(*inside) == destination) else {
            return false;
        };
        if let Some(mapping) = self.by_inside.find(inside_key(packet.key, inside).0).copied() {
            self.track(now, packet, mapping, Side::Outside);
        }
        true
    }

    /// The receiver of the packet `inner` that an ICMP error from inside is about, as the outside knows it.
    pub fn translate_outgoing_error(&mut self, now: Time, inner: &Summary) -> Option<Translation> {
        self.expire(now);
        let mapping = self.by_inside.find(inner.key.reversed().0).copied()?;
        Some(self.outside_of(mapping))
    }

    /// The sender of the packet `inner` that an ICMP error from outside is about, as the inside knows it.
    pub fn translate_incoming_error(&mut self, now: Time, inner: &Summary) -> Option<Translation> {
        self.expire(now);
        self.by_outside
            .find(inner.key.reversed().0)
            .map(|inside| (*inside).into())
    }

    /// Forgets the mappings whose time is over.
    #[inline]
    pub fn expire(&mut self, now: Time) {
        let first = self.deadlines.as_ref().and_then(|deadlines| deadlines.peek_time());
        if first.is_some_and(|first_ns| first_ns <= now.as_ns()) {
            self.expire_some(now);
        }
    }

    #[cold]
    fn expire_some(&mut self, now: Time) {
        while let Some(deadline) = self.due(now) {
            let Some(mapping) = self.by_inside.find(deadline.inside_key).copied() else {
                continue;
            };
            if mapping.generation != deadline.generation {
                continue;
            }
            if mapping.ends() > now {
                self.push_deadline(mapping.ends(), deadline);
            } else {
                self.close(FlowKey(deadline.inside_key), mapping);
            }
        }
    }

    fn outside_of(&self, mapping: Mapping) -> Translation {
        Translation {
            address: self.addresses[usize::from(mapping.address_index)],
            port: Some(mapping.port),
        }
    }

    fn open(&mut self, now: Time, packet: &Summary) -> Result<Mapping, DropReason> {
        let key = packet.key;
        let Some((address_index, port)) = self.allocate(key) else {
            self.counts.port_allocation_errors += 1;
            return Err(drop_reason::NAT_PORT_EXHAUSTED);
        };
        if packet.is_tcp() {
            self.counts.attempts += 1;
            self.counts.active += 1;
        }
        let mapping = Mapping {
            last_seen: now,
            generation: self.next_generation(),
            port,
            address_index,
            flags: 0,
        };
        self.store(key, mapping);
        self.wait_for_end(key, mapping);
        Ok(mapping)
    }

    /// The next free port towards the destination, of the first address that has one left, given to the sender of the flow.
    fn allocate(&mut self, key: FlowKey) -> Option<(u8, u16)> {
        let inside = Inside {
            address: key.source(),
            port: key.source_port(),
        };
        for (index, &address) in self.addresses.iter().enumerate() {
            let pool = self.pools.find_or_insert(pool_key(key, address).0, Pool {
                next: PORT_MIN,
                used_count: 0,
            })?;
            if pool.used_count >= CONNECTIONS_MAX {
                continue;
            }
            while !self.by_outside.insert_new(outside_key(key, address, pool.next).0, inside) {
                pool.next = following(pool.next);
            }
            let port = pool.next;
            pool.next = following(port);
            pool.used_count += 1;
            return Some((index as u8, port));
        }
        None
    }

    /// Notes a packet of a mapping, and what its flags say about the connection.
    fn track(&mut self, now: Time, packet: &Summary, mut mapping: Mapping, side: Side) -> Mapping {
        let key = match side {
            Side::Inside => packet.key,
            Side::Outside => {
                let inside = self.by_outside.find(packet.key.0).copied();
                inside.map_or(packet.key, |inside| inside_key(packet.key, inside))
            }
        };
        if mapping.is(CLOSED) {
            if side == Side::Inside && packet.is_syn() {
                self.reopen(now, key, &mut mapping);
            }
            return mapping;
        }
        mapping.last_seen = now;
        if packet.is_tcp() {
            self.follow_connection(packet, &mut mapping, side);
        }
        if mapping.is(CLOSED) {
            mapping.generation = self.next_generation();
            self.wait_for_end(key, mapping);
        }
        self.store(key, mapping);
        mapping
    }

    fn follow_connection(&mut self, packet: &Summary, mapping: &mut Mapping, side: Side) {
        if side == Side::Outside && packet.is_syn_ack() && !mapping.is(ESTABLISHED) {
            mapping.flags |= ESTABLISHED;
            self.counts.established += 1;
        }
        if packet.is_fin() {
            mapping.flags |= match side {
                Side::Inside => FIN_FROM_INSIDE,
                Side::Outside => FIN_FROM_OUTSIDE,
            };
        }
        if packet.is_rst() || mapping.is(FIN_FROM_INSIDE | FIN_FROM_OUTSIDE) {
            mapping.flags |= CLOSED;
            self.counts.active -= 1;
        }
    }

    /// The inside opens a connection between the same ends anew, before its old port was free again.
    fn reopen(&mut self, now: Time, key: FlowKey, mapping: &mut Mapping) {
        self.counts.attempts += 1;
        self.counts.active += 1;
        mapping.last_seen = now;
        mapping.flags = 0;
        mapping.generation = self.next_generation();
        self.wait_for_end(key, *mapping);
        self.store(key, *mapping);
    }

    fn close(&mut self, key: FlowKey, mapping: Mapping) {
        let address = self.addresses[usize::from(mapping.address_index)];
        self.by_inside.remove(key.0);
        self.by_outside.remove(outside_key(key, address, mapping.port).0);
        if key.protocol() == Protocol::TCP && !mapping.is(CLOSED) {
            self.counts.active -= 1;
            self.counts.idle_timeouts += 1;
        }
        let pool_key = pool_key(key, address);
        let Some(pool) = self.pools.find_mut(pool_key.0) else {
            return;
        };
        pool.used_count -= 1;
        if pool.used_count == 0 {
            self.pools.remove(pool_key.0);
        }
    }

    fn store(&mut self, key: FlowKey, mapping: Mapping) {
        self.by_inside.insert(key.0, mapping);
    }

    fn wait_for_end(&mut self, key: FlowKey, mapping: Mapping) {
        let deadline = Deadline {
            inside_key: key.0,
            generation: mapping.generation,
        };
        self.push_deadline(mapping.ends(), deadline);
    }

    fn push_deadline(&mut self, end: Time, deadline: Deadline) {
        let deadlines = self.deadlines.get_or_insert_with(|| Box::new(TimingWheel::new()));
        deadlines.push(end.as_ns(), deadline);
    }

    /// Takes the next deadline that is over.
    #[inline]
    fn due(&mut self, now: Time) -> Option<Deadline> {
        let (_, deadline) = self.deadlines.as_mut()?.pop_before(now.as_ns())?;
        Some(deadline)
    }

    fn next_generation(&mut self) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        self.generation
    }

    fn remember_fragment(&mut self, now: Time, packet: &Summary, address: Ipv4Addr) {
        if packet.is_first_fragment() {
            self.fragments.expire_some(SWEEP_BUDGET, |_, way| way.expires <= now);
            let expires = now + FRAGMENT_LIFETIME;
            self.fragments
                .insert(fragment_key(packet), FragmentWay { expires, address });
        }
    }

    fn follow_fragment(&self, now: Time, packet: &Summary) -> Result<Translation, DropReason> {
        let way = self.fragments.find(fragment_key(packet));
        let way = way.filter(|way| now < way.expires).ok_or(drop_reason::NAT_NO_STATE)?;
        Ok(Translation {
            address: way.address,
            port: None,
        })
    }
}

impl From<Inside> for Translation {
    fn from(inside: Inside) -> Self {
        Self {
            address: inside.address,
            port: Some(inside.port),
        }
    }
}

/// Of TCP and ICMP only whole packets are translated (NAT-21).
fn check_fragment(packet: &Summary) -> Result<(), DropReason> {
    if packet.is_fragment() && !packet.is_udp() {
        return Err(drop_reason::NAT_FRAGMENT);
    }
    Ok(())
}

/// Whether a packet from inside may begin a flow.
fn opens(packet: &Summary) -> bool {
    match packet.protocol() {
        Protocol::TCP => packet.is_syn() && !packet.is_rst(),
        Protocol::ICMP => matches!(packet.icmp_type, icmp::ECHO_REQUEST | icmp::TIMESTAMP_REQUEST),
        protocol => protocol == Protocol::UDP,
    }
}

const fn following(port: u16) -> u16 {
    if port == u16::MAX { PORT_MIN } else { port + 1 }
}

/// The key of the answers that come from outside; an ICMP answer has the identifier at both ends.
fn outside_key(inside: FlowKey, address: Ipv4Addr, port: u16) -> FlowKey {
    let far_port = match inside.protocol() {
        Protocol::ICMP => port,
        _ => inside.destination_port(),
    };
    FlowKey::new(inside.destination(), address, inside.protocol(), far_port, port)
}

fn inside_key(outside: FlowKey, inside: Inside) -> FlowKey {
    let far_port = match outside.protocol() {
        Protocol::ICMP => inside.port,
        _ => outside.source_port(),
    };
    FlowKey::new(inside.address, outside.source(), outside.protocol(), inside.port, far_port)
}

/// A destination, as ports are counted by: all ICMP flows to one address share it.
fn pool_key(inside: FlowKey, address: Ipv4Addr) -> FlowKey {
    let far_port = match inside.protocol() {
        Protocol::ICMP => 0,
        _ => inside.destination_port(),
    };
    FlowKey::new(address, inside.destination(), inside.protocol(), 0, far_port)
}

fn fragment_key(packet: &Summary) -> u128 {
    let (source, destination) = (packet.source(), packet.destination());
    FlowKey::new(source, destination, packet.protocol(), packet.identification, 0)
        .with_spare(PRESENT)
        .0
}

#[cfg(test)]
mod tests {
    use vpcsim_wire::{PacketBuilder, fragment, summarize, tcp};

    use super::*;
    use crate::stand::ip;

    const FAR: &str = "198.51.100.9";
    const NAT: &str = "10.0.0.220";

    fn table() -> TranslationTable {
        TranslationTable::new(vec![ip(NAT)])
    }

    fn at(s: u64) -> Time {
        Time::ZERO + Span::from_secs(s)
    }

    fn read(builder: &PacketBuilder) -> Summary {
        summarize(&builder.build()).unwrap()
    }

    fn out_tcp(port: u16, flags: u8) -> Summary {
        read(&PacketBuilder::tcp(ip("10.0.1.5"), port, ip(FAR), 443).flags(flags))
    }

    fn back_tcp(port: u16, flags: u8) -> Summary {
        read(&PacketBuilder::tcp(ip(FAR), 443, ip(NAT), port).flags(flags))
    }

    fn out_udp(from: &str, port: u16, to: &str) -> Summary {
        read(&PacketBuilder::udp(ip(from), port, ip(to), 53))
    }

    fn port_of(translation: Result<Translation, DropReason>) -> u16 {
        translation.unwrap().port.unwrap()
    }

    #[test]
    fn a_mapping_takes_32_bytes_for_each_direction() {
        assert!(size_of::<Mapping>() <= 16 && size_of::<Inside>() <= 16);
    }

    #[test]
    fn ports_ascend_from_1024_and_lead_back() {
        let mut table = table();
        assert_eq!(port_of(table.translate_outgoing(at(0), &out_tcp(500, tcp::SYN))), 1024);
        assert_eq!(port_of(table.translate_outgoing(at(0), &out_tcp(501, tcp::SYN))), 1025);
        assert_eq!(port_of(table.translate_outgoing(at(1), &out_tcp(500, tcp::ACK))), 1024, "stable");
        let back = table.translate_incoming(at(1), &back_tcp(1025, tcp::SYN | tcp::ACK));
        let inside = Translation {
            address: ip("10.0.1.5"),
            port: Some(501),
        };
        assert_eq!(back, Ok(inside));
    }

    #[test]
    fn the_mapped_port_is_closed_to_everybody_else() {
        let mut table = table();
        let port = port_of(table.translate_outgoing(at(0), &out_udp("10.0.1.5", 5000, FAR)));
        let stranger = read(&PacketBuilder::udp(ip("198.51.100.10"), 53, ip(NAT), port));
        assert_eq!(table.translate_incoming(at(0), &stranger), Err(drop_reason::NAT_NO_STATE));
        let other_port = read(&PacketBuilder::udp(ip(FAR), 54, ip(NAT), port));
        assert_eq!(table.translate_incoming(at(0), &other_port), Err(drop_reason::NAT_NO_STATE));
    }

    #[test]
    fn only_a_syn_opens_a_tcp_mapping() {
        let mut table = table();
        for flags in [tcp::SYN | tcp::ACK, tcp::ACK, tcp::RST, tcp::FIN | tcp::ACK] {
            let refused = table.translate_outgoing(at(0), &out_tcp(500, flags));
            assert_eq!(refused, Err(drop_reason::NAT_NO_STATE));
        }
        assert!(table.is_empty());
    }

    #[test]
    fn one_destination_takes_55000_mappings_of_each_address() {
        let mut table = TranslationTable::new(vec![ip(NAT), ip("10.0.0.221")]);
        let (mut seen, sources) = (rustc_hash::FxHashSet::default(), ["10.0.1.5", "10.0.1.6"]);
        for source in sources {
            for port in 1..=55_000 {
                let to = table.translate_outgoing(at(0), &out_udp(source, port, FAR)).unwrap();
                assert!(to.port.unwrap() >= PORT_MIN && seen.insert((to.address, to.port)));
            }
        }
        let next = out_udp("10.0.1.7", 1, FAR);
        assert_eq!(table.translate_outgoing(at(1), &next), Err(drop_reason::NAT_PORT_EXHAUSTED));
        assert_eq!(table.counts().port_allocation_errors, 1);
        assert!(table.translate_outgoing(at(1), &out_udp("10.0.1.7", 1, "198.51.100.10")).is_ok());
        assert!(table.translate_outgoing(at(350), &next).is_ok(), "all others are forgotten");
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn an_idle_mapping_ends_after_exactly_350_seconds() {
        let mut table = table();
        table.translate_outgoing(at(0), &out_tcp(500, tcp::SYN)).unwrap();
        let almost = at(350) - Span::from_ns(1);
        assert!(table.translate_incoming(almost, &back_tcp(1024, tcp::SYN | tcp::ACK)).is_ok());
        let last = almost + IDLE_TIMEOUT;
        assert!(table.clone().translate_outgoing(last - Span::from_ns(1), &out_tcp(500, tcp::ACK)).is_ok());
        let refused = table.translate_outgoing(last, &out_tcp(500, tcp::ACK));
        assert_eq!(refused, Err(drop_reason::NAT_NO_STATE));
        assert_eq!((table.counts().idle_timeouts, table.counts().active), (1, 0));
    }

    #[test]
    fn keepalives_from_either_side_hold_a_mapping() {
        let mut table = table();
        table.translate_outgoing(at(0), &out_tcp(500, tcp::SYN)).unwrap();
        for round in 1..12 {
            let now = at(round * 300);
            let kept = if round % 2 == 0 {
                table.translate_outgoing(now, &out_tcp(500, tcp::ACK))
            } else {
                table.translate_incoming(now, &back_tcp(1024, tcp::ACK))
            };
            assert!(kept.is_ok(), "{round}");
        }
        assert_eq!(table.deadlines.unwrap().len(), 1, "one deadline a mapping");
    }

    #[test]
    fn an_idle_udp_mapping_is_forgotten_and_made_anew() {
        let mut table = table();
        table.translate_outgoing(at(0), &out_udp("10.0.1.5", 5000, FAR)).unwrap();
        let answer = read(&PacketBuilder::udp(ip(FAR), 53, ip(NAT), 1024));
        assert_eq!(table.translate_incoming(at(351), &answer), Err(drop_reason::NAT_NO_STATE));
        assert!(table.translate_outgoing(at(351), &out_udp("10.0.1.5", 5000, FAR)).is_ok());
        assert_eq!(table.counts().idle_timeouts, 0, "counted for TCP only");
    }

    #[test]
    fn both_fins_close_a_connection_and_hold_its_port_for_a_minute() {
        let mut table = table();
        table.translate_outgoing(at(0), &out_tcp(500, tcp::SYN)).unwrap();
        table.translate_incoming(at(0), &back_tcp(1024, tcp::SYN | tcp::ACK)).unwrap();
        table.translate_outgoing(at(10), &out_tcp(500, tcp::FIN | tcp::ACK)).unwrap();
        assert_eq!(table.counts().active, 1, "half closed");
        table.translate_incoming(at(10), &back_tcp(1024, tcp::FIN | tcp::ACK)).unwrap();
        assert_eq!((table.counts().active, table.counts().established), (0, 1));
        assert!(table.translate_outgoing(at(69), &out_tcp(500, tcp::ACK)).is_ok(), "the last ACK passes");
        assert_eq!(port_of(table.translate_outgoing(at(69), &out_tcp(501, tcp::SYN))), 1025);
        assert!(table.translate_outgoing(at(70), &out_tcp(500, tcp::ACK)).is_err());
        assert_eq!(table.counts().idle_timeouts, 0);
    }

    #[test]
    fn a_reset_closes_and_a_new_syn_opens_the_connection_again() {
        let mut table = table();
        table.translate_outgoing(at(0), &out_tcp(500, tcp::SYN)).unwrap();
        table.translate_incoming(at(0), &back_tcp(1024, tcp::RST | tcp::ACK)).unwrap();
        assert_eq!(table.counts().active, 0);
        assert_eq!(port_of(table.translate_outgoing(at(30), &out_tcp(500, tcp::SYN))), 1024);
        assert_eq!((table.counts().active, table.counts().attempts), (1, 2));
        assert!(table.translate_outgoing(at(370), &out_tcp(500, tcp::ACK)).is_ok(), "no hold any more");
    }

    #[test]
    fn an_echo_has_an_identifier_of_its_own_outside() {
        let mut table = table();
        let request = read(&PacketBuilder::icmp_echo(ip("10.0.1.5"), ip(FAR), 7, 1));
        let outside = port_of(table.translate_outgoing(at(0), &request));
        assert_eq!(outside, 1024);
        let reply = read(&PacketBuilder::icmp_reply(ip(FAR), ip(NAT), outside, 1));
        assert_eq!(port_of(table.translate_incoming(at(0), &reply)), 7);
        let ping = read(&PacketBuilder::icmp_echo(ip(FAR), ip(NAT), outside, 1));
        assert!(table.translate_incoming(at(0), &ping).is_err(), "a request from outside is no answer");
    }

    #[test]
    fn later_udp_fragments_follow_the_first_and_others_are_dropped() {
        let mut table = table();
        let whole = PacketBuilder::udp(ip("10.0.1.5"), 5000, ip(FAR), 53).payload(&[0; 3000]).identification(9);
        let parts: Vec<_> = fragment(&whole.build(), 1500).unwrap().iter().map(|part| summarize(part).unwrap()).collect();
        assert_eq!(table.translate_outgoing(at(0), &parts[1]), Err(drop_reason::NAT_NO_STATE), "too early");
        assert_eq!(table.translate_outgoing(at(0), &parts[0]).unwrap().address, ip(NAT));
        let later = table.translate_outgoing(at(0), &parts[1]).unwrap();
        assert_eq!((later.address, later.port), (ip(NAT), None));
        assert!(table.translate_outgoing(at(30), &parts[2]).is_err(), "too late");
        let ping = PacketBuilder::icmp_echo(ip("10.0.1.5"), ip(FAR), 7, 1).payload(&[0; 3000]);
        for part in fragment(&ping.build(), 1500).unwrap() {
            let refused = table.translate_outgoing(at(0), &summarize(&part).unwrap());
            assert_eq!(refused, Err(drop_reason::NAT_FRAGMENT));
        }
    }

    #[test]
    fn errors_find_the_flow_that_they_are_about() {
        let mut table = table();
        table.translate_outgoing(at(0), &out_tcp(500, tcp::SYN)).unwrap();
        let seen_outside = read(&PacketBuilder::tcp(ip(NAT), 1024, ip(FAR), 443));
        let inside = table.translate_incoming_error(at(0), &seen_outside).unwrap();
        assert_eq!((inside.address, inside.port), (ip("10.0.1.5"), Some(500)));
        let seen_inside = read(&PacketBuilder::tcp(ip(FAR), 443, ip("10.0.1.5"), 500));
        let outside = table.translate_outgoing_error(at(0), &seen_inside).unwrap();
        assert_eq!((outside.address, outside.port), (ip(NAT), Some(1024)));
        assert_eq!(table.translate_incoming_error(at(400), &seen_outside), None);
    }

    #[test]
    fn translation_is_a_bijection_while_flows_come_and_go() {
        let mut table = table();
        let mut random = vpcsim_engine::Random::new(7, 0);
        for step in 0..20_000_u64 {
            let now = at(step / 20);
            let source = Ipv4Addr::new(10, 0, 1, random.below(4) as u8);
            let flow = read(&PacketBuilder::udp(source, random.below(200) as u16 + 1, ip(FAR), 53));
            let outside = table.translate_outgoing(now, &flow).unwrap();
            let answer = read(&PacketBuilder::udp(ip(FAR), 53, outside.address, outside.port.unwrap()));
            let inside = table.translate_incoming(now, &answer).unwrap();
            assert_eq!((inside.address, inside.port), (source, Some(flow.key.source_port())));
        }
        assert_eq!(table.by_inside.len(), table.by_outside.len());
        table.expire(at(10_000));
        assert!(table.is_empty() && table.by_outside.is_empty() && table.pools.is_empty());
    }
}
