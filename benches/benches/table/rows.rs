//! The rows of the table.

use std::cell::OnceCell;
use std::env;
use std::process::Command;

use vpcsim_analysis::Simulation;
use vpcsim_benches::arrivals::arrivals;
use vpcsim_benches::bulk::Transfer;
use vpcsim_benches::capturing::CapturedChain;
use vpcsim_benches::chain::{Chain, Form};
use vpcsim_benches::load::{Load, LoadedNetwork};
use vpcsim_benches::measure::{Effort, Measured, cpu_time};
use vpcsim_benches::{flow_records, memory, start_up, structures};
use vpcsim_testkit::estate::estate;

use crate::sheet::{Goal, Sheet, Unit};

/// The first argument of a process that only measures its memory.
pub(crate) const MEMORY: &str = "--memory";

const FORWARDING: &str = "(a) forwarding hops";
const END_TO_END: &str = "(a) packets from end to end";
const CAPTURING: &str = "(b) captured records, to a file";
const BULK: &str = "(c) bulk TCP, bytes";
const ARRIVALS: &str = "(d) new tracked flows";
const AT_REST: &str = "(e) memory";
const STRUCTURES: &str = "(f) structures alone";
const START_UP: &str = "start-up from native YAML";
const FLOWS: &str = "trace --flows, 1,000,000 records";

const CHAINS: [(&str, Form, usize); 4] = [
    ("gateways, 2 hops", Form::Gateways, 2),
    ("gateways, 6 hops", Form::Gateways, 6),
    ("inspected, 2 hops", Form::Inspected, 2),
    ("inspected, 6 hops", Form::Inspected, 6),
];

pub(crate) fn all(sheet: &mut Sheet, effort: Effort) {
    forwarding(sheet, effort);
    capturing(sheet, effort);
    bulk(sheet, effort);
    new_flows(sheet, effort);
    at_rest(sheet, effort);
    alone(sheet, effort);
    starting(sheet, effort);
    questions(sheet, effort);
}

fn forwarding(sheet: &mut Sheet, effort: Effort) {
    let mut packets = Vec::new();
    for (flow_count, must, aim) in [(1_000, 8e6, 30e6), (100_000, 4e6, 15e6)] {
        for (name, form, hops) in CHAINS {
            for payload_len in [64, 1_400] {
                let load = Load {
                    flow_count: effort.pick(flow_count, 10),
                    payload_len,
                };
                let chain = Chain::new(form, hops);
                let goal = (payload_len == 64).then_some(Goal { must, aim });
                let name = format!("{name}, {flow_count} flows, {payload_len} B");
                let measured = sheet.row(FORWARDING, &name, Unit::PerSecond, goal, || {
                    let mut loaded = LoadedNetwork::through(chain, load);
                    let rate = effort.rate(u64::from(load.flow_count), |count| {
                        loaded.send(count);
                    });
                    rate.map(|packets| packets * hops as f64)
                });
                packets.extend(measured.map(|measured| (name, measured.map(|rate| rate / hops as f64))));
            }
        }
    }
    for (name, measured) in packets {
        sheet.row(END_TO_END, &name, Unit::PerSecond, None, || measured);
    }
}

fn capturing(sheet: &mut Sheet, effort: Effort) {
    let load = |payload_len| Load {
        flow_count: effort.pick(1_000, 10),
        payload_len,
    };
    for (payload_len, must, aim) in [(64, 2e6, 4e6), (1_400, 0.6e6, 1e6)] {
        for (name, form, hops) in CHAINS {
            let name = format!("{name}, 1000 flows, {payload_len} B");
            sheet.row(
                CAPTURING,
                &name,
                Unit::PerSecond,
                Some(Goal { must, aim }),
                || {
                    let chain = CapturedChain::new(Chain::new(form, hops), load(payload_len));
                    let mut chain = chain.expect("there is room for a file");
                    let per_packet = chain.send(10).expect("there is room for a file") as f64 / 10.0;
                    let rate = effort.rate(effort.pick(1_000, 10), |count| {
                        chain.send(count).expect("there is room for a file");
                    });
                    rate.map(|packets| packets * per_packet)
                },
            );
        }
    }
}

fn bulk(sheet: &mut Sheet, effort: Effort) {
    for (hops, mtu) in [(2, 1_500), (2, 9_001), (6, 1_500), (6, 8_500)] {
        let goal = (hops == 2 && mtu == 1_500).then_some(Goal {
            must: 400e6,
            aim: 1e9,
        });
        let name = format!("gateways, {hops} hops, MTU {mtu}");
        sheet.row(BULK, &name, Unit::PerSecond, goal, || {
            let mut transfer = Transfer::across(Chain::new(Form::Gateways, hops), mtu);
            effort.rate(effort.pick(1_000_000, 10_000), |bytes| transfer.send(bytes))
        });
    }
}

fn new_flows(sheet: &mut Sheet, effort: Effort) {
    let goal = Goal {
        must: 0.5e6,
        aim: 2e6,
    };
    let count = effort.pick(500_000, 100);
    sheet.row(
        ARRIVALS,
        "security group, network ACL, NAT",
        Unit::PerSecond,
        Some(goal),
        || {
            let one = |_| {
                let mut network = arrivals(count);
                let (time, _) = cpu_time(|| network.send(u64::from(count)));
                f64::from(count) / time.as_secs_f64()
            };
            Measured::of((0..effort.repetitions()).map(one).collect())
        },
    );
}

