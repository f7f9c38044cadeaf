//! Hosts that AWS runs in a VPC, and on which ports hosts are taken to listen.

use std::collections::BTreeSet;

use serde_json::json;
use vpcsim_aws::Finding;
use vpcsim_aws::devices::managed_host::{DATABASE, port_of_engine};

use super::Deployment;
use super::compute::{groups, shown_name};
use super::values::Values;
use crate::declared::Declared;

/// A host and where it stands.
struct Host {
    service: &'static str,
    name: Option<String>,
    subnets: Vec<String>,
    groups: Vec<String>,
    ports: Vec<u16>,
    address: Option<String>,
}

fn make(resource: &Declared, host: Host, deployment: &mut Deployment<'_, '_>) {
    if host.subnets.is_empty() {
        // Outside a VPC it has no part in the network.
        return;
    }
    let description = json!({
        "HostId": resource.id,
        "Name": host.name.or_else(|| Values::of(resource).name()).unwrap_or_else(|| shown_name(resource)),
        "Service": host.service,
        "SubnetIds": host.subnets,
        "Groups": groups(host.groups),
        "Ports": host.ports,
        "PrivateIpAddress": host.address,
    });
    if !host.ports.is_empty() && host.service != DATABASE {
        let ports: Vec<String> = host.ports.iter().map(u16::to_string).collect();
        let message = format!(
            "`{}` is assumed to listen on TCP {}",
            resource.address,
            ports.join(", ")
        );
        deployment
            .findings
            .push(Finding::note("hosts-assumed", resource.origin, message));
    }
    deployment.whole(resource, "@hosts", &resource.id, description);
}

/// The subnets of a subnet group that is declared or known.
fn group_subnets(name: Option<String>, deployment: &Deployment<'_, '_>) -> Vec<String> {
    const KINDS: [&str; 10] = [
        "aws_db_subnet_group",
        "data.aws_db_subnet_group",
        "aws_elasticache_subnet_group",
        "aws_redshift_subnet_group",
        "aws_docdb_subnet_group",
        "aws_neptune_subnet_group",
        "AWS::RDS::DBSubnetGroup",
        "AWS::ElastiCache::SubnetGroup",
        "AWS::Redshift::ClusterSubnetGroup",
        "AWS::Neptune::DBSubnetGroup",
    ];
    let Some(name) = name else {
        return Vec::new();
    };
    let known = |group: &&Declared| {
        group.id == name
            || group.id == name.trim_end_matches(".name")
            || Values::of(group)
                .text("name|DBSubnetGroupName|CacheSubnetGroupName")
                .as_ref()
                == Some(&name)
    };
    let group = deployment.all_of(&KINDS).find(known);
    group.map_or_else(Vec::new, |group| Values::of(group).texts("SubnetIds|subnet_ids"))
}

fn ports(ports: impl IntoIterator<Item = Option<i64>>) -> Vec<u16> {
    let ports = ports
        .into_iter()
        .flatten()
        .filter_map(|port| u16::try_from(port).ok());
    ports.filter(|port| *port > 0).collect()
}

/// `aws_db_instance`, `AWS::RDS::DBInstance`, and the clusters' instances: the port is the engine's if none is given (RDS-04).
pub(super) fn database(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let cluster = values
        .text("DBClusterIdentifier|cluster_identifier")
        .and_then(|id| cluster_of(&id, deployment));
    let from = |names: &str| values.text(names).or_else(|| Values::of(cluster?).text(names));
    let engine = from("Engine|engine");
    let by_engine = engine.as_deref().and_then(port_of_engine).map(i64::from);
    let port = values
        .number("Port|port")
        .or_else(|| Values::of(cluster?).number("Port|port"));
    let mut groups = values.texts("VPCSecurityGroups|vpc_security_group_ids|VpcSecurityGroupIds");
    if let (true, Some(cluster)) = (groups.is_empty(), cluster) {
        groups = Values::of(cluster).texts("VpcSecurityGroupIds|vpc_security_group_ids");
    }
    let host = Host {
        service: DATABASE,
        name: values.text("DBInstanceIdentifier|identifier"),
        subnets: group_subnets(
            from("DBSubnetGroupName|db_subnet_group_name|neptune_subnet_group_name"),
            deployment,
        ),
        groups,
        ports: ports([port.or(by_engine)]),
        address: None,
    };
    make(resource, host, deployment);
}

fn cluster_of<'d>(id: &str, deployment: &Deployment<'d, '_>) -> Option<&'d Declared> {
    const KINDS: [&str; 5] = [
        "aws_rds_cluster",
        "aws_docdb_cluster",
        "aws_neptune_cluster",
        "AWS::RDS::DBCluster",
        "AWS::Neptune::DBCluster",
    ];
    let named = |cluster: &&Declared| {
        Values::of(cluster)
            .text("cluster_identifier|DBClusterIdentifier")
            .as_deref()
            == Some(id)
    };
    deployment
        .find(id)
        .or_else(|| deployment.all_of(&KINDS).find(named))
}

