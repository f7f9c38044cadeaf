//! Instructions per packet: a figure that a busy machine does not change.
//!
//! Callgrind runs this very program twice on one workload, once for a number of packets and once for twice as many. The difference is
//! what the packets cost; set-up and warming up are in both and cancel out.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::arrivals::arrivals;
use crate::chain::{Chain, Form};
use crate::load::{Load, LoadedNetwork};

/// Packets of the smaller run.
const PACKETS: u64 = 4_000;

/// Something to count instructions of, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Packets of known flows through a chain.
    Chain(Form, usize),
    /// Packets that begin a flow each.
    Arrivals,
}

impl Workload {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("gateways-2", Self::Chain(Form::Gateways, 2)),
        ("gateways-6", Self::Chain(Form::Gateways, 6)),
        ("inspected-2", Self::Chain(Form::Inspected, 2)),
        ("inspected-6", Self::Chain(Form::Inspected, 6)),
        ("arrivals", Self::Arrivals),
    ];

    /// Sends so many packets, the first of which warm up.
    pub fn run(self, packet_count: u64) {
        match self {
            Self::Chain(form, hops) => {
                let load = Load {
                    flow_count: 500,
                    payload_len: 64,
                };
                LoadedNetwork::through(Chain::new(form, hops), load).send(packet_count);
            }
            Self::Arrivals => {
                // The same tables for both runs.
                arrivals(2 * PACKETS as u32).send(packet_count);
            }
        }
    }
}

/// Whether there is a callgrind.
pub fn is_callgrind_there() -> bool {
    let found = Command::new("valgrind").arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

/// Instructions per packet of a workload, counted by callgrind over `program`, which runs it when it is told `arguments`, the name of
/// the workload and the number of packets.
///
/// # Errors
/// What callgrind said.
pub fn per_packet(program: &Path, arguments: &[&str], name: &str) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let count = |packet_count: u64| {
        let file = folder.path().join(format!("callgrind.{packet_count}"));
        let mut command = Command::new("valgrind");
        command
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", file.display()));
        command
            .arg(program)
            .args(arguments)
            .arg(name)
            .arg(packet_count.to_string());
        let output = command.output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let profile = fs::read_to_string(&file).map_err(|error| error.to_string())?;
        total(&profile).ok_or_else(|| "callgrind wrote no summary".to_owned())
    };
    let (less, more) = (count(PACKETS)?, count(2 * PACKETS)?);
    Ok(more.saturating_sub(less) / PACKETS)
}

/// The instructions that a profile counted in all.
fn total(profile: &str) -> Option<u64> {
    let line = |key: &str| {
        let mut lines = profile.lines().rev();
        lines.find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
    };
    line("summary:").or_else(|| line("totals:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_its_total() {
        assert_eq!(total("events: Ir\nsummary: 12345\n\nfn=(1)\n"), Some(12_345));
        assert_eq!(total("events: Ir\ntotals: 7\n"), Some(7));
        assert_eq!(total("events: Ir\n"), None);
    }
}
