//! What every noun's reader is handed: the topology so far, the names in it, and where to report.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use vpcsim_aws::aws_service::{ServiceName, known_list};
use vpcsim_aws::completion::PublicAddressPool;
use vpcsim_aws::devices::network_interface::Attachment;
use vpcsim_aws::devices::security_group::{Peer, SecurityGroupRule};
use vpcsim_aws::devices::{NetworkInterface, PrefixList, SecurityGroup, Subnet, Vpc};
use vpcsim_aws::traffic::Traffic;
use vpcsim_aws::{AnyId, Finding, Findings, Id, Kind, Label, Origin, Resource, Topology};

use super::network_interface::PrimaryInterfaces;
use super::node::{Entry, Node};
use super::shape::Fields;
use super::suggest;
use crate::names::Names;

/// The state of reading native designs.
pub(crate) struct Context<'a> {
    /// What was declared so far.
    pub topology: &'a mut Topology,
    /// What it is called.
    pub names: &'a mut Names,
    /// What is wrong with it.
    pub findings: &'a mut Findings,
    /// Public addresses for whatever asks for one without saying which.
    pub public: &'a mut PublicAddressPool,
    /// The primary interfaces, once everything is declared.
    pub primary: Option<PrimaryInterfaces>,
    /// What the VPCs name as main or default; `None` where they say that there is none.
    pub defaults: BTreeMap<(Id<Vpc>, Kind), Option<String>>,
}

/// Where a noun stands: in a VPC, or at the top of the design.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// The VPC.
    pub vpc: Option<Id<Vpc>>,
}

impl Scope {
    /// The top of the design.
    pub(crate) const TOP: Self = Self { vpc: None };

    /// Inside a VPC.
    pub(crate) const fn inside(vpc: Id<Vpc>) -> Self {
        Self { vpc: Some(vpc) }
    }
}

