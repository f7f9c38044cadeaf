//! The whole table: what is measured, what it must reach, and how far that is.
//!
//! `cargo bench -p vpcsim-benches --bench table` prints all of it. Behind `--`: words of a row's name to see only such rows, `--test`
//! for a smoke run, `--peers` for ns-3 and Linux' namespaces beside ours instead of the table. `benches/README.md` says how to read it.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod peers;
mod rows;
mod sheet;

use std::env;

use clap::Parser;
use vpcsim_benches::measure::{Effort, figure, heap_holds};

use sheet::Sheet;

/// Measures the whole table, or the rows that are asked for.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only rows whose names have all these words.
    words: Vec<String>,
    /// Run ns-3 and Linux' namespaces beside ours instead of the table.
    #[arg(long)]
    peers: bool,
    /// Run all of it as short as can be: the figures mean nothing.
    #[arg(long)]
    test: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, figures @ ..] = &arguments[..]
        && word == rows::MEMORY
    {
        return rows::print_memory(figures);
    }
    let arguments = Arguments::parse();
    let effort = if arguments.test {
        Effort::Smoke
    } else {
        Effort::Full
    };
    let mut sheet = Sheet::new(arguments.words);
    if effort == Effort::Smoke {
        println!("smoke run: the figures mean nothing");
    }
    let before = heap_holds(effort);
    if arguments.peers {
        peers::run(effort);
    } else {
        rows::all(&mut sheet, effort);
    }
    let after = heap_holds(effort);
    println!(
        "\nyardstick: a binary heap of 10,000 events did {} holds/s before and {} after; a second of it is worth so many rows' units as\n\
         the ratios say. A difference between the two is the machine's noise.",
        figure(before.median()),
        figure(after.median())
    );
}
