//! The instance metadata service: documents over HTTP at a link-local address, for each interface its own.
//!
//! # Semantics
//!
//! - It answers HTTP on 169.254.169.254 port 80, unless it is switched off (IMDS-01).
//! - A session token is got by PUT with a lifetime of 1 to 21600 s; where tokens are required, asking without a valid one
//!   gives 401 (IMDS-02).
//! - The answer to that PUT, and nothing else, leaves with the hop limit as its time to live (IMDS-03).
//! - A PUT that came through a proxy, as `X-Forwarded-For` shows, gives 403 and no token (IMDS-04).
//!
//! # Where AWS is silent
//!
//! - A service that is switched off drops packets without an answer.
//! - An unknown or expired token gives 401 even where tokens are not required.
//! - Tokens are made from a seed and a counter, so that equal runs give equal bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use vpcsim_engine::{Context, Decision, DropReason, FrameHeader, Handle, Node, NodeId, Port, Step};
use vpcsim_engine::{Random, Span, Time};
use vpcsim_wire::{Mac, Protocol};

use crate::applications::{HttpRequest, HttpResponse, Site};
use crate::config::Listener;
use crate::drops;
use crate::endpoint::Endpoint;
use crate::endpoint_set::EndpointSet;

/// The address of the service.
pub const METADATA_ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Longest lifetime of a session token, in seconds.
pub const TOKEN_LIFETIME_S_MAX: u64 = 21_600;
/// Time to live of everything but the answer to a request for a token.
pub const METADATA_TTL: u8 = 64;

const TOKEN_PATH: &str = "latest/api/token";
const TOKEN_HEADER: &str = "X-aws-ec2-metadata-token";
const LIFETIME_HEADER: &str = "X-aws-ec2-metadata-token-ttl-seconds";
const MTU: u16 = 1_500;

/// The service as one interface sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataConfig {
    /// Texts by path, like `latest/meta-data/instance-id`; a slash in front is ignored.
    pub documents: BTreeMap<String, String>,
    /// Whether a session token is needed to read them.
    pub tokens_required: bool,
    /// Time to live of the answer to a request for a token.
    pub hop_limit: u8,
    /// Whether the service answers at all.
    pub enabled: bool,
    /// Where its answers go.
    pub reply: (NodeId, Port),
    /// Ethernet address of the interface that asks.
    pub client_mac: Mac,
    /// Ethernet address of the service.
    pub mac: Mac,
}

/// Says what client interface number `i` shall see; `None` if there is no such interface.
pub type MetadataSource = Box<dyn Fn(u32) -> Option<MetadataConfig> + Send>;

/// The service for all interfaces: an engine node whose port `i` is for client interface `i`.
///
/// What a client shall see is asked for when the client first asks: most of a design's interfaces never do.
pub struct MetadataNode {
    source: MetadataSource,
    clients: BTreeMap<u32, Arc<MetadataConfig>>,
    seed: u64,
    endpoints: EndpointSet<u32>,
}

impl MetadataNode {
    /// The service for the clients that `source` knows.
    pub fn new(source: MetadataSource, seed: u64) -> Self {
        Self {
            source,
            clients: BTreeMap::new(),
            seed,
            endpoints: EndpointSet::new(),
        }
    }

    fn client(&mut self, number: u32) -> Option<Arc<MetadataConfig>> {
        if !self.clients.contains_key(&number) {
            let client = Arc::new(normalized((self.source)(number)?));
            self.clients.insert(number, client);
        }
        self.clients.get(&number).cloned()
    }

