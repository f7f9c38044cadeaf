//! The blocks of a pcapng file, laid out in memory.

use std::net::Ipv4Addr;

use vpcsim_analysis::{CaptureInterface, CapturedFrame};

use super::APPLICATION;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const NAME_RESOLUTION: u32 = 4;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const SECTION_LENGTH_UNKNOWN: u64 = u64::MAX;
const LINKTYPE_ETHERNET: u16 = 1;
const LINKTYPE_IPV4: u16 = 228;
const SNAPLEN_UNLIMITED: u32 = 0;
const TIMESTAMPS_IN_NS: u8 = 9;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_DESCRIPTION_TEXT: u16 = 3;
const INTERFACE_TIMESTAMP_RESOLUTION: u16 = 9;
const INTERFACE_SYSTEM: u16 = 12;
const PACKET_FLAGS: u16 = 2;
const PACKET_ID: u16 = 5;
const PACKET_VERDICT: u16 = 7;

const NAME_RECORD_END: u16 = 0;
const NAME_RECORD_IPV4: u16 = 1;

const DIRECTION_INBOUND: u32 = 1;
const DIRECTION_OUTBOUND: u32 = 2;
/// The kind of verdict that Linux' traffic control gives; Wireshark shows it as `frame.verdict.ebpf_tc`.
const VERDICT_KIND_TRAFFIC_CONTROL: u8 = 1;
/// Traffic control's word for "dropped".
const VERDICT_SHOT: u64 = 2;

/// Blocks, of which the last one may be in the making. Its length goes in last.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    bytes: Vec<u8>,
    /// Where the last one begins.
    start: usize,
}

impl Blocks {
    pub(super) fn section_header(&mut self, comment: &str) {
        self.start(SECTION_HEADER);
        self.u32(BYTE_ORDER_MAGIC);
        self.u16(1);
        self.u16(0);
        self.bytes(&SECTION_LENGTH_UNKNOWN.to_le_bytes());
        if !comment.is_empty() {
            self.text_option(OPTION_COMMENT, &[comment]);
        }
        self.text_option(SECTION_APPLICATION, &[APPLICATION]);
        self.end_options();
        self.finish();
    }

    pub(super) fn interface(&mut self, interface: &CaptureInterface) {
        self.start(INTERFACE_DESCRIPTION);
        self.u16(if interface.ethernet {
            LINKTYPE_ETHERNET
        } else {
            LINKTYPE_IPV4
        });
        self.u16(0);
        self.u32(SNAPLEN_UNLIMITED);
        self.text_option(INTERFACE_NAME, &[&interface.name]);
        if !interface.description.is_empty() {
            self.text_option(INTERFACE_DESCRIPTION_TEXT, &[&interface.description]);
        }
        self.option(INTERFACE_TIMESTAMP_RESOLUTION, &[TIMESTAMPS_IN_NS]);
        self.text_option(INTERFACE_SYSTEM, &[APPLICATION]);
        self.end_options();
        self.finish();
    }

    /// One record for each address; all its names stand in it, one after the other, each with a zero byte behind.
    pub(super) fn names(&mut self, names: &[(Ipv4Addr, String)]) {
        self.start(NAME_RESOLUTION);
        for group in names.chunk_by(|a, b| a.0 == b.0) {
            self.option_with(NAME_RECORD_IPV4, &group[0].0.octets(), |value| {
                for (_, name) in group {
                    value.extend(name.bytes().filter(|byte| *byte != 0));
                    value.push(0);
                }
            });
        }
        self.u16(NAME_RECORD_END);
        self.u16(0);
        self.finish();
    }

    /// A packet without its options; gives back where it begins.
    pub(super) fn packet(&mut self, frame: &CapturedFrame<'_>) -> usize {
        let len = (frame.header.len() + frame.packet.len()) as u32;
        self.start = self.bytes.len();
        self.words([
            ENHANCED_PACKET,
            0,
            frame.point,
            (frame.time_ns >> 32) as u32,
            frame.time_ns as u32,
            len,
            len,
        ]);
        self.bytes(frame.header);
        self.bytes(frame.packet);
        self.pad();
        self.start
    }

    pub(super) fn packet_options(&mut self, packet_id: u64, outbound: bool, dropped: Option<&str>) {
        if let Some(why) = dropped {
            self.text_option(OPTION_COMMENT, &["DROP ", why]);
        }
        let direction = if outbound {
            DIRECTION_OUTBOUND
        } else {
            DIRECTION_INBOUND
        };
        // Most packets have no more than these two, which are laid out at once.
        self.words([
            u32::from(PACKET_FLAGS) | 4 << 16,
            direction,
            u32::from(PACKET_ID) | 8 << 16,
            packet_id as u32,
            (packet_id >> 32) as u32,
        ]);
        if dropped.is_some() {
            let mut verdict = [VERDICT_KIND_TRAFFIC_CONTROL; 9];
            verdict[1..].copy_from_slice(&VERDICT_SHOT.to_le_bytes());
            self.option(PACKET_VERDICT, &verdict);
        }
        self.end_options();
    }

    /// How long all of them are.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    fn start(&mut self, block_type: u32) {
        self.start = self.bytes.len();
        self.words([block_type, 0]);
    }

    /// Goes back to a place in the last block.
    pub(super) fn reopen(&mut self, start: usize, at: usize) {
        self.start = start;
        self.bytes.truncate(at);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// In the byte order of the file.
    #[inline]
    fn words<const COUNT: usize>(&mut self, words: [u32; COUNT]) {
        self.bytes(words.map(u32::to_le_bytes).as_flattened());
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn pad(&mut self) {
        let excess = self.bytes.len() % 4;
        if excess > 0 {
            self.bytes(&[0; 4][excess..]);
        }
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.option_with(code, value, |_| {});
    }

    fn text_option(&mut self, code: u16, parts: &[&str]) {
        self.option_with(code, &[], |value| {
            for part in parts {
                value.extend_from_slice(part.as_bytes());
            }
        });
    }

    /// An option whose value is `head` and what `fill` appends; a value that 16 bits cannot count is cut at a character.
    fn option_with(&mut self, code: u16, head: &[u8], fill: impl FnOnce(&mut Vec<u8>)) {
        self.u16(code);
        let length_at = self.bytes.len();
        self.u16(0);
        let value_at = self.bytes.len();
        self.bytes(head);
        fill(&mut self.bytes);
        let mut end = self.bytes.len().min(value_at + usize::from(u16::MAX));
        while end < self.bytes.len() && self.bytes[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        self.bytes.truncate(end);
        let length = (end - value_at) as u16;
        self.bytes[length_at..value_at].copy_from_slice(&length.to_le_bytes());
        self.pad();
    }

    fn end_options(&mut self) {
        self.words([u32::from(OPTION_END)]);
    }

    pub(super) fn finish(&mut self) {
        let total = (self.bytes.len() - self.start) as u32 + 4;
        let length_at = self.start + 4;
        self.bytes[length_at..length_at + 4].copy_from_slice(&total.to_le_bytes());
        self.u32(total);
    }
}
