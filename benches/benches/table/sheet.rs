//! The lines of the table.

use indicatif::ProgressBar;
use vpcsim_benches::measure::{Measured, figure, seconds};

/// What a figure counts, and which way is better.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// So many a second: more is better.
    PerSecond,
    /// Bytes: fewer is better.
    Bytes,
    /// Seconds: fewer is better.
    Seconds,
}

impl Unit {
    fn words(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", figure(value)),
            Self::Bytes => format!("{} B", figure(value)),
            Self::Seconds => seconds(value),
        }
    }

    /// How many times as good as the goal.
    fn times(self, value: f64, goal: f64) -> f64 {
        match self {
            Self::PerSecond => value / goal,
            Self::Bytes | Self::Seconds => goal / value,
        }
    }
}

/// What a row must reach, and what it aims for.
#[derive(Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) must: f64,
    pub(crate) aim: f64,
}

/// Prints rows as they are measured: only those that were asked for.
pub(crate) struct Sheet {
    words: Vec<String>,
    heading: &'static str,
}

impl Sheet {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self { words, heading: "" }
    }

    /// Measures and prints a row, unless others were asked for.
    pub(crate) fn row(
        &mut self,
        heading: &'static str,
        name: &str,
        unit: Unit,
        goal: Option<Goal>,
        measure: impl FnOnce() -> Measured,
    ) -> Option<Measured> {
        let full_name = format!("{heading} {name}");
        if !self.words.iter().all(|word| full_name.contains(word.as_str())) {
            return None;
        }
        if self.heading != heading {
            self.heading = heading;
            println!(
                "\n{heading}\n  {:<46} {:>11}  {:<25} {:>9} {:>9}  {:>6} {:>6}",
                "", "median", "[min..max]", "must", "aim", "/must", "/aim"
            );
        }
        // Some rows take half a minute: where somebody sits before it, the name is shown meanwhile.
        let waiting = ProgressBar::new_spinner().with_message(full_name);
        waiting.tick();
        let measured = measure();
        waiting.finish_and_clear();
        let range = format!("[{}..{}]", unit.words(measured.min()), unit.words(measured.max()));
        let goals = goal.map_or_else(String::new, |goal| {
            let [must, aim] = [goal.must, goal.aim].map(|goal| unit.words(goal));
            let [to_must, to_aim] = [goal.must, goal.aim].map(|goal| unit.times(measured.median(), goal));
            format!("{must:>9} {aim:>9}  {to_must:>6.2} {to_aim:>6.2}")
        });
        println!(
            "  {name:<46} {:>11}  {range:<25} {goals}",
            unit.words(measured.median())
        );
        Some(measured)
    }
}
