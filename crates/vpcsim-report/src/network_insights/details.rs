//! Additional details of components (RAN-17).
//!
//! `UNIDIRECTIONAL_PATH_ANALYSIS_ONLY` never appears: both ways are followed always.

use vpcsim_analysis::Stop;
use vpcsim_aws::devices::transit_gateway_attachment::AttachmentEnd;
use vpcsim_aws::devices::{LoadBalancer, Subnet, TargetGroup, TransitGatewayAttachment};
use vpcsim_aws::{Id, Kind, Topology};

use super::naming;
use super::shapes::{AdditionalDetail, PathComponent};

/// A zone of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    region: String,
    name: String,
}

/// Whether the subnet is in another zone of the same region than the last component was; notes its zone.
pub(super) fn zone_crossed(topology: &Topology, subnet: Id<Subnet>, last: &mut Option<Zone>) -> bool {
    let Some(row) = topology.subnets.find(subnet) else {
        return false;
    };
    let (region, _) = naming::home(topology, subnet.into());
    let name = row
        .availability_zone_id
        .as_ref()
        .unwrap_or(&row.availability_zone);
    let here = Zone {
        region,
        name: name.clone(),
    };
    let before = last.replace(here.clone());
    before.is_some_and(|before| before.region == here.region && before.name != here.name)
}

/// Notes at a component that the path comes to it from another zone.
pub(super) fn note_crossing(component: &mut PathComponent, crossed: bool) {
    if crossed {
        let detail = AdditionalDetail {
            additional_detail_type: "AVAILABILITY_ZONE_CROSSED",
            component: Some(component.component.clone()),
            ..AdditionalDetail::default()
        };
        component.additional_details.push(detail);
    }
}

/// Whether clients' addresses are kept is an assumption where the target group does not say it (NLB-03).
pub(super) fn note_client_address(
    topology: &Topology,
    group: Id<TargetGroup>,
    balancer: Id<LoadBalancer>,
    component: &mut PathComponent,
) {
    let Some(declared) = topology
        .target_groups
        .find(group)
        .filter(|row| row.preserve_client_ip.is_none())
    else {
        return;
    };
    component.additional_details.push(AdditionalDetail {
        additional_detail_type: if declared.keeps_client() {
            "ASSUMPTION_PRESERVE_CLIENT_IP_IS_ENABLED"
        } else {
            "ASSUMPTION_PRESERVE_CLIENT_IP_IS_DISABLED"
        },
        component: Some(component.component.clone()),
        load_balancers: vec![naming::component(topology, balancer)],
        ..AdditionalDetail::default()
    });
}

/// An instance that forwards between two visits to a transit gateway sees both ways of a flow only with appliance mode (TGW-06).
pub(super) fn note_appliance_mode(
    topology: &Topology,
    attachment: Id<TransitGatewayAttachment>,
    ahead: &[Stop],
    component: &mut PathComponent,
) {
    let end = topology
        .transit_gateway_attachments
        .find(attachment)
        .map(|row| &row.end);
    let Some(AttachmentEnd::Vpc {
        appliance_mode: false,
        ..
    }) = end
    else {
        return;
    };
    let is_transit = |stop: &Stop| stop.decider.is_some_and(|any| any.kind == Kind::TransitGateway);
    let Some(next) = ahead.iter().position(is_transit) else {
        return;
    };
    let is_appliance = |stop: &Stop| {
        let by = stop.decider.map(|any| any.kind);
        stop.station == vpcsim_aws::station::GATEWAY && by == Some(Kind::Instance)
    };
    if ahead[..next].iter().any(is_appliance) {
        component.additional_details.push(AdditionalDetail {
            additional_detail_type: "TRANSIT_GATEWAY_APPLIANCE_MODE_RECOMMENDED",
            component: Some(component.component.clone()),
            ..AdditionalDetail::default()
        });
    }
}

/// Notes at the last attachment of the way there that the answer found no route back to its transit gateway.
pub(super) fn note_missing_response_route(forward: &mut [PathComponent]) {
    let last = forward
        .iter_mut()
        .rfind(|part| part.transit_gateway.is_some() && part.transit_gateway_route_table_route.is_none());
    if let Some(attachment) = last {
        attachment.additional_details.push(AdditionalDetail {
            additional_detail_type: "RESPONSE_RTB_HAS_NO_ROUTE_TO_TRANSIT_GATEWAY",
            component: attachment.transit_gateway.clone(),
            ..AdditionalDetail::default()
        });
    }
}
