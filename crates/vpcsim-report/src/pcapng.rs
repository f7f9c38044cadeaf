//! Captures as pcapng, for Wireshark and its relatives.
//!
//! Every capture point is an interface of its own with nanosecond timestamps. A packet keeps its id over all its hops
//! (`frame.packet_id == 42`), a dropped one carries its reason as a comment (`frame.comment contains "DROP"`) and the verdict
//! that filters find (`frame.verdict.ebpf_tc == 2`). Addresses get their names from a name resolution block.
//!
//! The writer is our own because nothing may allocate per packet and the bytes must be the same on every machine: each
//! block is laid out in one buffer that is reused. The tests read the result with independent readers.

use std::io::{self, Write};
use std::net::Ipv4Addr;

use vpcsim_analysis::{Capture, CaptureInterface, CaptureRecord};

/// What the capture says it was written by.
pub const APPLICATION: &str = concat!("vpcsim ", env!("CARGO_PKG_VERSION"));

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

/// Writes a whole capture.
///
/// # Errors
/// Those of the sink.
pub fn write(capture: &Capture, sink: impl Write) -> io::Result<()> {
    let mut writer = Writer::new(sink, capture)?;
    for record in &capture.records {
        writer.record(record)?;
    }
    writer.flush()
}

/// A capture that is written packet by packet.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    block: Block,
}

impl<W: Write> Writer<W> {
    /// Starts a capture: its header, interfaces and names, but none of the records that `capture` may hold.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn new(sink: W, capture: &Capture) -> io::Result<Self> {
        let mut writer = Self {
            sink,
            block: Block::default(),
        };
        writer.section_header(&capture.comment)?;
        for interface in &capture.interfaces {
            writer.interface(interface)?;
        }
        if !capture.names.is_empty() {
            writer.names(&capture.names)?;
        }
        Ok(writer)
    }

    /// Adds a packet.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn record(&mut self, record: &CaptureRecord) -> io::Result<()> {
        let block = &mut self.block;
        block.start(ENHANCED_PACKET);
        block.u32(record.point);
        block.u32((record.time_ns >> 32) as u32);
        block.u32(record.time_ns as u32);
        let len = record.bytes.len() as u32;
        block.u32(len);
        block.u32(len);
        block.padded(&record.bytes);
        if let Some(why) = &record.dropped {
            block.text_option(OPTION_COMMENT, &["DROP ", why]);
        }
        let direction = if record.outbound {
            DIRECTION_OUTBOUND
        } else {
            DIRECTION_INBOUND
        };
        block.option(PACKET_FLAGS, &direction.to_le_bytes());
        block.option(PACKET_ID, &record.packet_id.to_le_bytes());
        if record.dropped.is_some() {
            let mut verdict = [VERDICT_KIND_TRAFFIC_CONTROL; 9];
            verdict[1..].copy_from_slice(&VERDICT_SHOT.to_le_bytes());
            block.option(PACKET_VERDICT, &verdict);
        }
        self.finish_block()
    }

    /// Hands everything on to the sink.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    fn section_header(&mut self, comment: &str) -> io::Result<()> {
        let block = &mut self.block;
        block.start(SECTION_HEADER);
        block.u32(BYTE_ORDER_MAGIC);
        block.u16(1);
        block.u16(0);
        block.bytes(&SECTION_LENGTH_UNKNOWN.to_le_bytes());
        if !comment.is_empty() {
            block.text_option(OPTION_COMMENT, &[comment]);
        }
        block.text_option(SECTION_APPLICATION, &[APPLICATION]);
        self.finish_block()
    }

    fn interface(&mut self, interface: &CaptureInterface) -> io::Result<()> {
        let block = &mut self.block;
        block.start(INTERFACE_DESCRIPTION);
        block.u16(if interface.ethernet {
            LINKTYPE_ETHERNET
        } else {
            LINKTYPE_IPV4
        });
        block.u16(0);
        block.u32(SNAPLEN_UNLIMITED);
        block.text_option(INTERFACE_NAME, &[&interface.name]);
        if !interface.description.is_empty() {
            block.text_option(INTERFACE_DESCRIPTION_TEXT, &[&interface.description]);
        }
        block.option(INTERFACE_TIMESTAMP_RESOLUTION, &[TIMESTAMPS_IN_NS]);
        block.text_option(INTERFACE_SYSTEM, &[APPLICATION]);
        self.finish_block()
    }

    /// One record for each address; all its names stand in it, one after the other, each with a zero byte behind.
    fn names(&mut self, names: &[(Ipv4Addr, String)]) -> io::Result<()> {
        self.block.start(NAME_RESOLUTION);
        for group in names.chunk_by(|a, b| a.0 == b.0) {
            self.block
                .option_with(NAME_RECORD_IPV4, &group[0].0.octets(), |value| {
                    for (_, name) in group {
                        value.extend(name.bytes().filter(|byte| *byte != 0));
                        value.push(0);
                    }
                });
        }
        self.block.u16(NAME_RECORD_END);
        self.block.u16(0);
        let finished = self.block.finish_without_options();
        self.sink.write_all(finished)
    }

    fn finish_block(&mut self) -> io::Result<()> {
        let finished = self.block.finish();
        self.sink.write_all(finished)
    }
}

