//! Many flows asked with several threads: the same bytes, in the same order.

use std::fmt::Write as _;
use std::fs;

use super::Desk;

/// Designs in whose networks much may happen, with ends of flows in them.
const DESIGNS: [(&str, [&str; 4]); 3] = [
    ("three-tier", ["laptop", "web-1", "app-1", "nobody-knows-it"]),
    ("nat-instance", ["mirror", "worker", "nat", "192.0.2.77"]),
    ("inspection-vpc", ["red-a", "blue-a", "blue-b", "192.0.2.77"]),
];

/// Each end to each by several services, again and again.
fn flows(ends: [&str; 4]) -> String {
    let mut lines = String::new();
    for number in 0..480 {
        let (source, dst) = (ends[number % 4], ends[number / 4 % 4]);
        let service = ["\"tcp\",\"dst_port\":443", "\"udp\",\"dst_port\":53", "\"icmp\""][number / 16 % 3];
        let _ = writeln!(
            lines,
            "{{\"id\":\"{number}\",\"source\":\"{source}\",\"dst\":\"{dst}\",\"protocol\":{service}}}"
        );
    }
    lines
}

#[test]
fn a_file_of_flows_has_the_same_answers_with_any_number_of_threads() {
    let mut answer_count = 0;
    for (name, ends) in DESIGNS {
        let path = format!("{}/../../topologies/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let desk = Desk::with(&fs::read_to_string(path).expect("the design is there"));
        desk.put("flows.jsonl", &flows(ends));
        for format in ["jsonl", "text", "json", "network-insights"] {
            let ask = |threads| {
                let arguments = [
                    "trace",
                    "shop.yaml",
                    "--flows",
                    "flows.jsonl",
                    "--format",
                    format,
                    "--threads",
                    threads,
                ];
                desk.vpcsim(&arguments)
            };
            let alone = ask("1");
            answer_count += alone.stdout.lines().count();
            for threads in ["2", "3"] {
                let together = ask(threads);
                assert!(
                    together.stdout == alone.stdout,
                    "{name}, {format}, {threads} threads"
                );
                assert_eq!((together.status, &together.stderr), (alone.status, &alone.stderr));
            }
        }
    }
    assert!(answer_count > 1_000, "{answer_count} lines");
}

#[test]
fn no_thread_at_all_is_wrong() {
    let desk = Desk::with(super::SHOP);
    desk.put("flows.jsonl", "");
    let ended = desk.vpcsim(&["trace", "shop.yaml", "--flows", "flows.jsonl", "--threads", "0"]);
    ended.ends_with(2).complains("--threads");
}
