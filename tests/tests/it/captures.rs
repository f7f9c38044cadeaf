//! Captures read back by readers that are not ours, and their packets checked byte by byte.

use std::collections::BTreeMap;
use std::process::Command;

use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::blocks::Block;
use vpcsim_analysis::{Capture, CaptureChoice, Options};
use vpcsim_report::pcapng;
use vpcsim_wire::{checksum, summarize};

use crate::designs;

const ETHERNET_HEADER_LEN: usize = 14;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];

fn captures() -> Vec<(String, Capture)> {
    let options = Options {
        seed: 5,
        capture: CaptureChoice::Everywhere,
    };
    let run = |path: std::path::PathBuf| {
        let report = designs::simulation(&path).run(&options, &mut |_, _| {});
        (path.display().to_string(), report.capture)
    };
    designs::all().into_iter().map(run).collect()
}

fn file_bytes(capture: &Capture) -> Vec<u8> {
    let mut bytes = Vec::new();
    pcapng::write(capture, &mut bytes).unwrap();
    bytes
}

/// The IPv4 packet in a record; `None` for other frames.
fn ipv4(is_ethernet: bool, bytes: &[u8]) -> Option<&[u8]> {
    if !is_ethernet {
        return Some(bytes);
    }
    (bytes[12..14] == ETHERTYPE_IPV4).then(|| &bytes[ETHERNET_HEADER_LEN..])
}

#[test]
fn every_record_is_read_back_with_its_interface_and_its_bytes() {
    for (name, capture) in captures() {
        let bytes = file_bytes(&capture);
        let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
        let (mut links, mut count) = (Vec::new(), 0);
        while let Some(block) = reader.next_block() {
            match block.unwrap().0 {
                Block::InterfaceDescription(interface) => links.push(interface.linktype),
                Block::EnhancedPacket(packet) => {
                    let record = &capture.records[count];
                    assert_eq!(packet.interface_id, record.point, "{name} frame {}", count + 1);
                    assert_eq!(packet.data[..], record.bytes[..], "{name} frame {}", count + 1);
                    count += 1;
                }
                _ => {}
            }
        }
        assert_eq!(count, capture.records.len(), "{name}");
        let expected = capture.interfaces.iter().map(|interface| {
            if interface.ethernet {
                DataLink::ETHERNET
            } else {
                DataLink::IPV4
            }
        });
        assert!(links.into_iter().eq(expected), "{name}");
    }
}

#[test]
fn no_captured_packet_has_a_wrong_checksum() {
    for (name, capture) in captures() {
        for (index, record) in capture.records.iter().enumerate() {
            let is_ethernet = capture.interfaces[record.point as usize].ethernet;
            let Some(packet) = ipv4(is_ethernet, &record.bytes) else {
                continue;
            };
            let frame = index + 1;
            let summary = summarize(packet).unwrap_or_else(|error| panic!("{name} frame {frame}: {error}"));
            let header = &packet[..usize::from(summary.header_len)];
            assert_eq!(checksum::internet(header), 0, "{name} frame {frame}: header");
            if summary.is_fragment() {
                continue;
            }
            let segment = &packet[usize::from(summary.header_len)..usize::from(summary.total_len)];
            let sum = if summary.is_icmp() {
                checksum::internet(segment)
            } else {
                checksum::transport(
                    summary.source(),
                    summary.destination(),
                    summary.protocol(),
                    segment,
                )
            };
            if summary.is_icmp() || summary.has_ports() {
                assert_eq!(sum, 0, "{name} frame {frame}: {}", vpcsim_wire::describe(packet));
            }
        }
    }
}

#[test]
fn a_packet_keeps_its_id_and_ends_at_most_once() {
    for (name, capture) in captures() {
        let mut deaths: BTreeMap<u64, usize> = BTreeMap::new();
        for record in capture.records.iter().filter(|record| record.dropped.is_some()) {
            *deaths.entry(record.packet_id).or_default() += 1;
        }
        let twice: Vec<_> = deaths.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{name}: {twice:?}");
        let is_ordered = capture
            .records
            .windows(2)
            .all(|pair| pair[0].time_ns <= pair[1].time_ns);
        assert!(is_ordered, "{name}: the records are in the order of time");
    }
}

#[test]
fn tshark_finds_nothing_malformed_and_no_bad_checksum() {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: tshark is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (index, (name, capture)) in captures().into_iter().enumerate() {
        let path = folder.path().join(format!("{index}.pcapng"));
        std::fs::write(&path, file_bytes(&capture)).unwrap();
        let filter = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 \
                      || udp.checksum.status == 0 || icmp.checksum.status == 0";
        let checks = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"];
        let options = checks
            .iter()
            .flat_map(|check| ["-o".to_owned(), format!("{check}:TRUE")]);
        let output = Command::new("tshark")
            .arg("-r")
            .arg(&path)
            .args(options)
            .args(["-Y", filter])
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        assert!(found.is_empty(), "{name}:\n{found}");
    }
}
