//! Writing a capture.

use std::io::sink;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vpcsim_analysis::{Capture, CaptureInterface, CaptureRecord};

const RECORDS: u64 = 10_000;

fn capture(payload_len: usize) -> Capture {
    let interface = CaptureInterface {
        name: "web eni".to_owned(),
        description: String::new(),
        ethernet: false,
    };
    let bytes = vpcsim_wire::PacketBuilder::udp(vpcsim_benches::SENDER, 9, vpcsim_benches::RECEIVER, 9)
        .payload(&vec![7; payload_len])
        .build();
    let bytes = bytes::Bytes::from(bytes);
    let record = |number: u64| CaptureRecord {
        point: 0,
        time_ns: number * 1_000,
        packet_id: number,
        outbound: true,
        dropped: None,
        bytes: bytes.clone(),
    };
    Capture {
        interfaces: vec![interface],
        records: (0..RECORDS).map(record).collect(),
        ..Capture::default()
    }
}

fn writing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("capture, records per second");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(20);
    for payload_len in [64, 1_400] {
        let capture = capture(payload_len);
        group.bench_function(
            BenchmarkId::new("pcapng to memory", format!("{payload_len} B")),
            |bencher| {
                bencher.iter(|| vpcsim_report::pcapng::write(&capture, sink()).expect("a sink takes all"));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, writing);
criterion_main!(benches);
