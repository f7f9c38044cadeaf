//! Block Public Access as AWS describes it.

use vpcsim_aws::Id;
use vpcsim_aws::devices::block_public_access::{BlockMode, Excluded};
use vpcsim_import::{Design, Source, read, write_native};

/// An account whose VPC has the subnets `subnet-1` and `subnet-2`, with further answers of AWS.
fn blocked(vpc_state: &str, subnet_state: &str, further: &str) -> Design {
    let states = |mode: &str| match mode {
        "" => String::new(),
        mode => format!(r#","BlockPublicAccessStates":{{"InternetGatewayBlockMode":"{mode}"}}"#),
    };
    let text = format!(
        r#"{{"Vpcs":[{{"VpcId":"vpc-1","CidrBlock":"10.1.0.0/16","OwnerId":"111111111111"{}}}],
            "Subnets":[{{"SubnetId":"subnet-1","VpcId":"vpc-1","CidrBlock":"10.1.1.0/24"{}}},
            {{"SubnetId":"subnet-2","VpcId":"vpc-1","CidrBlock":"10.1.2.0/24"}}]{further}}}"#,
        states(vpc_state),
        states(subnet_state),
    );
    let name = "111111111111/eu-west-1/all.json".to_owned();
    read(vec![Source {
        name,
        bytes: text.into_bytes(),
    }])
}

fn block_modes(design: &Design) -> [BlockMode; 3] {
    let topology = &design.topology;
    let subnets = [0, 1].map(|index| topology.block_mode_of(Excluded::Subnet(Id::from_index(index))));
    [
        topology.block_mode_of(Excluded::Vpc(Id::from_index(0))),
        subnets[0],
        subnets[1],
    ]
}

const OPTIONS: &str = r#","VpcBlockPublicAccessOptions":{"AwsAccountId":"111111111111","AwsRegion":"eu-west-1",
    "State":"update-complete","InternetGatewayBlockMode":"block-bidirectional"}"#;

fn exclusions(of: &str, state: &str) -> String {
    format!(
        r#"{OPTIONS},"VpcBlockPublicAccessExclusions":[{{"ExclusionId":"vpcbpa-exclude-1","State":"{state}",
        "InternetGatewayExclusionMode":"allow-egress","ResourceArn":"arn:aws:ec2:eu-west-1:111111111111:{of}"}}]"#
    )
}

#[test]
fn block_public_access_is_read_with_its_exclusions() {
    let design = blocked("", "", OPTIONS);
    assert_eq!(block_modes(&design), [BlockMode::Bidirectional; 3]);
    assert!(design.topology.unread.is_empty());
    let design = blocked("", "", &exclusions("subnet/subnet-1", "create-complete"));
    let modes = [
        BlockMode::Bidirectional,
        BlockMode::Ingress,
        BlockMode::Bidirectional,
    ];
    assert_eq!(block_modes(&design), modes);
    let design = blocked("", "", &exclusions("vpc/vpc-1", "create-complete"));
    assert_eq!(block_modes(&design), [BlockMode::Ingress; 3]);
}

#[test]
fn exclusions_that_are_gone_or_disabled_do_not_count() {
    for state in [
        "create-in-progress",
        "create-failed",
        "delete-complete",
        "disable-complete",
    ] {
        let design = blocked("", "", &exclusions("vpc/vpc-1", state));
        assert_eq!(block_modes(&design), [BlockMode::Bidirectional; 3], "{state}");
    }
}

#[test]
fn an_exclusion_of_what_is_not_in_the_input_or_from_nothing_is_said() {
    let code = "block-public-access-exclusion-unknown";
    let design = blocked("", "", &exclusions("subnet/subnet-9", "create-complete"));
    assert!(design.findings.iter().any(|finding| finding.code == code));
    let alone = exclusions("vpc/vpc-1", "create-complete").replace(OPTIONS, "");
    let design = blocked("", "", &alone);
    assert!(design.findings.iter().any(|finding| finding.code == code));
    assert!(design.topology.block_public_access.is_empty());
}

#[test]
fn what_vpcs_and_subnets_say_of_themselves_stands_for_settings_that_are_not_in_the_input() {
    let design = blocked("block-bidirectional", "off", "");
    let modes = [BlockMode::Bidirectional, BlockMode::Off, BlockMode::Bidirectional];
    assert_eq!(block_modes(&design), modes);
    let design = blocked("block-ingress", "", OPTIONS);
    assert_eq!(
        block_modes(&design),
        [BlockMode::Ingress; 3],
        "an exclusion that was not described"
    );
    let design = blocked("off", "off", "");
    assert!(design.topology.block_public_access.is_empty());
}

#[test]
fn block_public_access_is_converted_with_its_exclusions() {
    let design = blocked("", "", &exclusions("subnet/subnet-1", "create-complete"));
    let text = write_native(&design.topology);
    let wanted = "exclusions: [{ subnet: subnet-1, mode: allow-egress, id: vpcbpa-exclude-1 }]";
    assert!(text.contains(wanted), "{text}");
}
