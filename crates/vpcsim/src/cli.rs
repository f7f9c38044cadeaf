//! The command line: commands, options and their help.

use std::net::Ipv4Addr;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use vpcsim_report::faces::{FACES, Face};

use crate::endpoint::Destination;
use crate::output::ColorChoice;
use crate::service::{ClientPorts, Service};

const EXAMPLES: &str = "\
Examples:
  vpcsim check shop.yaml              what is wrong or surprising in the design
  vpcsim run shop.yaml                send real packets, print who reaches whom
  vpcsim trace shop.yaml --from web-1 --to db-1:5432/tcp
                                      one flow hop by hop, and why it stops where it stops

A DESIGN is a file, a folder or - for standard input; several are merged.
Nothing is ever sent to AWS.
Exit status: 0 yes, 1 no, 2 the command line or an input is wrong, 3 a bug of vpcsim.";

const RUN_EXAMPLES: &str = "\
Examples:
  vpcsim run shop.yaml                              writes ./capture.pcapng and ./reachability.json
  vpcsim run shop.yaml --out result --seed 7        the same seed gives the same bytes
  vpcsim run dump/ plan.json --allow-unknown        an account's description beside a plan
  vpcsim run shop.yaml --no-capture --format json   the answers alone, on standard output

Without expectations in the design, every host and the internet try every service.
Exit status: 0 all expectations hold, 1 one does not (unknown counts as one that does not), 2 wrong input.";

const TRACE_EXAMPLES: &str = "\
Examples:
  vpcsim trace shop.yaml --from web-1 --to db-1:5432/tcp
  vpcsim trace shop.yaml --from internet --to 203.0.113.10:443/tcp --pcap web.pcapng
  vpcsim trace dump/ --from i-0abc --to 10.0.2.7:icmp --bind 10.0.1.5
  vpcsim trace shop.yaml --flows flows.jsonl --format jsonl > answers.jsonl
  vpcsim trace plan.json --from internet --to web-1:80/tcp --format network-insights

Services: :443/tcp, :53/udp, :icmp. Hosts: a name, an id, an address, vpc/name, or internet.
Exit status: 0 reachable, 1 not, 2 wrong input. With --flows: 0 once all flows are answered.";

const TEST_EXAMPLES: &str = "\
Examples:
  vpcsim test shop.yaml                                 the expectations that stand in the design
  vpcsim test plan.json dump/ --expect expect.yaml      those of a file
  vpcsim test shop.yaml --expect expect.yaml --format github --format junit=report.xml
  vpcsim test shop.yaml --expect expect.yaml --update   take today's answers as expected

Formats: text, json, junit, sarif, github, markdown.
Exit status: 0 all hold, 1 one does not (unknown counts as one that does not), 2 wrong input.";

const REACH_EXAMPLES: &str = "\
Examples:
  vpcsim reach shop.yaml                                who reaches whom, by which services
  vpcsim reach shop.yaml --from internet                what the internet can open, with a way for each
  vpcsim reach shop.yaml --to internet                  who gets out, and with which address
  vpcsim reach dump/ --from subnet:web --to type:rds --service 5432/tcp
  vpcsim reach plan.json dump/ --by sg --format csv
  vpcsim reach shop.yaml --verify                       prove every answer by packets
  vpcsim reach shop.yaml --format json -o saved.json    save the answers, to ask them again
  vpcsim reach saved.json --from web-1 --service 5432/tcp

Who: a name, an id, an address or range, internet, or tag:Name=web*, subnet:, sg:, vpc:, az:, type:.
Exit status: 0 once answered, 1 if packets disagree with --verify, 2 wrong input.";

const DIFF_EXAMPLES: &str = "\
Examples:
  vpcsim diff main.yaml branch.yaml                     what the change opens and closes
  vpcsim diff before/ after/ --format markdown          a comment for a pull request
  vpcsim diff plan.json                                 the two halves of a Terraform plan
  vpcsim diff old.template new.template --param Port=80 --region eu-west-1
  vpcsim diff old.json new.json                         two documents that `reach --format json` saved

How designs are read (--param, --region, --config-dir, --strict) counts for both.
Exit status: 0 nothing changes, 1 something does, 2 wrong input.";

const CHECK_EXAMPLES: &str = "\
Examples:
  vpcsim check shop.yaml
  vpcsim check dump/ --format json
  vpcsim check plan.json dump/ --strict             a Terraform plan on top of the account that it goes into
  vpcsim check template.yaml --param Port=8080      a CloudFormation template

Exit status: 0 no errors, 1 errors, 2 an input cannot be read.";

