//! Whoever is interrupted leaves no half-written file behind.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use super::{Desk, SHOP};

/// A command is killed after each of so many milliseconds; the last ones are over before.
const KILLED_AFTER_MS: [u64; 8] = [0, 1, 2, 5, 10, 20, 40, 2_000];

#[test]
fn a_file_is_the_old_one_or_the_new_one_whenever_the_command_is_killed() {
    let desk = Desk::with(SHOP);
    desk.put(
        "expect.yaml",
        "assertions:\n  - web-1 -> db-1 tcp 80: reachable\n",
    );
    for (arguments, file, end) in [
        (
            &["reach", "shop.yaml", "--format", "json", "--output", "reach.json"][..],
            "reach.json",
            "}\n",
        ),
        (
            &["test", "shop.yaml", "--expect", "expect.yaml", "--update"][..],
            "expect.yaml",
            "unreachable\n",
        ),
        (
            &["run", "shop.yaml", "--no-capture"][..],
            "reachability.json",
            "}\n",
        ),
    ] {
        let old = fs::read_to_string(desk.path().join(file)).unwrap_or_else(|_| "old".to_owned());
        for wait in KILLED_AFTER_MS {
            desk.put(file, &old);
            let mut command = desk.command(arguments);
            let child = command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = child.spawn().expect("vpcsim starts");
            std::thread::sleep(Duration::from_millis(wait));
            // Whoever has ended already cannot be killed.
            let _ = child.kill();
            child.wait().expect("vpcsim ends");
            let left = String::from_utf8(desk.read(file)).expect("a text");
            assert!(
                left == old || left.ends_with(end),
                "{file} after {wait} ms: {left}"
            );
            assert!(wait < 1_000 || left != old, "{file} is not written at all");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_an_interrupted_command_left_is_removed_by_the_next() {
    let desk = Desk::with(SHOP);
    let mut over = desk
        .command(&["schema"])
        .stdout(Stdio::null())
        .spawn()
        .expect("vpcsim starts");
    let (gone, here) = (over.id(), std::process::id());
    over.wait().expect("vpcsim ends");
    let unfinished = |id: u32| format!(".reach.csv.{id}.unfinished");
    desk.put(&unfinished(gone), "half");
    desk.put(&unfinished(here), "of a command that still runs");
    desk.vpcsim(&["reach", "shop.yaml", "--format", "csv", "--output", "reach.csv"])
        .ends_with(0);
    assert!(!desk.path().join(unfinished(gone)).exists());
    assert!(desk.path().join(unfinished(here)).exists());
}
