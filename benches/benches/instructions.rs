//! Instructions per packet, held against those that `instructions.txt` remembers: the gate of CI.
//!
//! `UPDATE_EXPECT=1 cargo bench -p vpcsim-benches --bench instructions` writes the file anew. Without valgrind nothing is held.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use vpcsim_benches::instructions::{Workload, is_callgrind_there, per_packet};

/// The first argument of the process that callgrind runs.
const RUN: &str = "--run";
/// Compilers differ by so many hundredths.
const SLACK_PERCENT: u64 = 5;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, name, packets] = &arguments[..]
        && word == RUN
    {
        let mut all = Workload::ALL.iter();
        if let (Some((_, workload)), Ok(packets)) = (all.find(|(known, _)| known == name), packets.parse()) {
            workload.run(packets);
        }
        return;
    }
    if !is_callgrind_there() {
        return println!("instructions per packet: skipped, since there is no valgrind");
    }
    let this = env::current_exe().expect("the benchmark runs from a file");
    let counted: Vec<(&str, u64)> = Workload::ALL
        .iter()
        .map(|(name, _)| {
            let count = per_packet(&this, &[RUN], name);
            (*name, count.unwrap_or_else(|why| panic!("{name}: {why}")))
        })
        .collect();
    if env::var_os("UPDATE_EXPECT").is_some() {
        let lines = counted.iter().map(|(name, count)| format!("{name} {count}\n"));
        fs::write(remembered(), lines.collect::<String>()).expect("the file can be written");
    }
    let known = fs::read_to_string(remembered()).unwrap_or_default();
    let mut is_worse = false;
    println!("instructions per packet   now  remembered");
    for (name, now) in counted {
        let was = remembered_count(&known, name);
        let verdict = match was {
            Some(was) if now * 100 > was * (100 + SLACK_PERCENT) => {
                is_worse = true;
                "WORSE"
            }
            Some(was) if now * (100 + SLACK_PERCENT) < was * 100 => "better: remember it",
            _ => "",
        };
        println!("  {name:<20} {now:>8}  {:>10}  {verdict}", was.unwrap_or(0));
    }
    if is_worse {
        process::exit(1);
    }
}

fn remembered() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

fn remembered_count(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
