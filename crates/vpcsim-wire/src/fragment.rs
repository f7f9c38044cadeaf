//! Cutting datagrams into fragments and putting them together again (RFC 791).

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use crate::field::{be16, write16};
use crate::ipv4::{self, MORE_FRAGMENTS, OFFSET_MASK};
use crate::{Malformed, Summary, checksum, summarize};

/// How long the fragments of a datagram are waited for unless said otherwise.
pub const DEFAULT_TIMEOUT_NS: u64 = 30_000_000_000;
/// How many bytes of incomplete datagrams are kept unless said otherwise.
pub const DEFAULT_MAX_BYTES: usize = 4 << 20;

/// Where the payload of the largest datagram ends.
const MAX_PAYLOAD_LEN: usize = 65_535 - ipv4::HEADER_LEN;

/// Why a packet was not cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentError {
    /// The sender forbids it; a router answers with "fragmentation needed".
    DontFragment,
    /// The header and eight bytes of payload do not fit.
    MtuTooSmall {
        /// The least that would do, in bytes.
        needed_len: usize,
    },
    /// It is not an IPv4 packet.
    Malformed(Malformed),
}

impl fmt::Display for FragmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DontFragment => f.write_str("the packet is marked \"do not fragment\""),
            Self::MtuTooSmall { needed_len } => {
                write!(f, "a fragment of this packet needs {needed_len} bytes")
            }
            Self::Malformed(malformed) => malformed.fmt(f),
        }
    }
}

impl Error for FragmentError {}

impl From<Malformed> for FragmentError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Cuts a packet into fragments of at most `mtu` bytes; one that fits comes back alone.
///
/// A fragment can be cut again. Later fragments carry only the options that are marked to be copied.
///
/// # Errors
///
/// See [`FragmentError`].
pub fn fragment(packet: &[u8], mtu: usize) -> Result<Vec<Vec<u8>>, FragmentError> {
    let packet = ipv4::Packet::parse(packet)?;
    if packet.total_len() <= mtu {
        return Ok(vec![packet.bytes().to_vec()]);
    }
    let end = usize::from(packet.fragment_offset()) + packet.payload().len();
    if end > MAX_PAYLOAD_LEN {
        return Err(Malformed::BadLength {
            header: "ipv4",
            stated_len: end,
        }
        .into());
    }
    if packet.dont_fragment() {
        return Err(FragmentError::DontFragment);
    }
    let needed_len = packet.header_len() + 8;
    if mtu < needed_len {
        return Err(FragmentError::MtuTooSmall { needed_len });
    }
    Ok(cut(&packet, mtu))
}

fn cut(packet: &ipv4::Packet<'_>, mtu: usize) -> Vec<Vec<u8>> {
    let mut header = packet.bytes()[..packet.header_len()].to_vec();
    let mut rest = packet.payload();
    let mut offset = usize::from(packet.fragment_offset());
    let mut fragments = Vec::new();
    loop {
        let room = mtu - header.len();
        let is_last = rest.len() <= room;
        let (part, after) = rest.split_at(if is_last { rest.len() } else { room & !7 });
        fragments.push(assemble(
            &header,
            part,
            offset,
            !is_last || packet.more_fragments(),
        ));
        if is_last {
            return fragments;
        }
        if fragments.len() == 1 {
            header = later_header(packet);
        }
        offset += part.len();
        rest = after;
    }
}

/// The header with its lengths, fragment fields and checksum set for `part`, and `part` behind it.
fn assemble(header: &[u8], part: &[u8], offset: usize, more: bool) -> Vec<u8> {
    let mut packet = Vec::with_capacity(header.len() + part.len());
    packet.extend_from_slice(header);
    packet.extend_from_slice(part);
    let total_len = packet.len() as u16;
    // The reserved bit and "do not fragment" are the sender's.
    let kept = be16(header, ipv4::FRAGMENT_AT) & !(MORE_FRAGMENTS | OFFSET_MASK);
    let more = if more { MORE_FRAGMENTS } else { 0 };
    write16(&mut packet, ipv4::TOTAL_LEN_AT, total_len);
    write16(&mut packet, ipv4::FRAGMENT_AT, kept | more | (offset / 8) as u16);
    write16(&mut packet, ipv4::CHECKSUM_AT, 0);
    let sum = checksum::internet(&packet[..header.len()]);
    write16(&mut packet, ipv4::CHECKSUM_AT, sum);
    packet
}