const CONVERT_EXAMPLES: &str = "\
Examples:
  vpcsim convert dump/ -o account.yaml
  aws ec2 describe-vpcs | vpcsim convert -";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  vpcsim explain SG_INGRESS                         why packets are dropped
  vpcsim explain ENI_SG_RULES_MISMATCH              a code of AWS's Reachability Analyzer
  vpcsim explain                                    all codes";

/// What `vpcsim --help` says.
#[derive(Debug, Parser)]
#[command(
    name = "vpcsim",
    version,
    about = "Packet-level simulator of AWS VPC networks",
    long_about = "Packet-level simulator of AWS VPC networks: reads a design, pushes real IPv4 packets through it, and says \
                  who can reach whom and, where not, which rule of which component stopped the packet.",
    after_help = EXAMPLES,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false
    )]
    pub(crate) color: ColorChoice,
    /// Say nothing on standard error but errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send the design's probes as real packets; print who reaches whom.
    Run(RunArguments),
    /// Follow one flow there and back, hop by hop.
    Trace(TraceArguments),
    /// Hold the design against what is expected of it.
    Test(TestArguments),
    /// Say exactly who can reach whom, by which services, there and back.
    Reach(ReachArguments),
    /// Say what a change opens and closes.
    Diff(DiffArguments),
    /// List what is invalid, contradictory or surprising in the design.
    Check(CheckArguments),
    /// Write any design in the native YAML format.
    Convert(ConvertArguments),
    /// Explain a drop reason, a code of AWS's Reachability Analyzer or a finding.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// The code; all of them are listed without one.
        code: Option<String>,
    },
    /// List what is modelled and what is not.
    Support {
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        format: PageFormat,
    },
    /// Print the JSON Schema of the native format, or of a document for tools.
    Schema {
        /// Of what.
        #[arg(value_enum, default_value_t)]
        of: SchemaOf,
    },
    /// Print a script that completes commands and options in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What has a JSON Schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Designs in the native format.
    #[default]
    Native,
    /// What `reach --format json` prints.
    Reach,
    /// What `diff --format json` prints.
    Diff,
    /// The reachability.json of `run`.
    Run,
}

/// How to print a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PageFormat {
    /// For people.
    #[default]
    Text,
    /// For tools: one JSON document.
    Json,
}

/// How to print answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One JSON object a line, each as soon as it is known.
    Jsonl,
    /// The JSON of `aws ec2 describe-network-insights-analyses`.
    NetworkInsights,
}

