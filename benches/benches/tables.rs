//! The flow table and the longest-prefix match alone.

use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vpcsim_benches::structures;
use vpcsim_engine::Random;

fn flow_table(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flow table, look-ups per second");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for entries in [1_000_u64, 100_000, 1_000_000] {
        let table = structures::table(entries);
        let mut random = Random::new(1, 0);
        group.bench_function(BenchmarkId::new("hit", entries), |bencher| {
            bencher.iter(|| black_box(table.find(structures::key(random.below(entries))).copied()));
        });
    }
    group.finish();
}

fn route_lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route look-ups per second");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for count in [10_u32, 100, 1_000] {
        let lookup = structures::routes(count);
        let mut random = Random::new(1, 0);
        group.bench_function(BenchmarkId::new("random destination", count), |bencher| {
            bencher.iter(|| {
                let address = Ipv4Addr::from(0x0B00_0000 + random.below(u64::from(count) << 12) as u32);
                black_box(lookup.lookup(address).copied())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, flow_table, route_lookup);
criterion_main!(benches);
