//! `vpcsim explain`: codes in plain words.

use vpcsim_report::explain;

use crate::failure::{Failure, Status};
use crate::output::Terminal;

pub(super) fn run(code: Option<&str>, terminal: &Terminal) -> Result<Status, Failure> {
    let Some(code) = code else {
        terminal.print(&explain::list(terminal.style))?;
        return Ok(Status::Good);
    };
    let page = explain::render(code, terminal.style).map_err(|unknown| {
        let advice = match unknown.suggestions.as_slice() {
            [] => "`vpcsim explain` without a code lists all".to_owned(),
            alike => format!("did you mean {}?", alike.join(", ")),
        };
        Failure::input(format!("there is no code `{}`\nhelp: {advice}", unknown.code))
    })?;
    terminal.print(&page)?;
    Ok(Status::Good)
}

#[cfg(test)]
mod tests {
    use vpcsim_import::{Source, read};
    use vpcsim_report::explain::drop_advice;

    /// The example as a whole design. Names in it may refer to nothing, but every key and rule has to be one.
    fn design_of(example: &str) -> Option<String> {
        match example.split_once(": {")?.0 {
            "vpcs" | "internet" | "block_public_access" => Some(format!("{{ {example} }}")),
            _ => Some(format!(
                "{{ vpcs: {{ shop: {{ cidr: 10.0.0.0/16, {example} }} }} }}"
            )),
        }
    }

    #[test]
    fn every_example_in_the_native_format_is_understood() {
        let mut read_count = 0;
        for advice in drop_advice::ALL {
            let Some(text) = design_of(advice.example) else {
                continue;
            };
            let source = Source {
                name: "example.yaml".to_owned(),
                bytes: text.clone().into_bytes(),
            };
            let design = read(vec![source]);
            let wrong: Vec<_> = design
                .findings
                .iter()
                .filter(|finding| {
                    matches!(
                        finding.code,
                        "unknown-key" | "bad-rule" | "wrong-type" | "yaml-syntax"
                    )
                })
                .collect();
            assert!(wrong.is_empty(), "{}: {text}: {wrong:?}", advice.reason);
            read_count += 1;
        }
        assert!(read_count > 10, "only {read_count} examples were read");
    }
}