/// The figures of a process of its own, by its name.
fn in_own_process(figure: &str, count: usize) -> Vec<f64> {
    let this = env::current_exe().expect("the benchmark runs from a file");
    let mut command = Command::new(this);
    let output = command
        .args([MEMORY, figure, &count.to_string()])
        .output()
        .expect("the benchmark starts itself");
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// What [`in_own_process`] starts.
pub(crate) fn print_memory(arguments: &[String]) {
    let [figure, count] = arguments else { return };
    let count: usize = count.parse().unwrap_or(1_000);
    let figures = match figure.as_str() {
        "interfaces" => memory::idle_interfaces(count).to_vec(),
        "stacks" => memory::hosts_with_stacks(count).to_vec(),
        _ => vec![memory::tracked_flows(count as u32)],
    };
    let words: Vec<String> = figures.iter().map(f64::to_string).collect();
    println!("{}", words.join(" "));
}

fn at_rest(sheet: &mut Sheet, effort: Effort) {
    if memory::resident().is_none() {
        return println!("\n{AT_REST}: skipped, since the system does not tell what a process occupies");
    }
    idle_interfaces(sheet, effort);
    let hosts = effort.pick(10_000, 100);
    for (index, name) in ["host with a stack", "host with a stack and two ends of TCP"]
        .into_iter()
        .enumerate()
    {
        sheet.row(AT_REST, name, Unit::Bytes, None, || {
            let runs = (0..effort.repetitions()).map(|_| in_own_process("stacks", hosts)[index]);
            Measured::of(runs.collect())
        });
    }
    let goal = Goal {
        must: 128.0,
        aim: 64.0,
    };
    for flows in [90_000, 100_000, 190_000] {
        let name = format!("tracked flow of {flows}");
        sheet.row(AT_REST, &name, Unit::Bytes, Some(goal), || {
            let count = effort.pick(flows, 1_000);
            let runs = (0..effort.repetitions()).map(|_| in_own_process("flows", count)[0]);
            Measured::of(runs.collect())
        });
    }
}

/// What an interface costs that nothing reaches: all but its declaration has to fit the goal.
fn idle_interfaces(sheet: &mut Sheet, effort: Effort) {
    let count = effort.pick(100_000, 1_000);
    let goal = Goal {
        must: 1_024.0,
        aim: 512.0,
    };
    let runs = OnceCell::new();
    let runs = || -> &Vec<Vec<f64>> {
        runs.get_or_init(|| {
            let run = |_| in_own_process("interfaces", count);
            (0..effort.repetitions()).map(run).collect()
        })
    };
    let rows: [(&str, Option<Goal>, &[usize]); 4] = [
        ("compiled and running", Some(goal), &[1, 2]),
        ("as declared", None, &[0]),
        ("compiled, shared by all networks", None, &[1]),
        ("in each network", None, &[2]),
    ];
    for (name, goal, parts) in rows {
        let name = format!("idle interface: {name}");
        let sum = |run: &Vec<f64>| parts.iter().map(|part| run[*part]).sum();
        sheet.row(AT_REST, &name, Unit::Bytes, goal, || {
            Measured::of(runs().iter().map(sum).collect())
        });
    }
}

fn alone(sheet: &mut Sheet, effort: Effort) {
    for pending in [100, 10_000, 1_000_000] {
        let name = format!("queue holds, {pending} pending");
        sheet.row(STRUCTURES, &name, Unit::PerSecond, None, || {
            structures::queue(effort, effort.pick(pending, 100))
        });
    }
    for entries in [1_000, 100_000, 1_000_000] {
        let name = format!("flow look-ups, {entries} flows");
        sheet.row(STRUCTURES, &name, Unit::PerSecond, None, || {
            structures::flow_table(effort, effort.pick(entries, 100))
        });
    }
    for count in [10, 100, 1_000] {
        let name = format!("route look-ups, {count} routes");
        sheet.row(STRUCTURES, &name, Unit::PerSecond, None, || {
            structures::route_lookup(effort, count)
        });
    }
}

fn starting(sheet: &mut Sheet, effort: Effort) {
    for (count, must, aim) in [(10_000, 1.0, 0.1), (100_000, 10.0, 1.0)] {
        let count = effort.pick(count, 100);
        let text = OnceCell::new();
        let text = || text.get_or_init(|| start_up::native_design(count));
        let name = format!("{count} interfaces");
        sheet.row(START_UP, &name, Unit::Seconds, Some(Goal { must, aim }), || {
            let text = text();
            effort.seconds(|| start_up::compile(start_up::import(text)))
        });
        let name = format!("{count} interfaces, without compilation");
        sheet.row(START_UP, &name, Unit::Seconds, None, || {
            let text = text();
            effort.seconds(|| start_up::import(text))
        });
    }
}

fn questions(sheet: &mut Sheet, effort: Effort) {
    for interfaces in [1_000, 10_000] {
        let interfaces = effort.pick(interfaces, 100);
        let goal = Goal {
            must: 60.0,
            aim: 10.0,
        };
        let name = format!("in a design of {interfaces} interfaces");
        sheet.row(FLOWS, &name, Unit::Seconds, Some(goal), || {
            let simulation = Simulation::new(estate(interfaces).into());
            let lines = flow_records::records(&simulation, effort.pick(10_000, 20));
            let mut lines = lines.iter().cycle();
            let rate = effort.rate(10, |count| {
                flow_records::answer(&simulation, lines.by_ref().take(count as usize));
            });
            rate.map(|per_second| 1e6 / per_second)
        });
    }
}
