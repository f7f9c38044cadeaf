//! AWS's own services: what they are called, which ports they answer on, and which addresses are theirs.
//!
//! # AWS semantics
//!
//! - The addresses of S3 and DynamoDB stand in the prefix list of their region (EP-01, EP-02). Measured on AWS: they answer
//!   pings, and drop connections to ports that they do not listen on without a word.
//!
//! # Where AWS is silent
//!
//! - The ranges of a region change with time. Where the input has no prefix list of a service, those that AWS's own examples
//!   and described accounts show stand for it; in a region that is in none of them, those of us-east-1.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::devices::PrefixList;
use crate::model::{Id, Label};
use crate::topology::Topology;

/// The region whose ranges stand for those of an unknown one.
const KNOWN_REGION: &str = "us-east-1";

/// The full name of a service in a region (`com.amazonaws.eu-west-1.s3`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName {
    /// The region.
    pub region: String,
    /// The service (`s3`, `ecr.api`).
    pub service: String,
}

impl ServiceName {
    /// Reads a full name; `None` for what is no service of AWS itself.
    pub fn parse(text: &str) -> Option<Self> {
        let of_china = text.strip_prefix("cn.");
        if let Some(rest) = of_china.unwrap_or(text).strip_prefix("com.amazonaws.") {
            let (region, service) = rest.split_once('.').filter(|(region, _)| *region != "vpce")?;
            return Self::of(region, service);
        }
        // Newer services turn it round: `aws.sagemaker.us-east-1.notebook`.
        let mut parts = text.strip_prefix("aws.")?.splitn(3, '.');
        let (family, region, rest) = (parts.next()?, parts.next()?, parts.next());
        let service = rest.map_or_else(|| family.to_owned(), |rest| format!("{family}.{rest}"));
        Self::of(region, &service)
    }

