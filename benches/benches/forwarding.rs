//! Forwarding with everything on: a hop is one chain SG, NACL, route, NACL, SG of a packet.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vpcsim_benches::Chain;

const PACKETS: u64 = 100_000;

fn forwarding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("forwarding, hops per second");
    group.throughput(Throughput::Elements(PACKETS)).sample_size(10);
    for (flow_count, payload_len) in [(1_000, 64), (1_000, 1_400), (100_000, 64)] {
        let name = BenchmarkId::new(format!("{flow_count} flows"), format!("{payload_len} B"));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || Chain::new(flow_count, payload_len, PACKETS),
                |chain| assert_eq!(chain.run(), PACKETS),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, forwarding);
criterion_main!(benches);
