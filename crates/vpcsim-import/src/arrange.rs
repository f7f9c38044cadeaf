//! The order of resources.
pub(crate) fn arrange(topology: vpcsim_aws::Topology) -> vpcsim_aws::Topology {
    topology
}