/// The header of all fragments but the first: only options whose highest bit is set stay.
fn later_header(packet: &ipv4::Packet<'_>) -> Vec<u8> {
    let mut header = packet.bytes()[..ipv4::HEADER_LEN].to_vec();
    let mut options = packet.options();
    while let [kind, rest @ ..] = options {
        let len = match (kind, rest) {
            (0, _) => break,
            (1, _) => 1,
            (_, [len, ..]) if (2..=options.len()).contains(&usize::from(*len)) => usize::from(*len),
            _ => break,
        };
        if kind & 0x80 != 0 {
            header.extend_from_slice(&options[..len]);
        }
        options = &options[len..];
    }
    header.resize(header.len().next_multiple_of(4), 0);
    header[0] = 0x40 | (header.len() / 4) as u8;
    header
}

/// What the fragments of one datagram have in common: addresses with protocol, and identification.
type DatagramId = (u128, u16);

/// The pieces of one datagram so far.
#[derive(Debug, Default)]
struct Datagram {
    deadline_ns: u64,
    arrival: u64,
    /// Payloads by offset; they never overlap.
    parts: BTreeMap<usize, Vec<u8>>,
    /// The header of the first fragment.
    header: Option<Vec<u8>>,
    /// The end of the last fragment.
    payload_len: Option<usize>,
    stored_len: usize,
}

/// Collects fragments until datagrams are complete, for at most a given time and within a given memory.
///
/// A repeated fragment is ignored. One that overlaps another without being the same makes the whole datagram go, as
/// overlapping is not an accident but an attack on filters. When the memory is full the oldest datagram goes.
#[derive(Debug)]
pub struct Reassembler {
    timeout_ns: u64,
    max_bytes: usize,
    stored_bytes: usize,
    arrivals: u64,
    datagrams: BTreeMap<DatagramId, Datagram>,
}

impl Default for Reassembler {
    fn default() -> Self {
        Self::new(DEFAULT_TIMEOUT_NS, DEFAULT_MAX_BYTES)
    }
}

impl Reassembler {
    /// A reassembler that waits `timeout_ns` from a datagram's first fragment on and keeps `max_bytes` at most.
    pub const fn new(timeout_ns: u64, max_bytes: usize) -> Self {
        Self {
            timeout_ns,
            max_bytes,
            stored_bytes: 0,
            arrivals: 0,
            datagrams: BTreeMap::new(),
        }
    }

    /// Takes a packet in and returns the datagram that it is or completes.
    ///
    /// Packets that are no IPv4 and fragments that cannot be right are dropped.
    pub fn push(&mut self, now_ns: u64, packet: &[u8]) -> Option<Vec<u8>> {
        self.expire(now_ns);
        let summary = summarize(packet).ok()?;
        let packet = &packet[..usize::from(summary.total_len)];
        if !summary.is_fragment() {
            return Some(packet.to_vec());
        }
        let id = datagram_id(&summary);
        if !is_sound(&summary) || !self.insert(now_ns, id, &summary, packet) {
            self.remove(id);
            return None;
        }
        if self.datagrams.get(&id)?.is_complete() {
            return self.remove(id)?.join();
        }
        self.evict();
        None
    }

    /// Forgets datagrams whose time is over; returns how many.
    pub fn expire(&mut self, now_ns: u64) -> usize {
        let before = self.datagrams.len();
        let stored_bytes = &mut self.stored_bytes;
        self.datagrams.retain(|_, datagram| {
            let is_alive = now_ns < datagram.deadline_ns;
            if !is_alive {
                *stored_bytes -= datagram.stored_len;
            }
            is_alive
        });
        before - self.datagrams.len()
    }

    /// Datagrams that wait for further fragments.
    pub fn pending_count(&self) -> usize {
        self.datagrams.len()
    }