    fn of(region: &str, service: &str) -> Option<Self> {
        let is_region =
            region.matches('-').count() >= 2 && region.ends_with(|end: char| end.is_ascii_digit());
        let is_word = |text: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        (is_region && is_word(service)).then(|| Self {
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }

    /// The name of the service of this short name in a region.
    pub fn full(region: &str, service: &str) -> String {
        format!("com.amazonaws.{region}.{service}")
    }

    /// The public name that clients use (`api.ecr.eu-west-1.amazonaws.com`).
    pub fn public_name(&self) -> String {
        let labels: Vec<&str> = self.service.rsplit('.').collect();
        format!("{}.{}.amazonaws.com", labels.join("."), self.region)
    }

    /// Whether it is among the services that are known to have endpoints.
    pub fn is_listed(&self) -> bool {
        LISTED.binary_search(&self.service.as_str()).is_ok()
    }

    /// Whether there are gateway endpoints for it (EP-01).
    pub fn has_gateway_endpoints(&self) -> bool {
        matches!(self.service.as_str(), "s3" | "dynamodb" | "s3express")
    }

    /// The TCP ports that it answers on.
    pub fn ports(&self) -> &'static [u16] {
        match self.service.as_str() {
            "s3" | "dynamodb" => &[80, 443],
            "email-smtp" => &[25, 465, 587, 2465, 2587],
            "transfer.server" => &[21, 22, 443],
            "redshift-data" | "redshift" => &[443, 5439],
            _ => &[443],
        }
    }
}

/// Services that AWS's guide to PrivateLink lists, in order; newer ones may be missing.
const LISTED: &[&str] = &[
    "access-analyzer",
    "account",
    "acm-pca",
    "airflow.api",
    "airflow.env",
    "app-integrations",
    "appconfig",
    "appconfigdata",
    "application-autoscaling",
    "appmesh",
    "apprunner",
    "appstream.api",
    "appsync-api",
    "athena",
    "auditmanager",
    "autoscaling",
    "autoscaling-plans",
    "awsconnector",
    "b2bi",
    "backup",
    "backup-gateway",
    "batch",
    "bedrock",
    "bedrock-agent",
    "bedrock-agent-runtime",
    "bedrock-runtime",
    "braket",
    "cassandra",
    "cleanrooms",
    "cloudcontrolapi",
    "clouddirectory",
    "cloudformation",
    "cloudhsmv2",
    "cloudtrail",
    "codeartifact.api",
    "codeartifact.repositories",
    "codebuild",
    "codecommit",
    "codedeploy",
    "codepipeline",
    "cognito-idp",
    "comprehend",
    "config",
    "connect-campaigns",
    "data-servicediscovery",
    "databrew",
    "dataexchange",
    "datasync",
    "datazone",
    "deviceadvisor.iot",
    "devops-guru",
    "dms",
    "drs",
    "ds",
    "dynamodb",
    "dynamodb-streams",
    "ebs",
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "ecs",
    "ecs-agent",
    "ecs-telemetry",
    "eks",
    "eks-auth",
    "elasticache",
    "elasticbeanstalk",
    "elasticfilesystem",
    "elasticloadbalancing",
    "elasticmapreduce",
    "email-smtp",
    "emr-containers",
    "emr-serverless",
    "entityresolution",
    "events",
    "evidently",
    "execute-api",
    "finspace",
    "firehose",
    "fis",
    "forecast",
    "frauddetector",
    "fsx",
    "git-codecommit",
    "glue",
    "grafana",
    "greengrass",
    "groundstation",
    "guardduty",
    "guardduty-data",
    "healthlake",
    "iam",
    "identitystore",
    "imagebuilder",
    "inspector-scan",
    "inspector2",
    "internetmonitor",
    "iot.credentials",
    "iot.data",
    "iotanalytics",
    "iotsitewise.api",
    "iotsitewise.data",
    "iottwinmaker.api",
    "kafka",
    "kendra",
    "kinesis-firehose",
    "kinesis-streams",
    "kms",
    "lakeformation",
    "lambda",
    "license-manager",
    "logs",
    "lookoutmetrics",
    "lookoutvision",
    "m2",
    "macie2",
    "managedblockchain",
    "mediaconnect",
    "medical-imaging",
    "memory-db",
    "mgn",
    "migrationhub-orchestrator",
    "models-v2-lex",
    "monitoring",
    "mq",
    "neptune-graph",
    "networkmonitor",
    "notebook",
    "omics",
    "organizations",
    "panorama",
    "payment-cryptography.controlplane",
    "personalize",
    "pinpoint",
    "pipes",
    "polly",
    "private-networks",
    "proton",
    "qldb.session",
    "ram",
    "rds",
    "rds-data",
    "redshift",
    "redshift-data",
    "redshift-serverless",
    "rekognition",
    "resource-groups",
    "robomaker",
    "rolesanywhere",
    "route53resolver",
    "rum",
    "s3",
    "s3-global.accesspoint",
    "s3-outposts",
    "s3express",
    "s3tables",
    "sagemaker.api",
    "sagemaker.featurestore-runtime",
    "sagemaker.runtime",
    "scheduler",
    "schemas",
    "secretsmanager",
    "securityhub",
    "securitylake",
    "servicecatalog",
    "servicediscovery",
    "signer",
    "simspaceweaver",
    "sms",
    "sms-voice",
    "snow-device-management",
    "sns",
    "sqs",
    "ssm",
    "ssm-contacts",
    "ssm-incidents",
    "ssmmessages",
    "states",
    "storagegateway",
    "streaming-rekognition",
    "sts",
    "swf",
    "syncstates",
    "synthetics",
    "tagging",
    "textract",
    "timestream.ingest-cell1",
    "timestream.query-cell1",
    "transcribe",
    "transcribestreaming",
    "transfer",
    "transfer.server",
    "translate",
    "trustedadvisor",
    "verifiedpermissions",
    "voiceid",
    "vpc-lattice",
    "wisdom",
    "workmail",
    "workspaces",
    "xray",
];

/// A prefix list that AWS keeps: its name, its id, its ranges.
type Known = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// Region, service, id and ranges: of `aws ec2 describe-prefix-lists` in AWS's documentation and of described accounts.
const KNOWN: &[Known] = &[
    (
        "us-east-1",
        "s3",
        "pl-63a5400a",
        &["54.231.0.0/17", "52.216.0.0/15", "3.5.16.0/21", "3.5.0.0/20"],
    ),
    (
        "us-east-1",
        "dynamodb",
        "pl-02cd2c6b",
        &["52.94.0.0/22", "52.119.224.0/20"],
    ),
    (
        "us-east-2",
        "s3",
        "pl-7ba54012",
        &["52.219.80.0/20", "3.5.128.0/22", "3.5.132.0/23", "52.219.96.0/20"],
    ),
    ("us-east-2", "dynamodb", "pl-4ca54025", &["52.94.4.0/24"]),
    (
        "us-west-1",
        "s3",
        "pl-6ba54002",
        &[
            "52.219.20.0/22",
            "54.231.232.0/21",
            "52.219.120.0/22",
            "52.219.24.0/21",
            "52.219.112.0/21",
            "52.92.48.0/22",
        ],
    ),
    ("us-west-1", "dynamodb", "pl-6ea54007", &["52.94.12.0/24"]),
    (
        "eu-west-1",
        "s3",
        "pl-6da54004",
        &["52.218.0.0/17", "54.231.128.0/19"],
    ),
    (
        "eu-west-1",
        "dynamodb",
        "pl-6fa54006",
        &["52.94.5.0/24", "52.119.240.0/21", "52.94.24.0/23"],
    ),
];

/// The prefix list that AWS keeps for a service in a region, as far as it is known.
pub fn known_list(name: &ServiceName) -> Option<PrefixList> {
    let find = |region: &str| {
        KNOWN
            .iter()
            .find(|known| known.0 == region && known.1 == name.service)
    };
    let own = find(&name.region);
    let known = own.or_else(|| find(KNOWN_REGION))?;
    let label = Label {
        id: own.map(|known| known.2.to_owned()),
        ..Label::named(ServiceName::full(&name.region, &name.service))
    };
    Some(list(label, known))
}

/// The prefix list of this id, if AWS keeps it and it is known.
pub fn known_list_of_id(id: &str) -> Option<PrefixList> {
    let known = KNOWN.iter().find(|known| known.2 == id)?;
    let label = Label {
        id: Some(id.to_owned()),
        ..Label::named(ServiceName::full(known.0, known.1))
    };
    Some(list(label, known))
}

fn list(label: Label, known: &Known) -> PrefixList {
    let entries: Vec<Ipv4Net> = known
        .3
        .iter()
        .map(|range| range.parse().expect("the table holds ranges"))
        .collect();
    PrefixList {
        label,
        entries_max: entries.len() as u32,
        version: None,
        entries,
    }
}

/// Whether the ranges of the service in its region are known.
pub fn is_known(name: &ServiceName) -> bool {
    KNOWN
        .iter()
        .any(|known| known.0 == name.region && known.1 == name.service)
}

impl PrefixList {
    /// The service whose addresses it holds, if AWS keeps it.
    pub fn service(&self) -> Option<ServiceName> {
        ServiceName::parse(&self.label.name).filter(ServiceName::has_gateway_endpoints)
    }

