//! The peers, run beside ours: ns-3 and Linux' network namespaces.
//!
//! Each is built from `benches/peers/` and left out with a message where what it needs is not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vpcsim_benches::bulk::Transfer;
use vpcsim_benches::capturing::CapturedChain;
use vpcsim_benches::chain::{Chain, Form};
use vpcsim_benches::load::{Load, LoadedNetwork};
use vpcsim_benches::measure::{Effort, Measured, figure};

const NS3_MODULES: [&str; 9] = [
    "core",
    "network",
    "internet",
    "point-to-point",
    "csma",
    "applications",
    "traffic-control",
    "bridge",
    "stats",
];
/// What Debian calls its release of ns-3.
const NS3_RELEASE: &str = "37";

/// One load that both can carry.
#[derive(Clone, Copy)]
struct Contest {
    hops: usize,
    payload_len: u16,
}

const CONTESTS: [Contest; 4] = [
    Contest {
        hops: 2,
        payload_len: 64,
    },
    Contest {
        hops: 2,
        payload_len: 1_400,
    },
    Contest {
        hops: 6,
        payload_len: 64,
    },
    Contest {
        hops: 6,
        payload_len: 1_400,
    },
];

pub(crate) fn run(effort: Effort) {
    match build_ns3() {
        Ok(program) => beside_ns3(&program, effort),
        Err(why) => println!("\nns-3: left out: {why}"),
    }
    match build_linux() {
        Ok(script) => beside_linux(&script, effort),
        Err(why) => println!("\nLinux namespaces: left out: {why}"),
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Where programs of peers are built.
fn built(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join("vpcsim-peers");
    let _ = fs::create_dir_all(&folder);
    folder.join(name)
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(errors.lines().last().unwrap_or("it failed").to_owned())
}

fn build_ns3() -> Result<PathBuf, String> {
    let flags = output(Command::new("pkg-config").args(["--cflags", "ns3-core"]))
        .map_err(|_| "Debian's libns3-dev is not installed".to_owned())?;
    let program = built("ns3-chain");
    let mut build = Command::new("g++");
    build.args(["-std=c++17", "-O3", "-march=native"]);
    build.arg(sources().join("ns3-chain.cc")).arg("-o").arg(&program);
    build
        .args(flags.split_whitespace())
        .arg("-Wl,--allow-shlib-undefined");
    build.args(NS3_MODULES.map(|module| format!("-l:libns3-{module}.so.{NS3_RELEASE}")));
    output(&mut build)?;
    Ok(program)
}

/// The number behind `key=` in what a peer printed.
fn value(text: &str, key: &str) -> Option<f64> {
    let rest = &text[text.find(key)? + key.len()..];
    rest.split_whitespace().next()?.parse().ok()
}

/// What each of several runs of a peer says about `key`.
fn ns3(program: &Path, arguments: &[String], key: &str, effort: Effort) -> Option<Measured> {
    let one = |_| {
        let text = output(Command::new(program).args(arguments)).ok()?;
        value(&text, key)
    };
    let values: Option<Vec<f64>> = (0..effort.repetitions()).map(one).collect();
    values.map(Measured::of)
}

fn show(name: &str, ours: &Measured, theirs: Option<&Measured>) {
    let range = |measured: &Measured| {
        format!(
            "{} [{}..{}]",
            figure(measured.median()),
            figure(measured.min()),
            figure(measured.max())
        )
    };
    let Some(theirs) = theirs else {
        return println!("  {name:<44} {:<26} it failed", range(ours));
    };
    let ratio = ours.median() / theirs.median();
    println!(
        "  {name:<44} {:<26} {:<26} {ratio:>7.1}",
        range(ours),
        range(theirs)
    );
}

fn heading(peer: &str) {
    println!(
        "\nbeside {peer}\n  {:<44} {:<26} {:<26} {:>7}",
        "", "vpcsim", peer, "ratio"
    );
}

/// End-to-end packets per second through a chain, of one flow as the peers send.
fn packets(form: Form, contest: Contest, effort: Effort) -> Measured {
    let load = Load {
        flow_count: 1,
        payload_len: contest.payload_len,
    };
    let mut loaded = LoadedNetwork::through(Chain::new(form, contest.hops), load);
    effort.rate(1_000, |count| {
        loaded.send(count);
    })
}

fn name(what: &str, contest: Contest) -> String {
    format!("{what}, {} hops, {} B", contest.hops, contest.payload_len)
}

fn beside_ns3(program: &Path, effort: Effort) {
    heading("ns-3, packets/s");
    for contest in CONTESTS {
        let count = effort.pick(100_000, 100);
        let arguments = [
            format!("--n={}", contest.hops),
            format!("--packets={count}"),
            format!("--size={}", contest.payload_len),
        ];
        let theirs = ns3(program, &arguments, " pkt/s=", effort);
        for (form, words) in [(Form::Gateways, "gateways"), (Form::Inspected, "inspected")] {
            show(
                &name(words, contest),
                &packets(form, contest, effort),
                theirs.as_ref(),
            );
        }
    }
    heading("ns-3 with pcap, packets/s");
    for contest in CONTESTS {
        let count = effort.pick(30_000, 100);
        let folder = tempfile::tempdir().expect("there is room for files");
        let arguments = [
            format!("--n={}", contest.hops),
            format!("--packets={count}"),
            format!("--size={}", contest.payload_len),
            format!("--pcap={}", folder.path().join("ns3").display()),
        ];
        let theirs = ns3(program, &arguments, " pkt/s=", effort);
        let load = Load {
            flow_count: 1,
            payload_len: contest.payload_len,
        };
        let chain = Chain::new(Form::Gateways, contest.hops);
        let mut chain = CapturedChain::new(chain, load).expect("there is room for files");
        let ours = effort.rate(effort.pick(1_000, 10), |count| {
            chain.send(count).expect("there is room for files");
        });
        show(&name("gateways, captured", contest), &ours, theirs.as_ref());
    }
    heading("ns-3, bulk TCP, bytes/s");
    for hops in [2, 6] {
        let bytes = effort.pick(30_000_000, 100_000);
        let arguments = [
            format!("--n={hops}"),
            "--mode=tcp".to_owned(),
            format!("--bytes={bytes}"),
        ];
        let theirs = ns3(program, &arguments, " MB/s=", effort).map(|rate| rate.map(|rate| rate * 1e6));
        let mut transfer = Transfer::across(Chain::new(Form::Gateways, hops), 1_500);
        let ours = effort.rate(effort.pick(1_000_000, 10_000), |bytes| transfer.send(bytes));
        show(
            &format!("gateways, {hops} hops, MTU 1500"),
            &ours,
            theirs.as_ref(),
        );
    }
}

fn build_linux() -> Result<PathBuf, String> {
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err("it takes root to make namespaces".to_owned());
    }
    for tool in ["ip", "nft", "iperf3", "ethtool", "conntrack"] {
        let found = output(Command::new("sh").args(["-c", &format!("command -v {tool}")]));
        found.map_err(|_| {
            format!("{tool} is not installed (Debian: iproute2 nftables iperf3 ethtool conntrack)")
        })?;
    }
    // The script wants its generator beside it.
    let script = built("linux-chain.sh");
    fs::copy(sources().join("linux-chain.sh"), &script).map_err(|error| error.to_string())?;
    let mut build = Command::new("gcc");
    build
        .arg("-O2")
        .arg(sources().join("udpgen.c"))
        .arg("-o")
        .arg(built("udpgen"));
    output(&mut build)?;
    Ok(script)
}

/// The rate of a size in the script's lines: `udp n=2 mode=ct size=64 recv 1 in 2 s = 3 pps`.
fn linux_rate(text: &str, payload_len: u16) -> Option<f64> {
    let line = text
        .lines()
        .find(|line| line.contains(&format!("size={payload_len} recv")))?;
    value(line, "s = ")
}

/// Wall time and both processors, unlike ours.
fn beside_linux(script: &Path, effort: Effort) {
    heading("Linux namespaces with conntrack, packets/s");
    let seconds = effort.pick("2", "1");
    for hops in [2, 6] {
        let one = |_| {
            output(
                Command::new("bash")
                    .arg(script)
                    .args([&hops.to_string(), "ct", seconds]),
            )
        };
        let runs: Result<Vec<String>, String> = (0..effort.pick(3, 1)).map(one).collect();
        let runs = match runs {
            Ok(runs) => runs,
            Err(why) => return println!("  it failed: {why}"),
        };
        for contest in CONTESTS.into_iter().filter(|contest| contest.hops == hops) {
            let rates: Option<Vec<f64>> = runs
                .iter()
                .map(|text| linux_rate(text, contest.payload_len))
                .collect();
            let theirs = rates.map(Measured::of);
            for (form, words) in [(Form::Gateways, "gateways"), (Form::Inspected, "inspected")] {
                show(
                    &name(words, contest),
                    &packets(form, contest, effort),
                    theirs.as_ref(),
                );
            }
        }
    }
}
