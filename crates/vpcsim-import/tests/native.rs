//! The native format: the design page's example, and every kind of mistake with its place.

use vpcsim_import::{Design, Source, read};

const THREE_TIER: &str = include_str!("fixtures/three-tier.yaml");

fn design(text: &str) -> Design {
    read(vec![Source {
        name: "design.yaml".into(),
        bytes: text.into(),
    }])
}

#[test]
fn the_example_of_the_design_page_is_read() {
    let design = design(THREE_TIER);
    assert_eq!(
        design
            .findings
            .iter()
            .map(|f| f.message.as_str())
            .collect::<Vec<_>>(),
        Vec::<&str>::new()
    );
    let topology = &design.topology;
    assert_eq!(
        (
            topology.vpcs.len(),
            topology.subnets.len(),
            topology.instances.len()
        ),
        (1, 2, 2)
    );
    assert_eq!(topology.expectations.len(), 3);
}
