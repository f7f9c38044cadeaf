//! What one sender reaches of an address that somebody names: a public address, a name of the DNS.

use std::net::Ipv4Addr;

use vpcsim_aws::devices::internet_host::FROM_HOSTS;
use vpcsim_aws::sets::settle;

use super::journey::{Journey, Receiver};
use super::pairs::sends;
use super::{Basis, Reach, Reachability};
use crate::endpoint::Source;
use crate::simulation::Simulation;

impl Simulation {
    /// What a sender reaches of an address that an interface of the design has, private or public; `None` if nobody here has it, or
    /// only packets tell.
    pub(crate) fn reach_of_address(
        &self,
        found: &Reachability,
        from: &Source,
        to: Ipv4Addr,
    ) -> Option<Reach> {
        let is_known = found
            .endpoints
            .iter()
            .any(|endpoint| endpoint.address == to || endpoint.public == Some(to));
        if !is_known {
            return None;
        }
        settle(self.compiled());
        let internet = self.compiled().fixed.internet;
        let (start, source, home) = match from {
            Source::Internet(address) => ((internet, FROM_HOSTS), *address, internet),
            Source::Host { host, bind } => {
                let mut own = found.endpoints.iter().filter(|endpoint| endpoint.host == *host);
                let sender = own.find(|endpoint| bind.is_none_or(|address| endpoint.address == address))?;
                // What a host sends to its own address stays inside it.
                if found
                    .endpoints
                    .iter()
                    .any(|endpoint| endpoint.host == *host && endpoint.address == to)
                {
                    return None;
                }
                (
                    sends(self.compiled(), sender, to),
                    sender.address,
                    sender.host_node,
                )
            }
        };
        let journey = Journey {
            compiled: self.compiled(),
            question: &found.question.traffic,
            start,
            source,
            destination: to,
            home,
            receiver: Receiver::Anybody,
        };
        let (reach, _) = journey.ask();
        (reach.basis == Basis::Sets).then_some(reach)
    }
}
