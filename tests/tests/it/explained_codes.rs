//! `vpcsim explain` knows every code that the sources can produce, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use vpcsim_aws::drop_reason;
use vpcsim_report::Style;
use vpcsim_report::explain::{self, analyzer_codes, drop_advice, finding_codes};

const CONSTRUCTORS: [&str; 3] = ["Finding::error", "Finding::warning", "Finding::note"];

/// Crates that only tell or forge findings: a code in them is an example.
const WITHOUT_CODES: [&str; 2] = ["vpcsim-report", "vpcsim-testkit"];

/// The files of Rust in a folder and below.
fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The text of every source file, without tests and comments.
fn sources() -> Vec<(PathBuf, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut files = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let member = entry.unwrap().path();
        let folder = member.join("src");
        if folder.is_dir() && !WITHOUT_CODES.iter().any(|name| member.ends_with(name)) {
            files_in(&folder, &mut files);
        }
    }
    files.sort();
    let is_test = |path: &PathBuf| {
        path.file_stem()
            .is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
    };
    files.retain(|path| !is_test(path));
    let texts = files.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path, without_tests_and_comments(&text))
    });
    texts.collect()
}

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The places behind each occurrence of `word` that is no part of a longer name.
fn behind<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let hits = text.match_indices(word).filter_map(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        let is_whole = !before.ends_with(is_name) && !after.starts_with(is_name);
        is_whole.then_some(after)
    });
    hits.collect()
}

/// The string literal that a call begins with, if its first argument is one.
fn first_literal(call: &str) -> Option<&str> {
    let arguments = call.strip_prefix('(')?.trim_start();
    arguments.strip_prefix('"')?.split('"').next()
}

/// Whether a text is written as codes are: words of small letters with dashes between them.
fn is_code(text: &str) -> bool {
    let mut words = text.split('-');
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit())
    };
    text.contains('-') && text.starts_with(|first: char| first.is_ascii_lowercase()) && words.all(is_word)
}

/// All string literals of a text that are written as codes are.
fn literals_like_codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|piece| is_code(piece))
}

/// The functions of a source: for each its text from its name to the next function's.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1)
}

/// Whether a function takes a code as its first argument beside `self`.
fn takes_a_code(function: &str) -> bool {
    let parameters = function.split(')').next().unwrap_or_default();
    let parameters = parameters
        .split_once('(')
        .map_or("", |(_, parameters)| parameters);
    let mut parameters = parameters.split(',').map(str::trim);
    let first = parameters.find(|parameter| !parameter.ends_with("self"));
    first.is_some_and(|first| first.starts_with("code: &'static str"))
}

/// The names of all functions that take a code.
fn takers_of_codes(sources: &[(PathBuf, String)]) -> BTreeSet<&str> {
    let all = sources.iter().flat_map(|(_, text)| functions(text));
    let takers = all.filter(|function| takes_a_code(function));
    takers.filter_map(|taker| taker.split('(').next()).collect()
}

/// Whether a source makes findings whose code stands elsewhere in it, as in a table or behind a condition.
fn hands_codes_about(text: &str) -> bool {
    let mut others = functions(text).filter(|function| !takes_a_code(function));
    others.any(|function| {
        let mut calls = CONSTRUCTORS
            .iter()
            .flat_map(|constructor| behind(function, constructor));
        calls.any(|call| first_literal(call).is_none())
    })
}

/// Every code of a finding, and a file that produces it.
fn produced(sources: &[(PathBuf, String)]) -> BTreeMap<&str, &Path> {
    let takers = takers_of_codes(sources);
    let mut codes = BTreeMap::new();
    for (path, text) in sources {
        let mut add = |code| codes.insert(code, path.as_path());
        for constructor in CONSTRUCTORS {
            behind(text, constructor)
                .into_iter()
                .filter_map(first_literal)
                .for_each(|code| _ = add(code));
        }
        for taker in &takers {
            let calls = behind(text, taker).into_iter().filter_map(first_literal);
            calls.filter(|code| is_code(code)).for_each(|code| _ = add(code));
        }
        if hands_codes_about(text) {
            literals_like_codes(text).for_each(|code| _ = add(code));
        }
    }
    codes
}

#[test]
fn codes_of_the_sources_are_found() {
    let sources = sources();
    let takers = takers_of_codes(&sources);
    assert!(
        takers.contains("error_at") && takers.contains("about_line"),
        "{takers:?}"
    );
    let codes = produced(&sources);
    // A plain call, one across lines, one by a helper, one of a table, one by a constructor that is chosen.
    for code in [
        "route-twice",
        "instance-without-primary-interface",
        "nat-gateway-quota",
        "subnet-network-acl",
        "vpc-range-quota",
    ] {
        assert!(codes.contains_key(code), "{code} is missing in {codes:?}");
    }
}

#[test]
fn every_code_of_a_finding_is_explained() {
    let sources = sources();
    let unknown: Vec<_> = produced(&sources)
        .into_iter()
        .filter(|(code, _)| {
            finding_codes::by_name(code).is_none() || explain::render(code, Style::Plain).is_err()
        })
        .collect();
    assert!(unknown.is_empty(), "not explained: {unknown:#?}");
}

#[test]
fn every_explained_code_of_a_finding_is_produced() {
    let sources = sources();
    let codes = produced(&sources);
    let stale: Vec<_> = finding_codes::all()
        .map(|entry| entry.code)
        .filter(|code| !codes.contains_key(code))
        .collect();
    assert!(stale.is_empty(), "explained, but produced by nothing: {stale:#?}");
}

#[test]
fn every_rule_of_an_explanation_is_one_of_the_sources() {
    let sources = sources();
    for entry in finding_codes::all() {
        for rule in entry.rules {
            let literal = format!("\"{rule}\"");
            let is_named = sources.iter().any(|(_, text)| text.contains(&literal));
            assert!(is_named, "{} of {}", rule, entry.code);
        }
    }
}

#[test]
fn every_drop_reason_has_a_page_and_advice() {
    for info in drop_reason::ALL {
        assert!(explain::render(info.name, Style::Plain).is_ok(), "{}", info.name);
        let advice = drop_advice::on(info.name);
        assert!(
            advice.is_some_and(|advice| !advice.check.is_empty()),
            "{}",
            info.name
        );
    }
}

#[test]
fn every_analyzer_code_of_a_drop_reason_is_explained() {
    let codes = drop_reason::ALL.iter().filter_map(|info| info.analyzer_code);
    for code in codes.chain(analyzer_codes::ALL.iter().map(|entry| entry.code)) {
        assert!(explain::render(code, Style::Plain).is_ok(), "{code}");
    }
}
