//! The counters of a NAT gateway, named as in `CloudWatch` (NAT-34).

use super::translation_table::ConnectionCounts;

/// What a NAT gateway has counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NatGatewayMetrics {
    /// TCP connections open now (NAT-35).
    pub active_connection_count: u64,
    /// TCP connections that clients tried to open.
    pub connection_attempt_count: u64,
    /// Those that were answered (NAT-36).
    pub connection_established_count: u64,
    /// Flows that found no free port.
    pub error_port_allocation: u64,
    /// TCP connections that went idle without being closed (NAT-35).
    pub idle_timeout_count: u64,
    /// Packets that the gateway dropped.
    pub packets_drop_count: u64,
    /// From clients in the VPC, in packets and bytes.
    pub in_from_source: Volume,
    /// To the destinations.
    pub out_to_destination: Volume,
    /// From the destinations.
    pub in_from_destination: Volume,
    /// To clients in the VPC.
    pub out_to_source: Volume,
}

/// How much passed one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Packets.
    pub packets: u64,
    /// Bytes of IPv4.
    pub bytes: u64,
}

impl Volume {
    pub(super) fn count(&mut self, byte_count: usize) {
        self.packets += 1;
        self.bytes += byte_count as u64;
    }
}

impl NatGatewayMetrics {
    pub(super) const fn with_connections(mut self, counts: ConnectionCounts) -> Self {
        self.active_connection_count = counts.active;
        self.connection_attempt_count = counts.attempts;
        self.connection_established_count = counts.established;
        self.error_port_allocation = counts.port_allocation_errors;
        self.idle_timeout_count = counts.idle_timeouts;
        self
    }
}
