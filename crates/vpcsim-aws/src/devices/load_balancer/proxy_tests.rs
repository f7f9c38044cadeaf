//! The header of the proxy protocol in a connection.

use vpcsim_wire::{FlowKey, PacketBuilder, Protocol, proxy_protocol, tcp};

use super::tests::{Bench, CLIENT, NODE_A, design, syn};
use crate::stand::{Arrival, ip};

const ISN: u32 = u32::MAX - 10;

fn introduced() -> Bench {
    let mut design = design().translating();
    design.group().proxy_protocol = true;
    design.bench()
}

fn client(seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    syn(5000).flags(tcp::ACK).seq(ISN.wrapping_add(seq)).ack(ack).payload(payload).build()
}

fn target(got: &Arrival, ack: u32, payload: &[u8]) -> Vec<u8> {
    let key = got.key();
    PacketBuilder::tcp(key.destination(), key.destination_port(), key.source(), key.source_port())
        .flags(tcp::ACK)
        .seq(901)
        .ack(ISN.wrapping_add(ack))
        .payload(payload)
        .build()
}

/// Sequence number from the first byte of the client on, acknowledgement, payload.
fn segment(arrival: &Arrival) -> (u32, u32, Vec<u8>) {
    let segment = tcp::Segment::parse(&arrival.bytes[20..]).unwrap();
    assert!(segment.verify_checksum(arrival.key().source(), arrival.key().destination()));
    (segment.seq().wrapping_sub(ISN), segment.ack(), segment.payload().to_vec())
}

/// An open connection, and what the target got of it.
fn opened() -> (Bench, Vec<Arrival>) {
    let mut bench = introduced();
    let mut got = bench.by(0, &syn(5000).seq(ISN).build());
    let key = got[0].key();
    let accept = PacketBuilder::tcp(key.destination(), key.destination_port(), key.source(), key.source_port());
    let back = bench.by(0, &accept.flags(tcp::SYN | tcp::ACK).seq(900).ack(ISN.wrapping_add(1)).build());
    assert_eq!(segment(&back[0]).1, ISN.wrapping_add(1), "the SYN is acknowledged as ever");
    got.extend(bench.by(0, &client(1, 901, b"")));
    (bench, got)
}

#[test]
fn the_first_bytes_of_a_connection_are_the_header_with_the_clients_address() {
    let (_, got) = opened();
    assert_eq!(segment(&got[0]).0, 0);
    let header = proxy_protocol::header(FlowKey::new(ip(CLIENT), ip(NODE_A), Protocol::TCP, 5000, 80));
    assert_eq!(segment(&got[1]), (1, 901, header.to_vec()), "before the segment that it came with");
    assert_eq!(segment(&got[2]), (29, 901, Vec::new()));
    assert_eq!(got[1].key(), got[0].key());
}

#[test]
fn sequence_numbers_move_by_the_header_and_back() {
    let (mut bench, got) = opened();
    let data = bench.by(0, &client(1, 901, b"hello"));
    assert_eq!(segment(&data[0]), (29, 901, b"hello".to_vec()), "the header is not sent twice");
    let back = bench.by(0, &target(&got[0], 29, b""));
    assert_eq!(segment(&back[0]).1, ISN.wrapping_add(1), "the client never hears of the header");
    let back = bench.by(0, &target(&got[0], 34, b"hi"));
    assert_eq!(segment(&back[0]), (901_u32.wrapping_sub(ISN), ISN.wrapping_add(6), b"hi".to_vec()));
    let more = bench.by(0, &client(6, 903, b"!"));
    assert_eq!(segment(&more[0]), (34, 903, b"!".to_vec()));
}

#[test]
fn a_header_that_got_lost_is_sent_again_with_what_the_client_repeats() {
    let (mut bench, got) = opened();
    bench.by(0, &client(1, 901, b"hello"));
    let again = bench.by(0, &client(1, 901, b"hello"));
    assert_eq!((segment(&again[0]).0, segment(&again[0]).2.len()), (1, 28));
    assert_eq!(segment(&again[1]), (29, 901, b"hello".to_vec()));
    bench.by(0, &target(&got[0], 29, b""));
    let again = bench.by(0, &client(1, 901, b"hello"));
    assert_eq!(again.len(), 1, "the target has it");
}

#[test]
fn what_a_target_acknowledges_before_the_header_stays_behind_the_syn() {
    let (mut bench, got) = opened();
    let back = bench.by(0, &target(&got[0], 1, b"220 ready"));
    assert_eq!(segment(&back[0]).1, ISN.wrapping_add(1));
}

#[test]
fn a_reset_before_the_header_keeps_its_number() {
    let mut bench = introduced();
    bench.by(0, &syn(5000).seq(ISN).build());
    let reset = bench.by(0, &syn(5000).flags(tcp::RST).seq(ISN.wrapping_add(1)).build());
    assert_eq!((reset.len(), segment(&reset[0]).0), (1, 1));
}