    fn receive(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Result<(), DropReason> {
        let client = self.client(port.0).ok_or(drops::NO_SUCH_INTERFACE)?;
        if !client.enabled {
            return Err(drops::METADATA_DISABLED);
        }
        let packet = context.packet(packet);
        let summary = packet.summary().ok_or(drops::MALFORMED)?;
        if summary.destination() != METADATA_ADDRESS {
            return Err(drops::NOT_FOR_THIS_HOST);
        }
        let seed = Random::new(self.seed, u64::from(port.0)).next_u64();
        let endpoint = self.endpoints.endpoint_or_insert(port.0, || {
            let site = Site::Metadata(Box::new(MetadataSite::new(client, seed)));
            Endpoint::new(vec![Listener::on(Protocol::TCP, 80)], METADATA_TTL, seed, site)
        });
        let received = endpoint.receive(context.now(), packet.bytes(), summary, MTU);
        self.endpoints.arm(context, port.0);
        received
    }
}

impl Node for MetadataNode {
    fn process(&mut self, context: &mut Context<'_>, port: Port, packet: Handle) -> Step {
        match self.receive(context, port, packet) {
            Ok(()) => Step::Deliver,
            Err(reason) => Step::drop(reason, Decision::NONE),
        }
    }

    fn on_timer(&mut self, context: &mut Context<'_>, _: u64) {
        let Self {
            clients, endpoints, ..
        } = self;
        endpoints.handle_timer(
            context,
            |_| MTU,
            |context, client, packet| {
                let Some(client) = clients.get(&client) else {
                    return;
                };
                let handle = context.emit(FrameHeader::ipv4(client.mac, client.client_mac), packet);
                context.forward(handle, client.reply.0, client.reply.1);
            },
        );
    }
}

fn normalized(mut client: MetadataConfig) -> MetadataConfig {
    if client.documents.keys().any(|path| path.starts_with('/')) {
        let documents = std::mem::take(&mut client.documents).into_iter();
        client.documents = documents
            .map(|(path, text)| (path.trim_start_matches('/').to_owned(), text))
            .collect();
    }
    client
}

/// Documents and session tokens of one client.
#[derive(Debug)]
pub(crate) struct MetadataSite {
    client: Arc<MetadataConfig>,
    random: Random,
    tokens: BTreeMap<String, Time>,
}

impl MetadataSite {
    fn new(client: Arc<MetadataConfig>, seed: u64) -> Self {
        Self {
            client,
            random: Random::new(seed, 1),
            tokens: BTreeMap::new(),
        }
    }

    pub(crate) fn respond(&mut self, request: &HttpRequest<'_>, now: Time) -> HttpResponse {
        let path = request.path.trim_start_matches('/');
        match request.method {
            "PUT" if path == TOKEN_PATH => {
                let ttl = Some(self.client.hop_limit);
                HttpResponse {
                    ttl,
                    ..self.issue_token(request, now)
                }
            }
            "GET" if self.is_allowed(request, now) => self.read(path),
            "GET" => HttpResponse::error(401, "Unauthorized"),
            _ => HttpResponse::error(405, "Method Not Allowed"),
        }
    }

    fn issue_token(&mut self, request: &HttpRequest<'_>, now: Time) -> HttpResponse {
        if request.header("X-Forwarded-For").is_some() {
            return HttpResponse::error(403, "Forbidden");
        }
        let lifetime_s = request
            .header(LIFETIME_HEADER)
            .and_then(|value| value.parse::<u64>().ok());
        let Some(lifetime_s) =
            lifetime_s.filter(|lifetime_s| (1..=TOKEN_LIFETIME_S_MAX).contains(lifetime_s))
        else {
            return HttpResponse::error(400, "Bad Request");
        };
        self.tokens.retain(|_, expires| now < *expires);
        let token = format!(
            "AQAEA{:016x}{:016x}==",
            self.random.next_u64(),
            self.random.next_u64()
        );
        self.tokens
            .insert(token.clone(), now + Span::from_secs(lifetime_s));
        let headers = format!("{LIFETIME_HEADER}: {lifetime_s}\r\n");
        HttpResponse {
            headers,
            ..HttpResponse::ok(token)
        }
    }

