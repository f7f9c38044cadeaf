//! The DNS resolver of a VPC (the Amazon-provided one).
//!
//! # AWS semantics
//!
//! - It answers at base+2 of the primary range and at 169.254.169.253, from the address that was asked (DNS-01).
//! - With `enableDnsSupport` off it does not exist (DNS-02).
//! - It is only there for its own VPC: no other VPC's packets reach its node (DNS-06).
//! - It serves recursive queries only (DNS-07).
//! - Its answers need no route, security group or network ACL (DNS-08, LL-03, LL-04).
//!
//! # Where AWS is silent
//!
//! - A query that does not ask for recursion is answered `REFUSED`.
//! - A query that cannot be read is answered `FORMERR`; what is too short to have a header, or is itself an answer, gets none.
//! - Names that exist have only the records that this simulator knows; for other types the answer is empty.
//!
//! # Not modelled
//!
//! - DNS over TCP: no answer comes.

use std::sync::Arc;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, PTR};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use vpcsim_engine::{Context, Handle, Node, NodeId, Port, Step};

use super::client::Clients;
use super::horizon::{Horizon, Resolution};
use super::question::Question;
use crate::devices::LoadBalancer;
use crate::model::Id;

/// The port that the resolver answers at.
pub const DNS_PORT: u16 = 53;
/// How long an answer may be kept, in seconds.
const TTL_S: u32 = 60;
const HEADER_LEN: usize = 12;
const EDNS_PAYLOAD_LEN_MAX: u16 = 4096;

/// The running resolver of one VPC.
#[derive(Clone)]
pub struct ResolverDevice {
    clients: Arc<Clients>,
    horizon: Arc<Horizon>,
    balancers: Arc<[Option<NodeId>]>,
}

impl ResolverDevice {
    /// A resolver that answers these clients with what is known at this horizon; the nodes of the load balancers say which of
    /// their addresses are withdrawn.
    pub fn new(clients: Arc<Clients>, horizon: Arc<Horizon>, balancers: Arc<[Option<NodeId>]>) -> Self {
        Self {
            clients,
            horizon,
            balancers,
        }
    }
}

impl Node for ResolverDevice {
    fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
        let node_of = |id: Id<LoadBalancer>| self.balancers.get(id.index()).copied().flatten();
        let out_of_dns = |id: Id<LoadBalancer>| node_of(id).map_or(0, |node| context.notice_of(node));
        let question = Question::read(&self.clients, context.packet(packet));
        let answer = question.and_then(|question| {
            let view = View {
                horizon: &self.horizon,
                out_of_dns: &out_of_dns,
            };
            let message = answer_to(question.payload, &view)?;
            (question.destination_port == DNS_PORT).then(|| (question.client, question.reply(&message)))
        });
        if let Some((client, bytes)) = answer {
            client.answer(context, &bytes);
        }
        Step::Deliver
    }
}

/// What a resolver knows at the moment of a query.
struct View<'a> {
    horizon: &'a Horizon,
    out_of_dns: &'a dyn Fn(Id<LoadBalancer>) -> u64,
}

/// The message that answers a query, if any does.
fn answer_to(query: &[u8], view: &View<'_>) -> Option<Vec<u8>> {
    let header = query.get(..HEADER_LEN)?;
    if header[2] & 0x80 != 0 {
        return None;
    }
    let id = u16::from_be_bytes([header[0], header[1]]);
    let reply = match Message::from_vec(query) {
        Ok(query) => respond(&query, view),
        Err(_) => Message::error_msg(id, OpCode::Query, ResponseCode::FormErr),
    };
    reply.to_vec().ok()
}

fn respond(query: &Message, view: &View<'_>) -> Message {
    let mut reply = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
    reply.metadata.recursion_desired = query.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.add_queries(query.queries.iter().cloned());
    if query.edns.is_some() {
        let mut edns = Edns::new();
        edns.set_max_payload(EDNS_PAYLOAD_LEN_MAX);
        reply.set_edns(edns);
    }
    reply.metadata.response_code = match query.queries.as_slice() {
        _ if query.metadata.op_code != OpCode::Query => ResponseCode::NotImp,
        _ if !query.metadata.recursion_desired => ResponseCode::Refused,
        [question] if question.query_class != DNSClass::IN => ResponseCode::Refused,
        [question] => {
            let (code, records) = look_up(question, view);
            reply.answers.extend(records);
            code
        }
        _ => ResponseCode::FormErr,
    };
    reply
}

