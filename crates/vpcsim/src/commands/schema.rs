//! `vpcsim schema`: the JSON Schema of the native format, and of the documents for tools.

use vpcsim_report::schema::{Document, schema};

use crate::cli::SchemaOf;
use crate::failure::{Failure, Status};
use crate::output::Terminal;

pub(super) fn run(of: SchemaOf, terminal: &Terminal) -> Result<Status, Failure> {
    let page = match of {
        SchemaOf::Native => format!("{:#}\n", vpcsim_import::schema()),
        SchemaOf::Reach => schema(Document::Reach),
        SchemaOf::Diff => schema(Document::Diff),
        SchemaOf::Run => schema(Document::Run),
    };
    terminal.print(&page)?;
    Ok(Status::Good)
}