    fn is_allowed(&self, request: &HttpRequest<'_>, now: Time) -> bool {
        match request.header(TOKEN_HEADER) {
            Some(token) => self.tokens.get(token).is_some_and(|&expires| now < expires),
            None => !self.client.tokens_required,
        }
    }

    fn read(&self, path: &str) -> HttpResponse {
        if let Some(document) = self.client.documents.get(path) {
            return HttpResponse::ok(document.clone());
        }
        let directory = path.trim_end_matches('/');
        match list(&self.client.documents, directory) {
            names if names.is_empty() => HttpResponse::error(404, "Not Found"),
            names => HttpResponse::ok(names.into_iter().collect::<Vec<_>>().join("\n")),
        }
    }
}

/// What lies in a directory; directories in it end with a slash.
fn list(documents: &BTreeMap<String, String>, directory: &str) -> BTreeSet<String> {
    let prefix = if directory.is_empty() {
        String::new()
    } else {
        format!("{directory}/")
    };
    let inside = documents
        .range(prefix.clone()..)
        .map_while(|(path, _)| path.strip_prefix(&prefix));
    let names = inside
        .filter(|path| !path.is_empty())
        .map(|path| match path.split_once('/') {
            Some((name, _)) => format!("{name}/"),
            None => path.to_owned(),
        });
    names.collect()
}

#[cfg(test)]
mod tests {
    use vpcsim_engine::{Event, Network, Observation, Observer};

    use super::*;
    use crate::config::{Framing, HostConfig, InterfaceConfig};
    use crate::host::HostNode;
    use crate::probe::{Exchange, Observed, Outcome, Probe};

    const GET_ID: &str = "GET /latest/meta-data/instance-id HTTP/1.1\r\n";
    const PUT_TOKEN: &str = "PUT /latest/api/token HTTP/1.1\r\n";

    fn client(tokens_required: bool) -> MetadataConfig {
        let documents = [
            ("latest/meta-data/instance-id", "i-0123"),
            ("latest/meta-data/mac", "02:00:0a:00:00:05"),
            ("/latest/meta-data/placement/region", "ap-northeast-1"),
        ];
        MetadataConfig {
            documents: documents
                .into_iter()
                .map(|(path, text)| (path.to_owned(), text.to_owned()))
                .collect(),
            tokens_required,
            hop_limit: 2,
            enabled: true,
            reply: (NodeId(1), Port(0)),
            client_mac: Mac([2; 6]),
            mac: Mac([4; 6]),
        }
    }

    /// The service as node 0, joined without delay to its one client as node 1.
    struct Client {
        network: Network,
    }

    impl Client {
        fn new(config: MetadataConfig) -> Self {
            let interface = InterfaceConfig {
                mac: Mac([2; 6]),
                addresses: vec![Ipv4Addr::new(10, 0, 0, 5)],
                prefix_len: 24,
                gateway: Ipv4Addr::new(10, 0, 0, 1),
                mtu: 9_001,
                node: NodeId(0),
                port: Port(0),
                framing: Framing::Raw,
            };
            let host = HostNode::new(HostConfig::new(vec![interface]));
            let service = MetadataNode::new(Box::new(move |number| (number == 0).then(|| config.clone())), 1);
            Self {
                network: Network::new(vec![Box::new(service), Box::new(host)], Vec::new(), 1),
            }
        }

        fn ask(&mut self, head: &str) -> Outcome {
            let request = format!("{head}Host: 169.254.169.254\r\n\r\n").into_bytes();
            let probe = Probe::tcp(METADATA_ADDRESS, 80).exchanging(Exchange::Send(request));
            let start = |host: &mut HostNode, context: &mut Context<'_>| host.start_probe(context, &probe);
            let id = self.network.act(NodeId(1), start).unwrap();
            self.network.run_until(self.network.now() + Span::from_secs(10));
            assert!(self.network.counters().balance());
            self.network
                .node::<HostNode>(NodeId(1))
                .unwrap()
                .outcome(id)
                .unwrap()
                .clone()
        }

