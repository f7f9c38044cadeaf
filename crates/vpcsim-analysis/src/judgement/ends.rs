//! Who and what expectations are about, and what is wrong with them: all of it is told at once.

use std::net::Ipv4Addr;

use vpcsim_aws::assertion::{Assertion, Expectations, Expected, Invariant, KEEP_ONE, Mention, Selector};
use vpcsim_aws::devices::LoadBalancer;
use vpcsim_aws::{Finding, Findings, Label};

use super::{End, Judge, is_choosy};
use crate::endpoint::{self, INTERNET, Source};
use crate::reach::{SOMEBODY, Selection, select};
use crate::similar::nearest;

impl Judge<'_> {
    /// Who is meant by each assertion.
    ///
    /// # Errors
    /// Ends that are nobody, names that nothing has, and assertions of which only one can hold.
    pub(super) fn ends(&self, expectations: &Expectations) -> Result<Vec<(End, End)>, Findings> {
        let mut wrong = Findings::default();
        let mut known = Vec::new();
        for assertion in &expectations.assertions {
            let ends = [
                self.end(&assertion.from, Some(&assertion.to), true),
                self.end(&assertion.to, Some(&assertion.from), false),
            ];
            for name in assertion.via.iter().chain(&assertion.never_via) {
                self.check_name(name, &mut wrong);
            }
            match ends {
                [Ok(from), Ok(to)] => known.push((assertion, from, to)),
                ends => ends
                    .into_iter()
                    .filter_map(Result::err)
                    .for_each(|finding| wrong.push(finding)),
            }
        }
        for line in &expectations.invariants {
            if let Invariant::OnlyFromInternet(allowed) = &line.invariant {
                let nobody = allowed
                    .iter()
                    .filter_map(|selector| self.end(selector, None, false).err());
                nobody.for_each(|finding| wrong.push(finding));
            }
        }
        check_contradictions(&known, &mut wrong);
        wrong.sort();
        if wrong.is_empty() {
            Ok(known.into_iter().map(|(_, from, to)| (from, to)).collect())
        } else {
            Err(wrong)
        }
    }

    /// Who is meant; whom the exact answers do not know has to be known to the packets, with `other` at the other end.
    pub(super) fn end(
        &self,
        selector: &Selector,
        other: Option<&Selector>,
        is_sender: bool,
    ) -> Result<End, Finding> {
        let text = &selector.text;
        let with_internet = other.is_none_or(|other| other.text.eq_ignore_ascii_case(INTERNET));
        if let Ok(address) = text.parse::<Ipv4Addr>()
            && !with_internet
            && self
                .found
                .endpoints
                .iter()
                .any(|endpoint| endpoint.public == Some(address))
        {
            return Ok(End::Named(text.clone()));
        }
        match select(self.topology(), &self.found.endpoints, text) {
            Ok(Selection::Internet) => Ok(End::Internet),
            Ok(Selection::Endpoints(list))
                if is_sender && !list.iter().any(|index| self.found.endpoints[*index].sends()) =>
            {
                let message =
                    format!("`{text}` cannot be a source: load balancers and endpoints begin no connections");
                Err(Finding::error("selects-nothing", selector.origin, message))
            }
            Ok(Selection::Endpoints(list)) => Ok(self.in_the_dns(text, list, with_internet)),
            Err(_) if self.is_known_to_packets(text, other, is_sender) => Ok(End::Named(text.clone())),
            Err(error) => Err(Finding::error(
                "selects-nothing",
                selector.origin,
                error.to_string(),
            )),
        }
    }

    /// Of a load balancer that is meant by its name the nodes that the name stands for, by the addresses that it gives (ELB-02, ELB-03).
    fn in_the_dns(&self, text: &str, list: Vec<usize>, with_internet: bool) -> End {
        let endpoints = &self.found.endpoints;
        let host = endpoints[list[0]].host;
        let balancer = host.downcast::<LoadBalancer>();
        let is_alone = list.iter().all(|index| endpoints[*index].host == host);
        let Some(balancer) = balancer.filter(|_| is_alone && !is_choosy(text)) else {
            return End::Endpoints(list);
        };
        if !with_internet && list.iter().any(|index| endpoints[*index].public.is_some()) {
            return End::Named(text.to_owned());
        }
        let out = self.simulation.nodes_out_of_dns(balancer);
        let nodes = &self.topology().load_balancers[balancer].nodes;
        let is_in_dns = |index: &usize| {
            let mut nodes = nodes.iter().enumerate();
            let place = nodes.find(|(_, node)| node.interface == endpoints[*index].interface);
            place.is_none_or(|(place, _)| place >= 64 || out >> place & 1 == 0)
        };
        End::Endpoints(list.into_iter().filter(is_in_dns).collect())
    }

    /// Somebody who is meant, for a question to packets.
    fn speaker(&self, selector: &Selector) -> String {
        match select(self.topology(), &self.found.endpoints, &selector.text) {
            Ok(Selection::Endpoints(list)) if is_choosy(&selector.text) => {
                self.found.endpoints[list[0]].address.to_string()
            }
            _ => selector.text.clone(),
        }
    }

    /// Whether packets can be sent by, or to, whoever is called so.
    fn is_known_to_packets(&self, text: &str, other: Option<&Selector>, is_sender: bool) -> bool {
        let directory = self.simulation.directory();
        if is_sender {
            return endpoint::source(directory, text, None).is_ok();
        }
        let speaker = other.and_then(|other| endpoint::source(directory, &self.speaker(other), None).ok());
        let sender = speaker.unwrap_or(Source::Internet(SOMEBODY));
        endpoint::destination(directory, text, &sender, &|id| {
            self.simulation.nodes_out_of_dns(id)
        })
        .is_ok()
    }

    /// A gateway that is not there is passed by nothing, and avoided by everything.
    fn check_name(&self, name: &Mention, wrong: &mut Findings) {
        let topology = self.topology();
        let labels = || topology.resources().filter_map(|any| topology.label(any));
        let is_called = |label: &Label| label.name == name.text || label.id.as_deref() == Some(&name.text);
        if labels().any(is_called) {
            return;
        }
        let near = nearest(&name.text, labels().map(|label| label.name.as_str()));
        let message = format!("nothing in the design is called `{}`", name.text);
        let finding = Finding::error("expectation-names-nothing", name.origin, message);
        wrong.push(match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(
                "write the name or the id of a gateway, a load balancer, an instance or another station",
            ),
        });
    }
}

