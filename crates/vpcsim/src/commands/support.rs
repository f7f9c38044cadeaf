//! `vpcsim support`: what is modelled and what is not.

use vpcsim_aws::Kind;
use vpcsim_report::support;

use crate::cli::PageFormat;
use crate::failure::{Failure, Status};
use crate::output::Terminal;

pub(super) fn run(format: PageFormat, terminal: &Terminal) -> Result<Status, Failure> {
    let page = match format {
        PageFormat::Text => support::render(terminal.style, &formats_of),
        PageFormat::Json => support::json(&formats_of),
    };
    terminal.print(&page)?;
    Ok(Status::Good)
}

fn formats_of(kind: Kind) -> Vec<(&'static str, String)> {
    let formats = vpcsim_import::formats_of(kind);
    let (terraform, cloudformation) = vpcsim_import::declared_as(kind);
    vec![
        ("native YAML", format!("{}:", formats.native)),
        ("aws describe", formats.describe.join(", ")),
        ("Terraform", terraform.join(", ")),
        ("CloudFormation", cloudformation.join(", ")),
    ]
}