fn look_up(question: &Query, view: &View<'_>) -> (ResponseCode, Vec<Record>) {
    let name = question.name.to_ascii().to_ascii_lowercase();
    let data: Vec<RData> = match view.horizon.resolve(name.trim_end_matches('.'), view.out_of_dns) {
        Resolution::NoSuchName => return (ResponseCode::NXDomain, Vec::new()),
        Resolution::Addresses(addresses) => addresses
            .into_iter()
            .map(|address| RData::A(A(address)))
            .collect(),
        Resolution::Pointer(target) => {
            let name = Name::from_ascii(target + ".").ok();
            name.map(|name| RData::PTR(PTR(name))).into_iter().collect()
        }
    };
    let wanted =
        |data: &RData| question.query_type == data.record_type() || question.query_type == RecordType::ANY;
    let record = |data| Record::from_rdata(question.name.clone(), TTL_S, data);
    (
        ResponseCode::NoError,
        data.into_iter().filter(wanted).map(record).collect(),
    )
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::str::FromStr;

    use super::*;
    use crate::model::Id;
    use crate::services::RESOLVER;
    use crate::services::fixture::{CLIENT, Desk, shop};
    use crate::services::horizon::PublicNames;
    use vpcsim_wire::PacketBuilder;

    const NAME: &str = "ip-10-0-1-5.eu-west-1.compute.internal.";

    fn horizon() -> Horizon {
        let topology = shop();
        Horizon::new(&topology, Id::from_index(0), PublicNames::new(&topology))
    }

    fn view(horizon: &Horizon) -> View<'_> {
        View {
            horizon,
            out_of_dns: &|_| 0,
        }
    }

    fn query(name: &str, query_type: RecordType) -> Message {
        let mut message = Message::new(4660, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(Name::from_str(name).unwrap(), query_type));
        message
    }

    fn ask(message: &Message) -> Message {
        Message::from_vec(&answer_to(&message.to_vec().unwrap(), &view(&horizon())).unwrap()).unwrap()
    }

    fn desk() -> Desk {
        Desk::new(|clients| Box::new(ResolverDevice::new(clients, Arc::new(horizon()), Arc::new([]))))
    }

    #[test]
    fn the_answer_comes_from_the_address_that_was_asked() {
        for resolver in [Ipv4Addr::new(10, 0, 0, 2), RESOLVER] {
            let question = PacketBuilder::udp(CLIENT, 4000, resolver, 53)
                .payload(&query(NAME, RecordType::A).to_vec().unwrap())
                .build();
            let answer = desk().ask_udp(&question).expect("an answer");
            assert_eq!((answer.source, answer.source_port), (resolver, 53));
            assert_eq!((answer.destination, answer.destination_port), (CLIENT, 4000));
            let message = Message::from_vec(&answer.payload).unwrap();
            assert_eq!(message.answers[0].data, RData::A(A::new(10, 0, 1, 5)));
        }
    }

    #[test]
    fn an_answer_repeats_id_and_question_and_offers_recursion() {
        let question = query(NAME, RecordType::A);
        let answer = ask(&question);
        assert_eq!(answer.metadata.id, 4660);
        assert_eq!(answer.queries, question.queries);
        assert!(answer.metadata.recursion_available && answer.metadata.recursion_desired);
        assert_eq!(answer.metadata.message_type, MessageType::Response);
    }

    #[test]
    fn reverse_names_have_pointers() {
        let answer = ask(&query("5.1.0.10.in-addr.arpa.", RecordType::PTR));
        assert_eq!(
            answer.answers[0].data,
            RData::PTR(PTR(Name::from_str(NAME).unwrap()))
        );
    }

    #[test]
    fn names_are_compared_without_regard_to_case() {
        let answer = ask(&query(&NAME.to_uppercase(), RecordType::A));
        assert_eq!(answer.answers.len(), 1);
    }

    #[test]
    fn an_unknown_name_does_not_exist() {
        let answer = ask(&query("nobody.example.com.", RecordType::A));
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
        assert!(answer.answers.is_empty());
    }

    #[test]
    fn a_known_name_has_no_records_of_other_types() {
        let answer = ask(&query(NAME, RecordType::AAAA));
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.answers.is_empty());
    }

    #[test]
    fn a_query_without_recursion_is_refused() {
        let mut question = query(NAME, RecordType::A);
        question.metadata.recursion_desired = false;
        let answer = ask(&question);
        assert_eq!(answer.metadata.response_code, ResponseCode::Refused);
        assert!(answer.answers.is_empty());
    }

    #[test]
    fn a_query_with_edns_is_answered_with_edns() {
        let mut question = query(NAME, RecordType::A);
        question.set_edns(Edns::new());
        assert!(ask(&question).edns.is_some());
        assert!(ask(&query(NAME, RecordType::A)).edns.is_none());
    }

    #[test]
    fn unreadable_queries_are_answered_formerr_or_not_at_all() {
        let horizon = horizon();
        let whole = query(NAME, RecordType::A).to_vec().unwrap();
        for len in 0..whole.len() {
            let answer = answer_to(&whole[..len], &view(&horizon));
            assert_eq!(answer.is_some(), len >= HEADER_LEN, "{len} bytes");
            if let Some(bytes) = answer {
                assert_eq!(
                    Message::from_vec(&bytes).unwrap().metadata.response_code,
                    ResponseCode::FormErr
                );
            }
        }
    }

    #[test]
    fn an_answer_is_not_answered() {
        let mut message = query(NAME, RecordType::A);
        message.metadata.message_type = MessageType::Response;
        assert_eq!(answer_to(&message.to_vec().unwrap(), &view(&horizon())), None);
    }

    #[test]
    fn no_single_changed_byte_makes_it_panic() {
        let horizon = horizon();
        let whole = query(NAME, RecordType::A).to_vec().unwrap();
        for at in 0..whole.len() {
            for value in [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = answer_to(&changed, &view(&horizon));
            }
        }
    }

    #[test]
    fn tcp_and_other_ports_get_no_answer() {
        let payload = query(NAME, RecordType::A).to_vec().unwrap();
        let tcp = PacketBuilder::tcp(CLIENT, 4000, RESOLVER, 53)
            .payload(&payload)
            .build();
        let other = PacketBuilder::udp(CLIENT, 4000, RESOLVER, 54)
            .payload(&payload)
            .build();
        assert!(desk().ask_udp(&tcp).is_none());
        assert!(desk().ask_udp(&other).is_none());
    }
}
