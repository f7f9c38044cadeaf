//! Measuring on a machine that others use, too: CPU time, medians of five, and a yardstick in the same process.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Duration;

use cpu_time::ProcessTime;
use vpcsim_engine::Random;

/// So often each figure is measured.
pub const REPETITIONS: usize = 5;
/// A repetition takes about so long.
const REPETITION: Duration = Duration::from_millis(300);

/// A figure that was measured several times.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    values: Vec<f64>,
}

impl Measured {
    /// From single values, in any order.
    ///
    /// # Panics
    /// Without any value.
    pub fn of(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "a figure has at least one value");
        values.sort_by(f64::total_cmp);
        Self { values }
    }

    /// The one in the middle.
    pub fn median(&self) -> f64 {
        self.values[self.values.len() / 2]
    }

    /// The least one.
    pub fn min(&self) -> f64 {
        self.values[0]
    }

    /// The greatest one.
    pub fn max(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    /// Each value turned into another.
    #[must_use]
    pub fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        Self::of(self.values.iter().map(|value| change(*value)).collect())
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Enough for a figure.
    Full,
    /// Only whether it works.
    Smoke,
}

impl Effort {
    /// `full`, or for a smoke run `smoke`.
    pub const fn pick<T: Copy>(self, full: T, smoke: T) -> T {
        match self {
            Self::Full => full,
            Self::Smoke => smoke,
        }
    }

    /// How often each figure is measured.
    pub const fn repetitions(self) -> usize {
        self.pick(REPETITIONS, 1)
    }

    /// What `run` gets done in a second of CPU time: it is told how much to do, at least `least` at once, and does it.
    pub fn rate(self, least: u64, mut run: impl FnMut(u64)) -> Measured {
        let mut count = least;
        if self == Self::Full {
            // The first run warms up: tables grow, buffers are made, flows get known.
            run(count);
            while let time = cpu_time(|| run(count)).0
                && time * 2 < REPETITION
            {
                let more = REPETITION.as_secs_f64() / time.as_secs_f64().max(1e-6);
                count = (count as f64 * more.clamp(1.5, 32.0)) as u64;
            }
        }
        let one = |_| {
            let (time, ()) = cpu_time(|| run(count));
            count as f64 / time.as_secs_f64().max(1e-9)
        };
        Measured::of((0..self.repetitions()).map(one).collect())
    }

    /// Seconds of CPU time that `run` takes.
    pub fn seconds<T>(self, mut run: impl FnMut() -> T) -> Measured {
        let one = |_| cpu_time(|| black_box(run())).0.as_secs_f64();
        Measured::of((0..self.repetitions()).map(one).collect())
    }
}

/// What something takes of the processor, and what it gives.
pub fn cpu_time<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = ProcessTime::now();
    let done = run();
    (start.elapsed(), done)
}

/// The yardstick: operations per second of a binary heap that holds 10,000 events, take one and put one back.
///
/// It is measured in the same process as what is compared with it, so that a busy neighbour slows both.
///
/// # Panics
/// Never: the queue never runs empty.
pub fn heap_holds(effort: Effort) -> Measured {
    const PENDING: u64 = 10_000;
    let mut random = Random::new(1, 0);
    let events = (0..PENDING).map(|item| Reverse((random.below(1_000_000), item)));
    let mut heap: BinaryHeap<Reverse<(u64, u64)>> = events.collect();
    let mut sequence = PENDING;
    effort.rate(PENDING, |count| {
        for _ in 0..count {
            let Reverse((now, _)) = heap.pop().expect("the queue never runs empty");
            sequence += 1;
            heap.push(Reverse((now + 1 + random.below(1_000_000), sequence)));
        }
    })
}

/// A number with its power of a thousand: `8.12 M`.
pub fn figure(value: f64) -> String {
    let (scaled, unit) = match value {
        _ if value >= 1e9 => (value / 1e9, " G"),
        _ if value >= 1e6 => (value / 1e6, " M"),
        _ if value >= 1e3 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let decimals = match scaled {
        _ if scaled >= 100.0 => 0,
        _ if scaled >= 10.0 => 1,
        _ => 2,
    };
    format!("{scaled:.decimals$}{unit}")
}

/// Seconds with their unit: `81.2 ms`.
pub fn seconds(value: f64) -> String {
    match value {
        _ if value >= 1.0 => format!("{value:.2} s"),
        _ if value >= 1e-3 => format!("{:.1} ms", value * 1e3),
        _ if value >= 1e-6 => format!("{:.1} us", value * 1e6),
        _ => format!("{:.1} ns", value * 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_median_with_its_range() {
        let measured = Measured::of(vec![3.0, 1.0, 2.0]);
        assert_eq!(
            (measured.min(), measured.median(), measured.max()),
            (1.0, 2.0, 3.0)
        );
        assert_eq!(figure(measured.map(|value| 6.0 / value).median()), "3.00");
    }

    #[test]
    fn figures_are_short() {
        let words = [8_123_456.0, 999.0, 1_000.0, 45_600.0, 2.5e9].map(figure);
        assert_eq!(words, ["8.12 M", "999", "1.00 k", "45.6 k", "2.50 G"]);
        assert_eq!([1.5, 0.0812, 3e-6].map(seconds), ["1.50 s", "81.2 ms", "3.0 us"]);
    }

    #[test]
    fn a_smoke_run_measures_once() {
        let mut runs = Vec::new();
        Effort::Smoke.rate(7, |count| runs.push(count));
        assert_eq!(runs, [7]);
    }
}
