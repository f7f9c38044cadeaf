//! What AWS makes by itself, so that a design need not say it.

use crate::devices::{NetworkAcl, RouteTable, Subnet};
use crate::model::Id;
use crate::topology::Topology;

impl Topology {
    /// The route table that a subnet uses: the one it is associated with, else its VPC's main one (RT-02).
    pub fn route_table_of(&self, subnet: Id<Subnet>) -> Option<Id<RouteTable>> {
        let subnet = self.subnets.find(subnet)?;
        let explicit = subnet
            .route_table
            .filter(|id| self.route_tables.find(*id).is_some());
        explicit.or_else(|| {
            let mut tables = self.route_tables.iter();
            tables
                .find(|(_, table)| table.main && table.vpc == subnet.vpc)
                .map(|(id, _)| id)
        })
    }

    /// The network ACL that a subnet uses: the one it is associated with, else its VPC's default one (SUB-05).
    pub fn network_acl_of(&self, subnet: Id<Subnet>) -> Option<Id<NetworkAcl>> {
        let subnet = self.subnets.find(subnet)?;
        let explicit = subnet
            .network_acl
            .filter(|id| self.network_acls.find(*id).is_some());
        explicit.or_else(|| {
            let mut acls = self.network_acls.iter();
            acls.find(|(_, acl)| acl.default && acl.vpc == subnet.vpc)
                .map(|(id, _)| id)
        })
    }
}
