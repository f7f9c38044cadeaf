//! What a template or a plan declares, whatever its language: the seam between the languages and the nouns.
//!
//! A front end (`terraform`, `cloudformation`) evaluates its language and gives a list of [`Declared`] resources whose values
//! are plain JSON. The nouns of each language turn those into what `aws … describe-*` would answer once the design is deployed.

use serde_json::{Map, Value};
use vpcsim_aws::Origin;

/// The key under which an object of [`Declared::values`] says where it stands: [`place`].
pub(crate) const ORIGIN_KEY: &str = "@origin";

/// A place as one short text, since there are many: `file:line:column:length`.
pub(crate) fn place(origin: Origin) -> Value {
    let Origin {
        file,
        line,
        column,
        length,
    } = origin;
    Value::String(format!("{file}:{line}:{column}:{length}"))
}

/// The place that a text of [`place`] says.
pub(crate) fn origin_of(text: &str) -> Option<Origin> {
    let mut numbers = text.split(':').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Origin {
        file: next()?,
        line: next()?,
        column: next()?,
        length: next()?,
    })
}

/// A resource as it is declared, with every reference resolved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Declared {
    /// `aws_subnet`, `AWS::EC2::Subnet`.
    pub kind: String,
    /// What its author calls it: `module.net.aws_subnet.a[0]`, `Network.SubnetA`.
    pub address: String,
    /// What references to it resolve to: AWS's id if the input knows it, else the address.
    pub id: String,
    /// Its arguments or properties: a reference stands as the other's `id` (an attribute that has no value yet as `ID.attribute`),
    /// what is unknown is absent, what is null is null. Objects may say their place under [`ORIGIN_KEY`].
    pub values: Map<String, Value>,
    /// Where it is declared.
    pub origin: Origin,
    /// The account that it goes to; empty if nothing says it.
    pub account: String,
    /// The region that it goes to; empty if nothing says it.
    pub region: String,
}