    /// When the next datagram runs out of time.
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.datagrams.values().map(|datagram| datagram.deadline_ns).min()
    }

    /// Whether the datagram is still plausible with this fragment.
    fn insert(&mut self, now_ns: u64, id: DatagramId, summary: &Summary, packet: &[u8]) -> bool {
        self.arrivals += 1;
        let (deadline_ns, arrival) = (now_ns.saturating_add(self.timeout_ns), self.arrivals);
        let datagram = self.datagrams.entry(id).or_insert_with(|| Datagram {
            deadline_ns,
            arrival,
            ..Datagram::default()
        });
        let stored_before = datagram.stored_len;
        let is_plausible = datagram.insert(summary, packet);
        self.stored_bytes += datagram.stored_len - stored_before;
        is_plausible
    }

    fn remove(&mut self, id: DatagramId) -> Option<Datagram> {
        let datagram = self.datagrams.remove(&id)?;
        self.stored_bytes -= datagram.stored_len;
        Some(datagram)
    }

    fn evict(&mut self) {
        while self.stored_bytes > self.max_bytes {
            let oldest = self
                .datagrams
                .iter()
                .min_by_key(|(_, datagram)| datagram.arrival)
                .map(|(id, _)| *id);
            let Some(oldest) = oldest else { return };
            self.remove(oldest);
        }
    }
}

/// Without ports, which later fragments do not have.
fn datagram_id(summary: &Summary) -> DatagramId {
    (summary.key.0 >> 56, summary.identification)
}

/// All but the last fragment come in units of eight bytes, and none reaches beyond the largest datagram.
fn is_sound(summary: &Summary) -> bool {
    let end = usize::from(summary.fragment_offset) + usize::from(summary.l4_len);
    let is_whole = !summary.more_fragments || summary.l4_len.is_multiple_of(8);
    is_whole && summary.l4_len > 0 && end + usize::from(summary.header_len) <= 65_535
}

impl Datagram {
    fn insert(&mut self, summary: &Summary, packet: &[u8]) -> bool {
        let (header, part) = packet.split_at(usize::from(summary.header_len));
        let start = usize::from(summary.fragment_offset);
        let end = start + part.len();
        if self.parts.get(&start).is_some_and(|known| known == part) {
            return true;
        }
        if self.overlaps(start, end) || !self.fits_end(end, summary.more_fragments) {
            return false;
        }
        if start == 0 {
            self.header = Some(header.to_vec());
        }
        if !summary.more_fragments {
            self.payload_len = Some(end);
        }
        self.stored_len += part.len();
        self.parts.insert(start, part.to_vec());
        true
    }

    fn overlaps(&self, start: usize, end: usize) -> bool {
        let before = self.parts.range(..end).next_back();
        before.is_some_and(|(known_start, known)| known_start + known.len() > start)
    }

    /// Nothing may lie behind the last fragment, and there is only one last fragment.
    fn fits_end(&self, end: usize, more_fragments: bool) -> bool {
        match self.payload_len {
            Some(payload_len) => more_fragments && end <= payload_len,
            None if more_fragments => true,
            None => self
                .parts
                .last_key_value()
                .is_none_or(|(start, part)| start + part.len() <= end),
        }
    }

    fn is_complete(&self) -> bool {
        self.header.is_some() && self.payload_len == Some(self.stored_len)
    }