        /// Status and body of the answer.
        fn answer(&mut self, head: &str) -> (u16, String) {
            let text = String::from_utf8(self.ask(head).received).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
        }
    }

    #[test]
    fn documents_and_directories_are_read_without_a_token_where_none_is_required() {
        let mut client = Client::new(client(false));
        assert_eq!(client.answer(GET_ID), (200, "i-0123".into()));
        let listing = (200, "instance-id\nmac\nplacement/".to_owned());
        assert_eq!(client.answer("GET /latest/meta-data/ HTTP/1.1\r\n"), listing);
        assert_eq!(client.answer("GET /latest/meta-data HTTP/1.1\r\n"), listing);
        assert_eq!(client.answer("GET / HTTP/1.1\r\n"), (200, "latest/".into()));
        assert_eq!(client.answer("GET /latest/none HTTP/1.1\r\n").0, 404);
        assert_eq!(client.answer("DELETE /latest HTTP/1.1\r\n").0, 405);
        assert_eq!(client.answer("nonsense\r\n").0, 400);
    }

    #[test]
    fn where_tokens_are_required_only_a_living_one_opens() {
        let mut client = Client::new(client(true));
        assert_eq!(client.answer(GET_ID).0, 401);
        let (status, token) = client.answer(&format!("{PUT_TOKEN}{LIFETIME_HEADER}: 25\r\n"));
        assert_eq!(status, 200);
        let with_token = format!("{GET_ID}{TOKEN_HEADER}: {token}\r\n");
        assert_eq!(client.answer(&with_token), (200, "i-0123".into()));
        assert_eq!(
            client.answer(&format!("{GET_ID}{TOKEN_HEADER}: wrong\r\n")).0,
            401
        );
        // Each question takes ten seconds of simulated time.
        assert_eq!(client.answer(&with_token).0, 401);
    }

    #[test]
    fn a_token_lives_between_a_second_and_six_hours() {
        let mut client = Client::new(client(true));
        for (lifetime, status) in [("1", 200), ("21600", 200), ("0", 400), ("21601", 400), ("x", 400)] {
            let request = format!("{PUT_TOKEN}{LIFETIME_HEADER}: {lifetime}\r\n");
            assert_eq!(client.answer(&request).0, status, "{lifetime}");
        }
        assert_eq!(client.answer(PUT_TOKEN).0, 400);
    }

    #[test]
    fn a_put_that_came_through_a_proxy_is_forbidden() {
        let request = format!("{PUT_TOKEN}{LIFETIME_HEADER}: 60\r\nX-Forwarded-For: 1.2.3.4\r\n");
        assert_eq!(Client::new(client(true)).answer(&request).0, 403);
    }

    #[test]
    fn a_service_that_is_switched_off_is_silent() {
        let config = MetadataConfig {
            enabled: false,
            ..client(false)
        };
        assert_eq!(Client::new(config).ask(GET_ID).observed, Observed::Filtered);
    }

    /// Collects the times to live of what the service sends with data in it.
    #[derive(Default)]
    struct DataTtls(Vec<u8>);

    impl Observer for DataTtls {
        fn observe(&mut self, observation: &Observation<'_>) {
            let summary = observation.packet.summary().unwrap();
            let is_sent = observation.event == Event::Emit && observation.node == NodeId(0);
            if is_sent && summary.payload_len() > 0 {
                self.0.push(summary.ttl);
            }
        }
    }

    #[test]
    fn only_the_answer_to_a_token_request_has_the_hop_limit() {
        let mut client = Client::new(client(false));
        client.network.observe_with(Some(Box::new(DataTtls::default())));
        client.answer(&format!("{PUT_TOKEN}{LIFETIME_HEADER}: 60\r\n"));
        client.answer(GET_ID);
        assert_eq!(
            client.network.observer_mut::<DataTtls>().unwrap().0,
            [2, METADATA_TTL]
        );
    }
}