impl Context<'_> {
    /// Reports an error.
    pub(crate) fn error(&mut self, code: &'static str, origin: Origin, message: impl Into<String>) {
        self.findings.push(Finding::error(code, origin, message));
    }

    /// The label of what `entry` declares; its record has the keys `id` and `tags`.
    pub(crate) fn label(&mut self, entry: &Entry, fields: &Fields<'_>) -> Label {
        self.label_named(entry.key.clone(), entry.key_origin, fields)
    }

    /// The label of something whose name does not stand in a key.
    pub(crate) fn label_named(&mut self, name: String, origin: Origin, fields: &Fields<'_>) -> Label {
        let tags = fields.named("tags", self.findings);
        let tags = tags.iter().map(|tag| (tag.key.clone(), tag_value(&tag.value)));
        Label {
            name,
            account: None,
            id: fields.text("id", self.findings).map(str::to_owned),
            tags: tags.collect(),
            origin,
        }
    }

    /// Enters a new resource under its name, which nothing else of its kind may have here.
    pub(crate) fn enter<T: Resource>(&mut self, id: Id<T>, scope: Scope) -> AnyId {
        let any = AnyId::from(id);
        let Some(label) = self.topology.label(any).cloned() else {
            return any;
        };
        if let Err(first) = self.names.enter(any, scope.vpc, &label.name, label.id.as_deref()) {
            let first = self.topology.label(first).map_or(0, |first| first.origin.line);
            let message = format!(
                "a second {} is called `{}`; the first is in line {first}",
                T::NOUN,
                label.name
            );
            self.error("duplicate-name", label.origin, message);
        }
        any
    }

    /// The resource that `node` names.
    pub(crate) fn reference<T: Resource>(&mut self, scope: Scope, node: &Node) -> Option<Id<T>> {
        let text = node.text(&format!("the name of a {}", T::NOUN), self.findings)?;
        let found = self.names.find(scope.vpc, text);
        if found.is_none() {
            self.unknown_reference(&[T::KIND], scope, text, node.origin);
        }
        found
    }

    /// The resource that is named under a key.
    pub(crate) fn reference_under<T: Resource>(
        &mut self,
        scope: Scope,
        fields: &Fields<'_>,
        key: &str,
    ) -> Option<Id<T>> {
        fields.find(key).and_then(|node| self.reference(scope, node))
    }

    /// Reports a name that nothing has.
    pub(crate) fn unknown_reference(&mut self, kinds: &[Kind], scope: Scope, text: &str, origin: Origin) {
        let nouns: Vec<&str> = kinds.iter().map(|kind| kind.noun()).collect();
        let place = match scope.vpc {
            Some(vpc) => format!("VPC `{}`", self.topology.vpcs[vpc].label.name),
            None => "the design".to_owned(),
        };
        let message = format!("there is no {} `{text}` in {place}", nouns.join(" or "));
        let known = self.candidates(kinds, scope);
        let names = || known.iter().map(String::as_str);
        let help = match suggest::nearest(text, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names().next().is_none() => "there is none at all".to_owned(),
            None => format!("there is {}", suggest::listed(names())),
        };
        self.findings
            .push(Finding::error("unknown-reference", origin, message).help(help));
    }

    /// What could have been meant; outside a VPC, what stands in one goes by the names of both.
    fn candidates(&self, kinds: &[Kind], scope: Scope) -> Vec<String> {
        let mut known = Vec::new();
        for kind in kinds {
            known.extend(self.names.candidates(*kind, scope.vpc).map(str::to_owned));
            for vpc in self.topology.vpcs.ids().filter(|_| scope.vpc.is_none()) {
                let owner = &self.topology.vpcs[vpc].label.name;
                let inside = self.names.candidates_inside(*kind, vpc);
                known.extend(inside.map(|name| format!("{owner}/{name}")));
            }
        }
        known
    }

    /// Whether `name` is what the VPC calls its main or default one of this kind.
    pub(crate) fn is_default(&self, vpc: Id<Vpc>, kind: Kind, name: &str) -> bool {
        match self.defaults.get(&(vpc, kind)) {
            Some(default) => default.as_deref() == Some(name),
            // AWS keeps this name for itself: nobody else can call a group so.
            None => kind == Kind::SecurityGroup && name == "default",
        }
    }

    /// The security group that `node` names. Every VPC has one called `default`, declared or not.
    pub(crate) fn security_group(&mut self, scope: Scope, node: &Node) -> Option<Id<SecurityGroup>> {
        let text = node.text("the name of a security group", self.findings)?;
        let found = self.find_security_group(scope, text);
        if found.is_none() {
            self.unknown_reference(&[Kind::SecurityGroup], scope, text, node.origin);
        }
        found
    }

    /// The security group of this name, as rules and interfaces inside `scope` see it.
    pub(crate) fn find_security_group(&mut self, scope: Scope, text: &str) -> Option<Id<SecurityGroup>> {
        let found = self.names.find(scope.vpc, text);
        let implied = scope
            .vpc
            .filter(|vpc| text == "default" && !self.defaults.contains_key(&(*vpc, Kind::SecurityGroup)));
        found.or_else(|| implied.map(|vpc| self.make_default_security_group(vpc)))
    }

    fn make_default_security_group(&mut self, vpc: Id<Vpc>) -> Id<SecurityGroup> {
        let itself = Id::from_index(self.topology.security_groups.len());
        let rule = |peer| SecurityGroupRule {
            id: None,
            traffic: Traffic::All,
            peer,
            origin: Origin::NOWHERE,
        };
        let made = self.topology.security_groups.push(SecurityGroup {
            label: Label::named("default"),
            vpc,
            default: true,
            ingress: vec![rule(Peer::SecurityGroup(itself))],
            egress: vec![rule(Peer::Cidr(Ipv4Net::default()))],
        });
        self.enter(made, Scope::inside(vpc));
        made
    }

    /// The prefix list of this name. Those of AWS's services (`s3`, `com.amazonaws.eu-west-1.s3`) are there undeclared (EP-01).
    pub(crate) fn prefix_list(&mut self, scope: Scope, name: &str, origin: Origin) -> Option<Id<PrefixList>> {
        let found = self
            .names
            .find(scope.vpc, name)
            .or_else(|| self.service_list(scope, name));
        if found.is_none() {
            self.unknown_reference(&[Kind::PrefixList], scope, name, origin);
        }
        found
    }

    fn service_list(&mut self, scope: Scope, name: &str) -> Option<Id<PrefixList>> {
        let full = self.full_service_name(scope, name);
        if let Some(found) = self.names.find(scope.vpc, &full) {
            return Some(found);
        }
        let list = known_list(&ServiceName::parse(&full)?)?;
        let made = self.topology.prefix_lists.push(list);
        self.enter(made, Scope::TOP);
        Some(made)
    }

    /// The full name of a service; a short one is of the VPC's region.
    pub(crate) fn full_service_name(&self, scope: Scope, name: &str) -> String {
        let is_full = |begin: &&str| name.starts_with(*begin);
        if ["com.amazonaws.", "cn.com.amazonaws.", "aws."]
            .iter()
            .any(is_full)
        {
            return name.to_owned();
        }
        let region = scope
            .vpc
            .map_or(&self.topology.region, |vpc| &self.topology.vpcs[vpc].region);
        ServiceName::full(region, name)
    }

    /// A managed interface in the subnet that `node` names, called after its owner and the subnet.
    pub(crate) fn managed_interface(
        &mut self,
        scope: Scope,
        owner: &str,
        node: &Node,
    ) -> Option<Id<NetworkInterface>> {
        let subnet: Id<Subnet> = self.reference(scope, node)?;
        let label = Label {
            origin: node.origin,
            ..Label::named(format!("{owner} {}", self.topology.name_of(subnet)))
        };
        let interface = NetworkInterface {
            attachment: Attachment::Managed,
            ..NetworkInterface::new(label, subnet, UNASSIGNED)
        };
        let id = self.topology.network_interfaces.push(interface);
        self.enter(id, scope);
        Some(id)
    }

    /// A public address for what asks for one without saying which.
    pub(crate) fn take_public(&mut self, origin: Origin) -> Option<Ipv4Addr> {
        let taken = self.public.take();
        if taken.is_none() {
            self.error(
                "no-public-address",
                origin,
                "there are no more public addresses to hand out",
            );
        }
        taken
    }
}

/// Stands for a private address that is left to [`Topology::complete`].
pub(crate) const UNASSIGNED: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

fn tag_value(node: &Node) -> String {
    match &node.value {
        super::node::Value::Scalar { text, .. } => text.clone(),
        _ => String::new(),
    }
}