    fn join(self) -> Option<Vec<u8>> {
        let payload = self.parts.into_values().flatten().collect::<Vec<u8>>();
        let header = self.header?;
        (header.len() + payload.len() <= 65_535).then(|| assemble(&header, &payload, 0, false))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{self, HOST, SERVER};
    use crate::{PacketBuilder, Protocol};

    fn datagram(payload_len: u8) -> Vec<u8> {
        let payload: Vec<u8> = (0..payload_len).collect();
        PacketBuilder::udp(HOST, 53, SERVER, 1024)
            .payload(&payload)
            .identification(9)
            .build()
    }

    /// A raw fragment with the given fragment word.
    fn part(word: u16, payload: &[u8]) -> Vec<u8> {
        let mut packet = PacketBuilder::raw(HOST, SERVER, Protocol(99), payload).build();
        write16(&mut packet, ipv4::FRAGMENT_AT, word);
        packet
    }

    #[test]
    fn fragments_have_offsets_in_units_of_eight_bytes() {
        let parts = fragment(&datagram(32), 40).unwrap();
        let headers: Vec<(usize, u16, bool)> = parts
            .iter()
            .map(|part| ipv4::Packet::parse(part).unwrap())
            .map(|part| (part.total_len(), part.fragment_offset(), part.more_fragments()))
            .collect();
        assert_eq!(headers, [(36, 0, true), (36, 16, true), (28, 32, false)]);
        #[rustfmt::skip]
        let golden = [
            0x45, 0, 0, 28, 0, 9, 0, 4, 64, 17, 0x63, 0xb9, 10, 0, 1, 5, 10, 0, 2, 7,
            24, 25, 26, 27, 28, 29, 30, 31,
        ];
        assert_eq!(parts[2], golden);
    }

    #[test]
    fn packet_that_fits_comes_back_alone_and_without_padding() {
        let whole = datagram(10);
        let mut padded = whole.clone();
        padded.resize(60, 0);
        assert_eq!(fragment(&padded, 38), Ok(vec![whole]));
    }

    #[test]
    fn marked_packets_and_tiny_links_are_refused() {
        let marked = PacketBuilder::udp(HOST, 1, SERVER, 2)
            .payload(&[0; 40])
            .dont_fragment(true)
            .build();
        assert_eq!(fragment(&marked, 40), Err(FragmentError::DontFragment));
        assert_eq!(
            fragment(&datagram(40), 27),
            Err(FragmentError::MtuTooSmall { needed_len: 28 })
        );
        assert!(matches!(fragment(&[], 40), Err(FragmentError::Malformed(_))));
        let beyond = part(MORE_FRAGMENTS | OFFSET_MASK, &[0; 80]);
        assert!(matches!(fragment(&beyond, 40), Err(FragmentError::Malformed(_))));
    }

    #[test]
    fn later_fragments_carry_only_options_marked_to_be_copied() {
        let plain = part(0, &[1; 32]);
        let mut packet = plain[..20].to_vec();
        // Record route (7) is not copied, router alert (148) is; a filler stands between them.
        packet.extend_from_slice(&[7, 3, 4, 1, 148, 4, 0, 0]);
        packet.extend_from_slice(&plain[20..]);
        packet[0] = 0x47;
        write16(&mut packet, ipv4::TOTAL_LEN_AT, 60);
        let parts = fragment(&packet, 44).unwrap();
        let parsed: Vec<_> = parts
            .iter()
            .map(|part| ipv4::Packet::parse(part).unwrap())
            .collect();
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].options(), [7, 3, 4, 1, 148, 4, 0, 0]);
        assert_eq!((parsed[0].payload().len(), parsed[1].fragment_offset()), (16, 16));
        assert_eq!(parsed[1].options(), [148, 4, 0, 0]);
        assert!(parsed.iter().all(ipv4::Packet::verify_checksum));
    }

    #[test]
    fn whole_packets_pass_through() {
        let whole = datagram(10);
        assert_eq!(Reassembler::default().push(0, &whole), Some(whole));
    }

    #[test]
    fn incomplete_datagrams_expire() {
        let mut reassembler = Reassembler::new(100, 1000);
        let parts = fragment(&datagram(32), 40).unwrap();
        assert_eq!(reassembler.push(5, &parts[0]), None);
        assert_eq!(reassembler.push(50, &parts[1]), None);
        assert_eq!(
            (reassembler.next_deadline_ns(), reassembler.expire(104)),
            (Some(105), 0)
        );
        assert_eq!(reassembler.expire(105), 1);
        assert_eq!(reassembler.push(106, &parts[2]), None);
        assert_eq!(reassembler.pending_count(), 1);
    }

    #[test]
    fn oldest_datagram_goes_when_memory_is_full() {
        let mut reassembler = Reassembler::new(100, 40);
        for identification in 1..=3 {
            let mut first = part(MORE_FRAGMENTS, &[0; 16]);
            write16(&mut first, ipv4::IDENTIFICATION_AT, identification);
            assert_eq!(reassembler.push(0, &first), None);
        }
        assert_eq!((reassembler.pending_count(), reassembler.stored_bytes), (2, 32));
        let mut last = part(2, &[1; 8]);
        write16(&mut last, ipv4::IDENTIFICATION_AT, 2);
        assert!(reassembler.push(0, &last).is_some());
    }

    #[test]
    fn repeated_fragment_is_ignored_and_overlapping_one_drops_the_datagram() {
        let mut reassembler = Reassembler::default();
        let first = part(MORE_FRAGMENTS, &[1; 16]);
        assert_eq!(reassembler.push(0, &first), None);
        assert_eq!(reassembler.push(0, &first), None);
        assert_eq!(reassembler.pending_count(), 1);
        assert_eq!(reassembler.push(0, &part(MORE_FRAGMENTS | 1, &[2; 16])), None);
        assert_eq!((reassembler.pending_count(), reassembler.stored_bytes), (0, 0));
    }

    #[test]
    fn data_behind_the_last_fragment_drops_the_datagram() {
        for contradiction in [
            part(4, &[0; 8]),
            part(MORE_FRAGMENTS | 4, &[0; 8]),
            part(1, &[0; 4]),
        ] {
            let mut reassembler = Reassembler::default();
            assert_eq!(reassembler.push(0, &part(2, &[0; 8])), None);
            assert_eq!(reassembler.push(0, &contradiction), None);
            assert_eq!(reassembler.pending_count(), 0);
        }
    }

    #[test]
    fn crooked_and_oversized_fragments_are_dropped() {
        let mut reassembler = Reassembler::default();
        assert_eq!(reassembler.push(0, &part(MORE_FRAGMENTS, &[0; 9])), None);
        assert_eq!(reassembler.push(0, &part(OFFSET_MASK, &[0; 80])), None);
        assert_eq!(reassembler.pending_count(), 0);
    }

    proptest! {
        #[test]
        fn fragments_in_any_order_make_the_datagram_again(
            whole in samples::packet(),
            mtu in 28_usize..100,
            second_mtu in 28_usize..100,
            seed: u64,
        ) {
            let mut parts = Vec::new();
            for part in fragment(&whole, mtu).unwrap() {
                parts.extend(fragment(&part, second_mtu).unwrap());
            }
            for part in &parts {
                prop_assert!(part.len() <= mtu.min(second_mtu));
                prop_assert!(ipv4::Packet::parse(part).unwrap().verify_checksum());
            }
            // A linear congruence is enough of a shuffle here.
            let mut state = seed;
            parts.sort_by_cached_key(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state >> 33
            });
            let mut reassembler = Reassembler::default();
            let made: Vec<Vec<u8>> = parts.iter().filter_map(|part| reassembler.push(0, part)).collect();
            prop_assert_eq!(made, vec![whole]);
            prop_assert_eq!((reassembler.pending_count(), reassembler.stored_bytes), (0, 0));
        }

        #[test]
        fn no_bytes_make_it_panic_or_forget_what_it_stores(
            pieces in prop::collection::vec((samples::mangled(), any::<u16>()), 0..8),
            mtu in 0_usize..100,
        ) {
            let mut reassembler = Reassembler::new(50, 300);
            for (now_ns, (mut bytes, word)) in (0..).step_by(20).zip(pieces) {
                write16(&mut bytes, ipv4::FRAGMENT_AT, word & 0x200f);
                let _ = fragment(&bytes, mtu);
                if let Some(whole) = reassembler.push(now_ns, &bytes) {
                    prop_assert!(ipv4::Packet::parse(&whole).is_ok());
                }
                let stored: usize = reassembler.datagrams.values().map(|datagram| datagram.stored_len).sum();
                prop_assert_eq!(stored, reassembler.stored_bytes);
                prop_assert!(stored <= 300);
            }
        }
    }
}