/// `aws_elasticache_cluster`, `aws_elasticache_replication_group` and CloudFormation's.
pub(super) fn cache(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let engine = values.text("Engine|engine").unwrap_or_default();
    let by_engine = if engine == "memcached" { 11_211 } else { 6379 };
    let host = Host {
        service: "cache",
        name: values.text("ClusterName|CacheClusterId|cluster_id|replication_group_id|ReplicationGroupId"),
        subnets: group_subnets(values.text("CacheSubnetGroupName|subnet_group_name"), deployment),
        groups: values.texts("VpcSecurityGroupIds|SecurityGroupIds|security_group_ids"),
        ports: ports([values.number("Port|port").or(Some(by_engine))]),
        address: None,
    };
    make(resource, host, deployment);
}

/// `aws_lambda_function`, `AWS::Lambda::Function`: it opens connections and takes none.
pub(super) fn function(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(config) = values.block("VpcConfig|vpc_config") else {
        return;
    };
    let host = Host {
        service: "Lambda function",
        name: values.text("FunctionName|function_name"),
        subnets: config.texts("SubnetIds|subnet_ids"),
        groups: config.texts("SecurityGroupIds|security_group_ids"),
        ports: Vec::new(),
        address: None,
    };
    make(resource, host, deployment);
}

/// `aws_ecs_service`, `AWS::ECS::Service` whose tasks have interfaces of their own (`awsvpc`).
pub(super) fn container_service(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(network) = values.block("NetworkConfiguration|network_configuration") else {
        return;
    };
    let network = network.block("AwsvpcConfiguration").unwrap_or(network);
    let mut listening: BTreeSet<u16> = BTreeSet::new();
    let balancers = values.blocks("LoadBalancers|load_balancer");
    listening.extend(ports(
        balancers
            .iter()
            .map(|block| block.number("ContainerPort|container_port")),
    ));
    let task = values.text("TaskDefinition|task_definition");
    if let Some(task) = task.and_then(|id| deployment.find(&id)) {
        listening.extend(container_ports(task));
    }
    let host = Host {
        service: "container task",
        name: values.text("ServiceName|name"),
        subnets: network.texts("Subnets|subnets"),
        groups: network.texts("SecurityGroups|security_groups"),
        ports: listening.into_iter().collect(),
        address: None,
    };
    make(resource, host, deployment);
}

/// The ports of a task definition's containers, which Terraform writes as JSON in a text.
fn container_ports(task: &Declared) -> Vec<u16> {
    let values = Values::of(task);
    let written = values.text("container_definitions");
    let parsed: Vec<serde_json::Value> = written
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let mut containers = values.blocks("ContainerDefinitions");
    containers.extend(parsed.iter().filter_map(serde_json::Value::as_object).map(Values));
    let mappings = containers
        .iter()
        .flat_map(|container| container.blocks("PortMappings|portMappings"));
    ports(mappings.map(|mapping| mapping.number("ContainerPort|containerPort")))
}

/// `aws_eks_cluster`, `AWS::EKS::Cluster`: interfaces of the control plane.
pub(super) fn kubernetes(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let Some(config) = values.block("ResourcesVpcConfig|vpc_config") else {
        return;
    };
    let host = Host {
        service: "Kubernetes control plane",
        name: values.text("Name|name"),
        subnets: config.texts("SubnetIds|subnet_ids"),
        groups: config.texts("SecurityGroupIds|security_group_ids"),
        ports: vec![443],
        address: None,
    };
    make(resource, host, deployment);
}

/// `aws_efs_mount_target`, `AWS::EFS::MountTarget`.
pub(super) fn mount_target(resource: &Declared, deployment: &mut Deployment<'_, '_>) {
    let values = Values::of(resource);
    let host = Host {
        service: "file system",
        name: None,
        subnets: values.texts("SubnetId|subnet_id"),
        groups: values.texts("SecurityGroups|security_groups"),
        ports: vec![2049],
        address: values.text("IpAddress|ip_address"),
    };
    make(resource, host, deployment);
}

/// The ports on which an instance has to listen for the design to make sense: those of the target groups that it is in, and
/// of their health checks.
pub(super) fn listeners_of(instance: &str, resource: &Declared, deployment: &Deployment<'_, '_>) -> Vec<u16> {
    let mut listening = BTreeSet::new();
    for target in super::balancing::targets_of(instance, resource, deployment) {
        listening.extend(target);
    }
    listening.into_iter().collect()
}
