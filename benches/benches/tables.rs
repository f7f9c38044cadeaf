//! The flow table and the longest-prefix match alone.

use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vpcsim_aws::compile::Place;
use vpcsim_aws::devices::route_table::{self, Route, RouteDestination, RouteSource, RouteTarget};
use vpcsim_aws::model::{Id, Origin};
use vpcsim_engine::{FlowTable, Random};

fn key(number: u64) -> u128 {
    u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) | 1
}

fn flow_table(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flow table, look-ups per second");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for entries in [1_000_u64, 100_000, 1_000_000] {
        let mut table: FlowTable<[u64; 2]> = FlowTable::new();
        for number in 0..entries {
            table.insert(key(number), [number, 0]);
        }
        let mut random = Random::new(1, 0);
        group.bench_function(BenchmarkId::new("hit", entries), |bencher| {
            bencher.iter(|| black_box(table.find(key(random.below(entries))).copied()));
        });
    }
    group.finish();
}

fn route(number: u32) -> Route {
    let net = ipnet::Ipv4Net::new(Ipv4Addr::from(0x0B00_0000 + (number << 12)), 20);
    Route {
        destination: RouteDestination::Cidr(net.expect("20 bits are valid")),
        target: RouteTarget::Local,
        source: RouteSource::Static,
        blackhole: false,
        origin: Origin::NOWHERE,
    }
}

fn route_lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route look-ups per second");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for count in [10_u32, 100, 1_000] {
        let mut topology = vpcsim_benches::topology();
        topology.route_tables[Id::from_index(0)].routes = (0..count).map(route).collect();
        let lookup = route_table::compile(Id::from_index(0), &Place::new(&topology));
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