    /// The first address of it that a host can have.
    pub fn first_host(&self) -> Option<Ipv4Addr> {
        self.entries.first().and_then(|range| range.hosts().next())
    }
}

impl Topology {
    /// The prefix list of a service of AWS, if the design has it.
    pub fn service_list(&self, name: &ServiceName) -> Option<Id<PrefixList>> {
        let mut lists = self.prefix_lists.iter();
        lists
            .find(|(_, list)| list.service().as_ref() == Some(name))
            .map(|(id, _)| id)
    }

    /// The addresses of AWS's services that the design's prefix lists hold, with the ports that they answer on.
    pub fn service_ranges(&self) -> impl Iterator<Item = (Ipv4Net, &'static [u16])> + '_ {
        self.prefix_lists
            .iter()
            .filter_map(|(_, list)| Some((list, list.service()?)))
            .flat_map(|(list, name)| {
                let ports = name.ports();
                list.entries.iter().map(move |range| (*range, ports))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<(String, String)> {
        ServiceName::parse(text).map(|name| (name.region, name.service))
    }

    #[test]
    fn full_names_of_services_are_read_and_others_are_not() {
        let pair = |region: &str, service: &str| Some((region.to_owned(), service.to_owned()));
        assert_eq!(name("com.amazonaws.us-east-1.s3"), pair("us-east-1", "s3"));
        assert_eq!(
            name("cn.com.amazonaws.cn-north-1.ecr.api"),
            pair("cn-north-1", "ecr.api")
        );
        assert_eq!(
            name("aws.sagemaker.us-east-1.notebook"),
            pair("us-east-1", "sagemaker.notebook")
        );
        for text in [
            "s3",
            "com.amazonaws.vpce.us-east-1.vpce-svc-0ab",
            "com.amazonaws.us-east-1.",
            "com.amazonaws.s3",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn a_public_name_turns_the_services_words_round() {
        let name = ServiceName::parse("com.amazonaws.eu-west-1.ecr.api").unwrap();
        assert_eq!(name.public_name(), "api.ecr.eu-west-1.amazonaws.com");
    }

    #[test]
    fn the_ranges_of_an_unknown_region_are_those_of_a_known_one_without_its_id() {
        let own = known_list(&ServiceName::parse("com.amazonaws.eu-west-1.s3").unwrap()).unwrap();
        assert_eq!(own.label.id.as_deref(), Some("pl-6da54004"));
        let name = ServiceName::parse("com.amazonaws.eu-central-2.s3").unwrap();
        let other = known_list(&name).unwrap();
        assert_eq!(
            (other.label.id.as_deref(), other.label.name.as_str()),
            (None, "com.amazonaws.eu-central-2.s3")
        );
        assert_eq!(other.entries[0].to_string(), "54.231.0.0/17");
        assert!(!is_known(&name));
        assert!(known_list(&ServiceName::parse("com.amazonaws.eu-west-1.sqs").unwrap()).is_none());
    }

    #[test]
    fn services_are_listed_in_order() {
        assert!(LISTED.is_sorted());
        let is_listed = |service| ServiceName::of("eu-west-1", service).unwrap().is_listed();
        assert!(is_listed("sqs") && is_listed("ecr.api") && !is_listed("sqz"));
    }

    #[test]
    fn lists_that_aws_keeps_are_found_by_their_ids() {
        let list = known_list_of_id("pl-02cd2c6b").unwrap();
        assert_eq!(list.label.name, "com.amazonaws.us-east-1.dynamodb");
        assert_eq!(list.first_host().unwrap().to_string(), "52.94.0.1");
        assert!(known_list_of_id("pl-00000000").is_none());
    }
}
