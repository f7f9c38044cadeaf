//! One TCP connection: a smoltcp socket with an interface of its own.
//!
//! A host may carry thousands of connections, and smoltcp looks at every socket of an interface for every packet. So each
//! connection has its own, and the [endpoint](crate::endpoint) finds it by its flow key.

use std::net::Ipv4Addr;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};
use vpcsim_engine::{Span, Time};
use vpcsim_wire::{FlowKey, rewrite};

use crate::outbox::Outbox;

/// What a connection is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionConfig {
    /// The key of the packets that come in: the local end is its destination.
    pub(crate) key: FlowKey,
    pub(crate) mtu: u16,
    pub(crate) ttl: u8,
    pub(crate) buffer_len: usize,
    pub(crate) seed: u64,
}

/// One end of a TCP connection.
pub(crate) struct Connection {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    mtu: u16,
    ttl: u8,
}

impl Connection {
    /// Waits for the SYN of the key's source; `None` if the key has an end that cannot be one of a connection.
    pub(crate) fn listen(config: &ConnectionConfig, now: Time) -> Option<Self> {
        let mut connection = Self::new(config, now);
        let local = IpListenEndpoint {
            addr: Some(config.key.destination().into()),
            port: config.key.destination_port(),
        };
        connection.socket_mut().listen(local).ok()?;
        Some(connection)
    }

    /// Opens a connection to the key's source; `None` if the key has an end that cannot be one of a connection.
    pub(crate) fn connect(config: &ConnectionConfig, now: Time) -> Option<Self> {
        let mut connection = Self::new(config, now);
        let remote = endpoint(config.key.source(), config.key.source_port());
        let local = endpoint(config.key.destination(), config.key.destination_port());
        let socket = connection.sockets.get_mut::<tcp::Socket<'_>>(connection.handle);
        socket
            .connect(connection.interface.context(), remote, local)
            .ok()?;
        Some(connection)
    }

    fn new(config: &ConnectionConfig, now: Time) -> Self {
        /// Below this there is no room for headers.
        const MTU_MIN: u16 = 128;
        let mtu = config.mtu.max(MTU_MIN);
        let mut smoltcp_config = Config::new(HardwareAddress::Ip);
        smoltcp_config.random_seed = config.seed;
        let mut nothing = Outbox::default();
        let mut wire = Wire {
            inbound: None,
            outbox: &mut nothing,
            mtu,
            ttl: config.ttl,
        };
        let mut interface = Interface::new(smoltcp_config, &mut wire, instant(now));
        let local = config.key.destination();
        interface.update_ip_addrs(|addresses| {
            // The list has room for one, and it is the first.
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(local), 32));
        });
        let _ = interface.routes_mut().add_default_ipv4_route(local);
        let buffer = || tcp::SocketBuffer::new(vec![0; config.buffer_len]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Self {
            interface,
            sockets,
            handle,
            mtu,
            ttl: config.ttl,
        }
    }

    pub(crate) fn socket(&self) -> &tcp::Socket<'static> {
        self.sockets.get(self.handle)
    }

    pub(crate) fn socket_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    pub(crate) fn set_ttl(&mut self, ttl: u8) {
        self.ttl = ttl;
    }

    /// Whether nothing can ever happen on it again.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.socket().state(), tcp::State::Closed | tcp::State::Listen)
    }

    /// Takes a packet in without sending what the socket wants to send.
    pub(crate) fn receive(&mut self, now: Time, packet: &[u8], outbox: &mut Outbox) {
        let mut wire = Wire {
            inbound: Some(packet),
            outbox,
            mtu: self.mtu,
            ttl: self.ttl,
        };
        self.interface
            .poll_ingress_single(instant(now), &mut wire, &mut self.sockets);
    }

    /// Sends what is due.
    pub(crate) fn send_due(&mut self, now: Time, outbox: &mut Outbox) {
        let mut wire = Wire {
            inbound: None,
            outbox,
            mtu: self.mtu,
            ttl: self.ttl,
        };
        self.interface.poll(instant(now), &mut wire, &mut self.sockets);
    }

    /// When [`Connection::send_due`] has something to do again.
    pub(crate) fn next_deadline(&mut self, now: Time) -> Option<Time> {
        /// How long to wait when the socket asks for what was just done.
        const RETRY: Span = Span::from_ms(1);
        let due = self.interface.poll_at(instant(now), &self.sockets)?;
        let due = Time::from_ns(
            u64::try_from(due.total_micros())
                .unwrap_or(0)
                .saturating_mul(1_000),
        );
        Some(if due > now { due } else { now + RETRY })
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.socket().state())
            .finish_non_exhaustive()
    }
}

fn endpoint(address: Ipv4Addr, port: u16) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(address), port)
}

fn instant(time: Time) -> Instant {
    Instant::from_micros(i64::try_from(time.as_ns() / 1_000).unwrap_or(i64::MAX))
}

/// The device that smoltcp sees: at most one packet to read, and an outbox.
struct Wire<'a> {
    inbound: Option<&'a [u8]>,
    outbox: &'a mut Outbox,
    mtu: u16,
    ttl: u8,
}

impl Device for Wire<'_> {
    type RxToken<'b>
        = Inbound<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Outbound<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Inbound<'_>, Outbound<'_>)> {
        let packet = self.inbound.take()?;
        Some((
            Inbound { packet },
            Outbound {
                outbox: self.outbox,
                ttl: self.ttl,
            },
        ))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outbound<'_>> {
        Some(Outbound {
            outbox: self.outbox,
            ttl: self.ttl,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = usize::from(self.mtu);
        // What comes in was verified before it got here.
        capabilities.checksum.ipv4 = Checksum::Tx;
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}

struct Inbound<'a> {
    packet: &'a [u8],
}

impl RxToken for Inbound<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.packet)
    }
}

struct Outbound<'a> {
    outbox: &'a mut Outbox,
    ttl: u8,
}

impl TxToken for Outbound<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut packet = self.outbox.take_buffer();
        packet.resize(len, 0);
        let result = write(&mut packet);
        rewrite::set_ttl(&mut packet, self.ttl);
        self.outbox.push(packet);
        result
    }
}