/// Assertions in other words that are about some of the same flows, and of which only one can hold.
fn check_contradictions(known: &[(&Assertion, End, End)], wrong: &mut Findings) {
    let judged: Vec<_> = known
        .iter()
        .filter(|(assertion, ..)| assertion.skip.is_none())
        .collect();
    for (index, (assertion, from, to)) in judged.iter().enumerate() {
        let contradicted = judged[..index]
            .iter()
            .find(|(earlier, earlier_from, earlier_to)| {
                assertion.contradicts(earlier)
                    && meet(from, earlier_from, assertion, earlier)
                    && meet(to, earlier_to, assertion, earlier)
            });
        if let Some((earlier, ..)) = contradicted {
            let message = assertion.contradiction(earlier);
            let finding = Finding::error("contradictory-expectations", assertion.origin, message);
            wrong.push(finding.help(KEEP_ONE));
        }
    }
}

/// Whether both ends are about somebody in common; whoever says that some flows pass and some do not has to be about nobody else.
fn meet(end: &End, earlier: &End, assertion: &Assertion, before: &Assertion) -> bool {
    let (End::Endpoints(own), End::Endpoints(others)) = (end, earlier) else {
        return end == earlier;
    };
    let is_within = |some: &[usize], all: &[usize]| some.iter().all(|one| all.binary_search(one).is_ok());
    match (assertion.expected, before.expected) {
        (Expected::Partial, _) => is_within(own, others),
        (_, Expected::Partial) => is_within(others, own),
        _ => own.iter().any(|one| others.binary_search(one).is_ok()),
    }
}
