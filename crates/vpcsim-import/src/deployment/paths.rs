//! Paths of AWS's Reachability Analyzer: what a design says has to be open.

use serde_json::json;

use super::Deployment;
use super::values::Values;
use crate::declared::Declared;

/// `aws_ec2_network_insights_path`, `AWS::EC2::NetworkInsightsPath`.
pub(super) fn path(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let description = json!({
        "NetworkInsightsPathId": resource.id,
        "Source": values.text("Source|source"),
        "SourceIp": values.text("SourceIp|source_ip"),
        "Destination": values.text("Destination|destination"),
        "DestinationIp": values.text("DestinationIp|destination_ip"),
        "Protocol": values.text("Protocol|protocol"),
        "DestinationPort": values.number("DestinationPort|destination_port"),
    });
    deployment.whole(resource, "NetworkInsightsPaths", &resource.id, description);
}
