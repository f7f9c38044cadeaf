//! What `--service` and `--client-ports` take.

use std::fmt;
use std::str::FromStr;

use vpcsim_aws::service_words::{parse_ports, parse_service};
use vpcsim_aws::traffic::{PortRange, Traffic};

/// Services to ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service(pub(crate) Traffic);

/// The ports that clients send from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientPorts(pub(crate) PortRange);

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_service(text).map(Self)
    }
}

impl FromStr for ClientPorts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_ports(text).map(Self)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