/// One block while it is laid out. Its length goes in last.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
}

impl Block {
    fn start(&mut self, block_type: u32) {
        self.bytes.clear();
        self.u32(block_type);
        self.u32(0);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
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

    fn finish(&mut self) -> &[u8] {
        self.u16(OPTION_END);
        self.u16(0);
        self.finish_without_options()
    }

    fn finish_without_options(&mut self) -> &[u8] {
        let total = self.bytes.len() as u32 + 4;
        self.bytes[4..8].copy_from_slice(&total.to_le_bytes());
        self.u32(total);
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use pcap_file::DataLink;
    use pcap_file::pcapng::PcapNgReader;
    use pcap_file::pcapng::blocks::block_common::Block as ReadBlock;
    use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
    use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
    use pcap_file::pcapng::blocks::name_resolution::Record;
    use pcap_file::pcapng::blocks::opt_common::CommonOption;

    use super::*;

    fn interface(name: &str, ethernet: bool) -> CaptureInterface {
        CaptureInterface {
            name: name.into(),
            description: format!("the interface {name}"),
            ethernet,
        }
    }

    fn record(point: u32, packet_id: u64, dropped: Option<&str>) -> CaptureRecord {
        CaptureRecord {
            point,
            time_ns: 5_000_000_007 + packet_id,
            packet_id,
            outbound: packet_id.is_multiple_of(2),
            dropped: dropped.map(Into::into),
            bytes: Bytes::from(vec![packet_id as u8; 21]),
        }
    }

    fn sample() -> Capture {
        let address = Ipv4Addr::new(10, 0, 1, 5);
        Capture {
            interfaces: vec![interface("web-1 eni", true), interface("igw", false)],
            records: vec![record(0, 42, None), record(1, 43, Some("SG_INGRESS sg-1"))],
            names: vec![
                (address, "web-1".into()),
                (address, "web-1.shop".into()),
                (Ipv4Addr::new(10, 0, 2, 7), "db-1".into()),
            ],
            comment: "three-tier, seed 1".into(),
        }
    }

    fn written(capture: &Capture) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(capture, &mut bytes).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Vec<ReadBlock<'static>> {
        let mut reader = PcapNgReader::new(bytes).unwrap();
        let mut blocks = Vec::new();
        while let Some(block) = reader.next_block() {
            blocks.push(block.unwrap().0.into_owned());
        }
        blocks
    }

    fn unknown_option(packet: &EnhancedPacketBlock<'_>, code: u16) -> Option<Vec<u8>> {
        packet.options.iter().find_map(|option| match option {
            EnhancedPacketOption::Common(CommonOption::Unknown(unknown)) if unknown.code == code => {
                Some(unknown.value.to_vec())
            }
            _ => None,
        })
    }

    fn comment<'a>(packet: &'a EnhancedPacketBlock<'_>) -> Option<&'a str> {
        packet.options.iter().find_map(|option| match option {
            EnhancedPacketOption::Common(CommonOption::Comment(text)) => Some(text.as_ref()),
            _ => None,
        })
    }

    fn packets(blocks: &[ReadBlock<'static>]) -> Vec<EnhancedPacketBlock<'static>> {
        blocks
            .iter()
            .filter_map(|block| block.as_enhanced_packet().cloned())
            .collect()
    }

    #[test]
    fn every_capture_point_is_an_interface_with_its_link_layer() {
        let blocks = read(&written(&sample()));
        let interfaces: Vec<_> = blocks
            .iter()
            .filter_map(|block| block.as_interface_description())
            .collect();
        assert_eq!(interfaces.len(), 2);
        assert_eq!(interfaces[0].linktype, DataLink::ETHERNET);
        assert_eq!(interfaces[1].linktype, DataLink::IPV4);
        assert_eq!(interfaces[0].ts_resolution().resolution(), 9);
        let is_named = interfaces[0]
            .options
            .iter()
            .any(|option| matches!(option, InterfaceDescriptionOption::IfName(name) if name == "web-1 eni"));
        assert!(is_named, "{:?}", interfaces[0].options);
    }

    #[test]
    fn packets_keep_their_time_to_the_nanosecond_and_their_bytes() {
        let packets = packets(&read(&written(&sample())));
        assert_eq!(packets.len(), 2);
        assert_eq!(packets[0].timestamp, Duration::from_nanos(5_000_000_049));
        assert_eq!(packets[0].data.as_ref(), &[42; 21]);
        assert_eq!((packets[0].interface_id, packets[1].interface_id), (0, 1));
        assert_eq!(packets[0].original_len, 21);
    }

    #[test]
    fn packets_carry_their_id_and_their_direction() {
        let packets = packets(&read(&written(&sample())));
        assert_eq!(
            unknown_option(&packets[0], 5),
            Some(42_u64.to_le_bytes().to_vec())
        );
        assert!(packets[0].options.contains(&EnhancedPacketOption::Flags(2)));
        assert!(packets[1].options.contains(&EnhancedPacketOption::Flags(1)));
    }

    #[test]
    fn a_dropped_packet_says_why_and_a_delivered_one_says_nothing() {
        let packets = packets(&read(&written(&sample())));
        assert_eq!(
            (comment(&packets[0]), unknown_option(&packets[0], 7)),
            (None, None)
        );
        assert_eq!(comment(&packets[1]), Some("DROP SG_INGRESS sg-1"));
        assert_eq!(
            unknown_option(&packets[1], 7),
            Some(vec![1, 2, 0, 0, 0, 0, 0, 0, 0])
        );
    }

    #[test]
    fn all_names_of_an_address_stand_in_one_record() {
        let blocks = read(&written(&sample()));
        let names = blocks
            .iter()
            .find_map(|block| block.as_name_resolution())
            .unwrap();
        let Record::Ipv4(first) = &names.records[0] else {
            panic!("not an IPv4 record: {:?}", names.records[0]);
        };
        assert_eq!(first.ip_addr, Ipv4Addr::new(10, 0, 1, 5));
        assert_eq!(first.names, ["web-1", "web-1.shop"]);
        assert_eq!(names.records.len(), 2);
    }

    #[test]
    fn equal_captures_give_equal_bytes() {
        assert_eq!(written(&sample()), written(&sample()));
    }

    #[test]
    fn an_empty_capture_is_a_readable_file() {
        let blocks = read(&written(&Capture::default()));
        assert!(blocks.iter().all(|block| block.as_enhanced_packet().is_none()));
    }

    #[test]
    fn a_comment_too_long_for_the_format_is_cut_between_characters() {
        let mut capture = sample();
        capture.comment = "é".repeat(40_000);
        let blocks = read(&written(&capture));
        assert_eq!(packets(&blocks).len(), 2);
    }
}
