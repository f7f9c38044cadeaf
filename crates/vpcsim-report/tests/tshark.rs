//! Captures are read back by tshark, where it is installed.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use bytes::Bytes;
use vpcsim_analysis::{Capture, CaptureInterface, CaptureRecord};
use vpcsim_report::pcapng;
use vpcsim_wire::{PacketBuilder, tcp};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 7);

fn framed(packet: Vec<u8>) -> Bytes {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend(packet);
    Bytes::from(frame)
}

fn record(point: u32, packet_id: u64, dropped: Option<&str>, bytes: Bytes) -> CaptureRecord {
    CaptureRecord {
        point,
        time_ns: 1_500_000_000 + packet_id,
        packet_id,
        outbound: true,
        dropped: dropped.map(Into::into),
        bytes,
    }
}

fn sample() -> Capture {
    let syn = PacketBuilder::tcp(CLIENT, 40_000, SERVER, 5432)
        .flags(tcp::SYN)
        .mss(1_460)
        .build();
    let datagram = PacketBuilder::udp(CLIENT, 40_001, SERVER, 9_999)
        .payload(b"hello")
        .build();
    let echo = PacketBuilder::icmp_echo(CLIENT, SERVER, 7, 1).build();
    let interface = |name: &str, ethernet| CaptureInterface {
        name: name.into(),
        description: String::new(),
        ethernet,
    };
    Capture {
        interfaces: vec![interface("web-1 eni", true), interface("nat-a inside", false)],
        records: vec![
            record(0, 42, None, framed(syn.clone())),
            record(1, 42, Some("SG_INGRESS sg-db"), Bytes::from(syn)),
            record(0, 43, None, framed(datagram)),
            record(1, 44, None, Bytes::from(echo)),
        ],
        names: vec![(CLIENT, "web-1".into()), (SERVER, "db-1".into())],
        comment: "sample, seed 1".into(),
    }
}

/// What tshark prints for the sample with these arguments; `None` where it is not installed.
fn tshark(arguments: &[&str]) -> Option<String> {
    let spawned = Command::new("tshark")
        .args(["-r", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("skipped: tshark is not installed");
        return None;
    };
    let mut capture = Vec::new();
    pcapng::write(&sample(), &mut capture).expect("a vector takes every byte");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(&capture).expect("tshark reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("tshark ends");
    Some(String::from_utf8(output.stdout).expect("tshark prints text"))
}

fn frames(filter: &str) -> Option<Vec<String>> {
    let output = tshark(&["-Y", filter, "-T", "fields", "-e", "frame.number"])?;
    Some(output.lines().map(Into::into).collect())
}

#[test]
fn nothing_is_malformed_and_every_checksum_is_good() {
    let checked = [
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
    ];
    let bad = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 \
               || icmp.checksum.status == 0";
    let Some(output) = tshark(&[&checked[..], &["-Y", bad]].concat()) else {
        return;
    };
    assert_eq!(output, "");
    let good = tshark(&[&checked[..], &["-Y", "ip.checksum.status == 1"]].concat()).expect("tshark is there");
    assert_eq!(good.lines().count(), 4, "{good}");
}

#[test]
fn one_packet_is_followed_through_the_network_by_its_id() {
    let Some(found) = frames("frame.packet_id == 42") else {
        return;
    };
    assert_eq!(found, ["1", "2"]);
}

#[test]
fn drops_are_found_by_comment_and_by_verdict() {
    let Some(by_comment) = frames("frame.comment contains \"DROP SG_INGRESS\"") else {
        return;
    };
    assert_eq!(by_comment, ["2"]);
    assert_eq!(
        frames("frame.verdict.ebpf_tc == 2").expect("tshark is there"),
        ["2"]
    );
}

#[test]
fn interfaces_have_their_names_and_times_their_nanoseconds() {
    let Some(found) = frames("frame.interface_name == \"nat-a inside\"") else {
        return;
    };
    assert_eq!(found, ["2", "4"]);
    let times = tshark(&["-T", "fields", "-e", "frame.time_epoch"]).expect("tshark is there");
    assert_eq!(times.lines().next(), Some("1.500000042"));
}

#[test]
fn addresses_are_shown_with_their_names() {
    let Some(output) = tshark(&["-N", "n", "-T", "fields", "-e", "ip.src_host"]) else {
        return;
    };
    assert_eq!(output.lines().next(), Some("web-1"));
}
