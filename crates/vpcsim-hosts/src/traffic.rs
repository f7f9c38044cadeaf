//! Scripted senders and a counting receiver, for loads without the cost of a TCP/IP stack.

use vpcsim_engine::{Context, FrameHeader, Handle, Node, NodeId, Port, Span, Step};
use vpcsim_wire::{FlowKey, PacketBuilder};

/// What a [`TrafficSource`] sends.
#[derive(Clone, Debug)]
pub struct TrafficConfig {
    /// The UDP flows; packets go round them in turn.
    pub flows: Vec<FlowKey>,
    /// Bytes of data in each datagram.
    pub payload_len: u16,
    /// Time to live of each packet.
    pub ttl: u8,
    /// Between two bursts.
    pub interval: Span,
    /// Packets sent at one moment.
    pub burst_count: u32,
    /// How many packets to send in all.
    pub packet_count: u64,
    /// The frame around each packet.
    pub frame: FrameHeader,
    /// Where they go.
    pub to: (NodeId, Port),
}

/// The IPv4 and the UDP header of a datagram: all that two of the same length differ in.
const HEADERS_LEN: usize = 28;

/// Sends UDP datagrams of many flows at a fixed pace; allocates nothing per packet, and holds one payload for all flows.
#[derive(Debug)]
pub struct TrafficSource {
    headers: Vec<[u8; HEADERS_LEN]>,
    /// The next packet.
    packet: Vec<u8>,
    config: TrafficConfig,
    next_flow: usize,
    sent_count: u64,
    received_count: u64,
    is_sending: bool,
}

impl TrafficSource {
    /// A source that is still silent.
    ///
    /// # Panics
    /// Never: a datagram has both headers.
    pub fn new(config: TrafficConfig) -> Self {
        let payload = vec![0; usize::from(config.payload_len)];
        let build = |key: &FlowKey| {
            let (from, to) = (key.source(), key.destination());
            let builder = PacketBuilder::udp(from, key.source_port(), to, key.destination_port());
            let builder = builder.payload(&payload).ttl(config.ttl);
            builder.dont_fragment(true).build()
        };
        let headers = |key: &FlowKey| {
            let packet = build(key);
            *packet
                .first_chunk()
                .expect("a datagram is longer than its headers")
        };
        Self {
            headers: config.flows.iter().map(headers).collect(),
            packet: config.flows.first().map(build).unwrap_or_default(),
            config,
            next_flow: 0,
            sent_count: 0,
            received_count: 0,
            is_sending: false,
        }
    }

    /// Begins to send, with the first burst at the present moment.
    pub fn start(&mut self, context: &mut Context<'_>) {
        if !self.headers.is_empty() && !self.is_sending {
            self.is_sending = true;
            context.set_timer(Span::ZERO, 0);
        }
    }

    /// Sends so many more packets, from the present moment on.
    pub fn send_more(&mut self, context: &mut Context<'_>, packet_count: u64) {
        self.config.packet_count += packet_count;
        self.start(context);
    }

    /// How many packets it has sent.
    pub const fn sent_count(&self) -> u64 {
        self.sent_count
    }

    /// How many packets came back to it.
    pub const fn received_count(&self) -> u64 {
        self.received_count
    }

    fn send_next(&mut self, context: &mut Context<'_>) {
        let packet = context.emit(self.config.frame, &self.packet);
        context.forward(packet, self.config.to.0, self.config.to.1);
        self.sent_count += 1;
        self.next_flow += 1;
        if self.next_flow == self.headers.len() {
            self.next_flow = 0;
        }
        // What was just written is slow to read in other pieces: by the next packet this is long ago.
        self.packet[..HEADERS_LEN].copy_from_slice(&self.headers[self.next_flow]);
    }
}

impl Node for TrafficSource {
    fn process(&mut self, _: &mut Context<'_>, _: Port, _: Handle) -> Step {
        self.received_count += 1;
        Step::Deliver
    }

    fn on_timer(&mut self, context: &mut Context<'_>, _: u64) {
        let burst_count = u64::from(self.config.burst_count.max(1));
        let end = self.config.packet_count.min(self.sent_count + burst_count);
        while self.sent_count < end {
            self.send_next(context);
        }
        self.is_sending = self.sent_count < self.config.packet_count;
        if self.is_sending {
            // An interval of zero would keep time from going on.
            context.set_timer(Span::from_ns(self.config.interval.as_ns().max(1)), 0);
        }
    }
}

/// Takes every packet and counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sink {
    packet_count: u64,
    byte_count: u64,
}

impl Sink {
    /// How many packets came.
    pub const fn packet_count(&self) -> u64 {
        self.packet_count
    }

    /// How many bytes they had, without their frames.
    pub const fn byte_count(&self) -> u64 {
        self.byte_count
    }
}

impl Node for Sink {
    fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
        self.packet_count += 1;
        self.byte_count += context.packet(packet).bytes().len() as u64;
        Step::Deliver
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use vpcsim_engine::{Network, Time};
    use vpcsim_wire::{Mac, Protocol};

    use super::*;

    #[test]
    fn flows_take_turns_at_the_given_pace() {
        let flow = |port| {
            FlowKey::new(
                Ipv4Addr::new(10, 0, 0, 1),
                Ipv4Addr::new(10, 0, 0, 2),
                Protocol::UDP,
                port,
                9,
            )
        };
        let source = TrafficSource::new(TrafficConfig {
            flows: vec![flow(1), flow(2), flow(3)],
            payload_len: 72,
            ttl: 64,
            interval: Span::from_us(10),
            burst_count: 2,
            packet_count: 9,
            frame: FrameHeader::ipv4(Mac([2; 6]), Mac([4; 6])),
            to: (NodeId(1), Port(0)),
        });
        let mut network = Network::new(vec![Box::new(source), Box::new(Sink::default())], Vec::new(), 1);
        network.act(NodeId(0), TrafficSource::start).unwrap();
        network.run_until(Time::ZERO + Span::from_us(35));
        assert_eq!(network.node::<Sink>(NodeId(1)).unwrap().packet_count(), 8);
        network.run_until(Time::ZERO + Span::from_secs(1));
        let sink = network.node::<Sink>(NodeId(1)).unwrap();
        assert_eq!((sink.packet_count(), sink.byte_count()), (9, 900));
        assert_eq!(network.node::<TrafficSource>(NodeId(0)).unwrap().sent_count(), 9);
        network.act(NodeId(0), |source: &mut TrafficSource, context| {
            source.send_more(context, 5);
        });
        network.run_until(Time::ZERO + Span::from_secs(2));
        assert_eq!(network.node::<Sink>(NodeId(1)).unwrap().packet_count(), 14);
    }
}