/// The designs.
#[derive(Args, Clone, Debug)]
pub(crate) struct Designs {
    /// The design: a file, a folder, or - for standard input; several are merged.
    #[arg(value_name = "DESIGN", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Read what stood before a Terraform plan, not what it will make.
    #[arg(long)]
    pub(crate) before: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// How designs are read.
#[derive(Args, Clone, Debug)]
pub(crate) struct Reading {
    /// A reference of a plan that is not certain is an error.
    #[arg(long)]
    pub(crate) strict: bool,
    /// The value of a CloudFormation parameter; may be given several times.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) parameters: Vec<(String, String)>,
    /// The region that a CloudFormation template is deployed to, if nothing else says it.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The folder of the Terraform configuration, to decide what a plan has lost.
    #[arg(long, value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,
}

/// `NAME=VALUE`.
fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` names no value: write `{text}=VALUE`")),
    }
}

/// What `run` takes.
#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) designs: Designs,
    /// The folder for capture.pcapng and reachability.json; it is made if it is missing.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// The seed of everything random.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write the capture to this file.
    #[arg(long, value_name = "FILE", conflicts_with = "no_capture")]
    pub(crate) pcap: Option<PathBuf>,
    /// Capture at these points only: names of hosts, gateways or capture points.
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        conflicts_with = "no_capture"
    )]
    pub(crate) capture_at: Vec<String>,
    /// Write no capture.
    #[arg(long)]
    pub(crate) no_capture: bool,
    /// How to print the answers.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: PageFormat,
    /// Let expectations pass whose answer is unknown.
    #[arg(long)]
    pub(crate) allow_unknown: bool,
}

/// What `trace` takes.
#[derive(Args, Debug)]
#[command(after_help = TRACE_EXAMPLES)]
pub(crate) struct TraceArguments {
    #[command(flatten)]
    pub(crate) designs: Designs,
    /// Who sends: a name, an id, an address or internet.
    #[arg(long, value_name = "HOST", required_unless_present = "flows", requires = "to")]
    pub(crate) from: Option<String>,
    /// Who shall get it, and which service.
    #[arg(
        long,
        value_name = "HOST:SERVICE",
        required_unless_present = "flows",
        requires = "from"
    )]
    pub(crate) to: Option<Destination>,
    /// The local address that the sender binds to.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "flows")]
    pub(crate) bind: Option<Ipv4Addr>,
    /// The address of a sender on the internet.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["flows", "bind"])]
    pub(crate) src_ip: Option<Ipv4Addr>,
    /// A file of flows, one JSON object a line; - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to"])]
    pub(crate) flows: Option<PathBuf>,
    /// Ask the flows of a file with so many threads, with the same answers in the same order [default: all processors].
    #[arg(long, value_name = "N", requires = "flows")]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Write a capture of the flow to this file.
    #[arg(long, value_name = "FILE", conflicts_with = "flows")]
    pub(crate) pcap: Option<PathBuf>,
    /// The seed of everything random.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// How to print the answers.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: AnswerFormat,
}

/// What `test` takes.
#[derive(Args, Debug)]
#[command(after_help = TEST_EXAMPLES)]
pub(crate) struct TestArguments {
    #[command(flatten)]
    pub(crate) designs: Designs,
    /// A file of expectations; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Vec<PathBuf>,
    /// How to print the results, or what to write to a file; may be given several times.
    #[arg(long, value_name = "FORMAT[=FILE]", default_value = "text")]
    pub(crate) format: Vec<FaceChoice>,
    /// Let expectations pass whose answer is unknown.
    #[arg(long)]
    pub(crate) allow_unknown: bool,
    /// Write today's answers into the file of expectations, which is made if it is missing.
    #[arg(long, requires = "expect")]
    pub(crate) update: bool,
}

/// A format of results, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FaceChoice {
    /// The format's name.
    pub(crate) name: String,
    /// The file; standard output if there is none.
    pub(crate) file: Option<PathBuf>,
}

impl FromStr for FaceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        if Face::find(name).is_none() {
            let known: Vec<&str> = FACES.iter().map(|face| face.name).collect();
            return Err(format!(
                "there is no format `{name}`; there are {}",
                known.join(", ")
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            file,
        })
    }
}

/// How to print exact answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// Comma-separated values.
    Csv,
    /// Tables for a comment.
    Markdown,
}

/// How rows are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Grouping {
    /// Each host.
    Instance,
    /// Each network interface.
    Interface,
    /// Each subnet.
    Subnet,
    /// Each security group.
    Sg,
    /// Each VPC.
    Vpc,
    /// Each class of interfaces that nothing distinguishes.
    Class,
}

/// Which flows are asked about.
#[derive(Args, Clone, Debug)]
pub(crate) struct Flows {
    /// Who sends; may be given several times.
    #[arg(long, value_name = "WHO")]
    pub(crate) from: Vec<String>,
    /// Who shall get it; may be given several times.
    #[arg(long, value_name = "WHO")]
    pub(crate) to: Vec<String>,
    /// The services: 443/tcp, 1000-2000/udp, tcp, icmp, gre; all of them if nothing is said.
    #[arg(long, value_name = "SERVICE,...", value_delimiter = ',')]
    pub(crate) service: Vec<Service>,
    /// The ports that clients send from.
    #[arg(long, value_name = "FIRST-LAST", default_value = "32768-60999")]
    pub(crate) client_ports: ClientPorts,
    /// How rows are grouped; by instance up to 30 interfaces, else by subnet, if nothing is said.
    #[arg(long, value_enum)]
    pub(crate) by: Option<Grouping>,
}

/// What `reach` takes.
#[derive(Args, Debug)]
#[command(after_help = REACH_EXAMPLES)]
pub(crate) struct ReachArguments {
    #[command(flatten)]
    pub(crate) designs: Designs,
    #[command(flatten)]
    pub(crate) flows: Flows,
    /// Send packets that have to agree: for all answers, or for a sample of this many.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0", require_equals = true)]
    pub(crate) verify: Option<usize>,
    /// The seed of the sample.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write to this file and not to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How to print the answers.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
}

/// What `diff` takes.
#[derive(Args, Debug)]
#[command(after_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArguments {
    /// The old design, a file or a folder; the two halves of a Terraform plan if it is the only one.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The new design.
    #[arg(value_name = "NEW")]
    pub(crate) new: Option<PathBuf>,
    /// A design that belongs to both, such as the rest of the account; may be given several times.
    #[arg(long, value_name = "DESIGN")]
    pub(crate) with: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) flows: Flows,
    /// Write to this file and not to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How to print the difference.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
}

/// How to print findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FindingsFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

/// What `check` takes.
#[derive(Args, Debug)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) designs: Designs,
    /// How to print the findings.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: FindingsFormat,
}

/// What `convert` takes.
#[derive(Args, Debug)]
#[command(after_help = CONVERT_EXAMPLES)]
pub(crate) struct ConvertArguments {
    #[command(flatten)]
    pub(crate) designs: Designs,
    /// Write to this file and not to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }
}
