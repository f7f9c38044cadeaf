//! The hold model (take the earliest, put one back) of the timing wheel, beside a binary heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vpcsim_engine::{Random, TimingWheel};

/// A few link delays and, now and then, a long timer, as networks have them.
fn delay_ns(random: &mut Random) -> u64 {
    match random.below(100) {
        0 => 200_000_000,
        1..=4 => 1_000_000,
        other => 10_000 + (other % 8) * 12_500,
    }
}

fn hold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue, hold operations per second");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    for pending in [100_u64, 10_000, 1_000_000] {
        group.bench_function(BenchmarkId::new("timing wheel", pending), |bencher| {
            let mut random = Random::new(1, 0);
            let mut wheel = TimingWheel::new();
            (0..pending).for_each(|item| wheel.push(delay_ns(&mut random), item));
            bencher.iter(|| {
                let (now, item) = wheel.pop().expect("the queue never runs empty");
                wheel.push(now + delay_ns(&mut random), item);
            });
        });
        group.bench_function(BenchmarkId::new("binary heap", pending), |bencher| {
            let mut random = Random::new(1, 0);
            let mut sequence = pending;
            let mut heap: BinaryHeap<Reverse<(u64, u64)>> = (0..pending)
                .map(|item| Reverse((delay_ns(&mut random), item)))
                .collect();
            bencher.iter(|| {
                let Reverse((now, _)) = heap.pop().expect("the queue never runs empty");
                sequence += 1;
                heap.push(Reverse((now + delay_ns(&mut random), sequence)));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, hold);
criterion_main!(benches);
