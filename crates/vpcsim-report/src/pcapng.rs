//! Captures as pcapng, for Wireshark and its relatives.
//!
//! Every capture point is an interface of its own with nanosecond timestamps. A packet keeps its id over all its hops
//! (`frame.packet_id == 42`), a dropped one carries its reason as a comment (`frame.comment contains "DROP"`) and the verdict
//! that filters find (`frame.verdict.ebpf_tc == 2`). Addresses get their names from a name resolution block.
//!
//! The writer is our own because nothing may allocate per packet and the bytes must be the same on every machine: blocks
//! are laid out behind one another in a buffer that is handed on when it is full. The tests read the result with independent readers.

mod blocks;

use std::io::{self, Write};

use vpcsim_analysis::{Capture, CaptureRecord, CaptureSink, CapturedFrame};

use blocks::Blocks;

/// What the capture says it was written by.
pub const APPLICATION: &str = concat!("vpcsim ", env!("CARGO_PKG_VERSION"));

/// So much waits in memory before it is written.
const BUFFER_LEN: usize = 256 << 10;

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
    blocks: Blocks,
    /// The last packet, as long as it waits in memory.
    last: Option<LastPacket>,
}

/// A packet whose block may still change.
#[derive(Clone, Copy, Debug)]
struct LastPacket {
    start: usize,
    options_at: usize,
    packet_id: u64,
    outbound: bool,
}

impl<W: Write> Writer<W> {
    /// Starts a capture: its header, interfaces and names, but none of the records that `capture` may hold.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn new(sink: W, capture: &Capture) -> io::Result<Self> {
        let mut writer = Self {
            sink,
            blocks: Blocks::default(),
            last: None,
        };
        writer.blocks.section_header(&capture.comment);
        for interface in &capture.interfaces {
            writer.make_room()?;
            writer.blocks.interface(interface);
        }
        if !capture.names.is_empty() {
            writer.blocks.names(&capture.names);
        }
        Ok(writer)
    }

    /// Adds a packet.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn record(&mut self, record: &CaptureRecord) -> io::Result<()> {
        self.frame(&CapturedFrame {
            point: record.point,
            time_ns: record.time_ns,
            packet_id: record.packet_id,
            outbound: record.outbound,
            dropped: record.dropped.as_deref(),
            header: &[],
            packet: &record.bytes,
        })
    }

    /// Adds a packet that was captured this moment.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn frame(&mut self, frame: &CapturedFrame<'_>) -> io::Result<()> {
        self.make_room()?;
        let (packet_id, outbound) = (frame.packet_id, frame.outbound);
        let start = self.blocks.packet(frame);
        let options_at = self.blocks.len();
        self.blocks.packet_options(packet_id, outbound, frame.dropped);
        self.blocks.finish();
        self.last = Some(LastPacket {
            start,
            options_at,
            packet_id,
            outbound,
        });
        Ok(())
    }

    /// Says of the last packet that it was dropped, and why; false if it is written already.
    pub fn drop_last(&mut self, why: &str) -> bool {
        let Some(last) = self.last else { return false };
        self.blocks.reopen(last.start, last.options_at);
        self.blocks
            .packet_options(last.packet_id, last.outbound, Some(why));
        self.blocks.finish();
        true
    }

    /// Hands everything on to the sink.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.sink.flush()
    }

    fn make_room(&mut self) -> io::Result<()> {
        if self.blocks.len() < BUFFER_LEN {
            return Ok(());
        }
        self.hand_on()
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.last = None;
        self.sink.write_all(self.blocks.as_bytes())?;
        self.blocks.clear();
        Ok(())
    }
}

/// Writes a capture while it grows. What the sink says is kept until somebody asks: who captures cannot do anything about it.
#[derive(Debug)]
pub struct Stream<W> {
    writer: Writer<W>,
    failed: Option<io::Error>,
}

impl<W: Write> Stream<W> {
    /// Goes on with a capture that was begun.
    pub const fn new(writer: Writer<W>) -> Self {
        Self { writer, failed: None }
    }

    /// Hands everything on to the sink.
    ///
    /// # Errors
    /// The first of the sink's since the last time.
    pub fn flush(&mut self) -> io::Result<()> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.writer.flush(),
        }
    }
}

impl<W: Write + Send + 'static> CaptureSink for Stream<W> {
    fn record(&mut self, frame: &CapturedFrame<'_>) {
        if self.failed.is_none() {
            self.failed = self.writer.frame(frame).err();
        }
    }

    fn drop_last(&mut self, why: &str) -> bool {
        self.failed.is_some() || self.writer.drop_last(why)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use bytes::Bytes;
    use pcap_file::DataLink;
    use pcap_file::pcapng::blocks::block_common::Block as ReadBlock;
    use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
    use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
    use pcap_file::pcapng::blocks::name_resolution::Record;
    use pcap_file::pcapng::blocks::opt_common::CommonOption;
    use pcap_file::pcapng::{PcapNgReader, PcapNgWriter};

    use vpcsim_analysis::CaptureInterface;

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
    fn an_independent_writer_writes_the_same_bytes() {
        let ours = written(&sample());
        let section = PcapNgReader::new(&ours[..]).unwrap().section().clone();
        let mut theirs = PcapNgWriter::with_section_header(Vec::new(), section).unwrap();
        for block in read(&ours) {
            theirs.write_block(&block).unwrap();
        }
        assert_eq!(theirs.into_inner(), ours);
    }

    #[test]
    fn frames_that_are_handed_on_are_written_like_those_that_were_kept() {
        let mut capture = sample();
        // More than waits in memory, with frames of every length and drops in between.
        capture.records = (0..6_000)
            .map(|number| CaptureRecord {
                bytes: Bytes::from(vec![number as u8; 14 + number as usize % 100]),
                ..record(0, number, (number % 3 == 0).then_some("SG_INGRESS sg-1"))
            })
            .collect();
        let mut stream = Stream::new(Writer::new(Vec::new(), &capture).unwrap());
        for record in &capture.records {
            let (header, packet) = record.bytes.split_at(14);
            stream.record(&CapturedFrame {
                point: record.point,
                time_ns: record.time_ns,
                packet_id: record.packet_id,
                outbound: record.outbound,
                dropped: None,
                header,
                packet,
            });
            if let Some(why) = &record.dropped {
                assert!(stream.drop_last(why));
            }
        }
        stream.flush().unwrap();
        assert!(!stream.drop_last("TOO_LATE"));
        assert!(stream.writer.sink == written(&capture));
    }

    /// Takes nothing.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("full"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whoever_flushes_hears_what_failed_before() {
        let mut stream = Stream::new(Writer::new(Full, &Capture::default()).unwrap());
        let packet = vec![0; BUFFER_LEN];
        for number in 0..3 {
            stream.record(&CapturedFrame {
                point: 0,
                time_ns: number,
                packet_id: number,
                outbound: true,
                dropped: None,
                header: &[],
                packet: &packet,
            });
        }
        assert_eq!(stream.flush().unwrap_err().to_string(), "full");
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
