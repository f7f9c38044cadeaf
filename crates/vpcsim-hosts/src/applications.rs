//! What waits behind an open TCP connection: echo, discard, HTTP; and the client's side of an exchange.

use std::net::Ipv4Addr;

use smoltcp::socket::tcp::Socket;
use vpcsim_engine::Time;
use vpcsim_wire::proxy_protocol;

use crate::metadata::MetadataSite;
use crate::probe::{Exchange, Outcome};

/// Ports on which a host answers HTTP; elsewhere it echoes.
pub(crate) const HTTP_PORTS: [u16; 3] = [80, 443, 8_080];
/// The port on which a host throws away what it gets (RFC 863).
pub(crate) const DISCARD_PORT: u16 = 9;

/// A request that is longer is answered as malformed, in bytes.
const REQUEST_LEN_MAX: usize = 16 << 10;
const CHUNK_LEN: usize = 16 << 10;
/// What a transfer sends, over and over.
static PATTERN: [u8; CHUNK_LEN] = [0x5a; CHUNK_LEN];

/// What answers HTTP requests at an endpoint.
#[derive(Debug, Default)]
pub(crate) enum Site {
    /// A page that names the address asked.
    #[default]
    Page,
    /// The instance metadata service.
    Metadata(Box<MetadataSite>),
}

impl Site {
    fn respond(&mut self, local: Ipv4Addr, request: &HttpRequest<'_>, now: Time) -> HttpResponse {
        match self {
            Self::Page if request.method == "GET" => HttpResponse::ok(format!("Hello from {local}\n")),
            Self::Page => HttpResponse::error(405, "Method Not Allowed"),
            Self::Metadata(site) => site.respond(request, now),
        }
    }
}

/// The start of an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> HttpRequest<'a> {
    /// Reads everything before the empty line; `None` if that is no HTTP/1 request.
    pub(crate) fn parse(head: &'a [u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, path, version) = (words.next()?, words.next()?, words.next()?);
        if !version.starts_with("HTTP/1.") || words.next().is_some() {
            return None;
        }
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim(), value.trim())).collect();
        Some(Self {
            method,
            path,
            headers,
        })
    }

    /// The value of a header; names are compared without regard to case.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|&(_, value)| value)
    }
}

/// An HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    pub(crate) headers: String,
    pub(crate) body: String,
    /// Time to live of the packets that carry it, if not the host's.
    pub(crate) ttl: Option<u8>,
}

impl HttpResponse {
    pub(crate) const fn ok(body: String) -> Self {
        Self {
            status: 200,
            reason: "OK",
            headers: String::new(),
            body,
            ttl: None,
        }
    }

    pub(crate) fn error(status: u16, reason: &'static str) -> Self {
        Self {
            status,
            reason,
            headers: String::new(),
            body: format!("{status} {reason}\n"),
            ttl: None,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let Self {
            status,
            reason,
            headers,
            body,
            ..
        } = self;
        let len = body.len();
        let head = "Content-Type: text/plain\r\nConnection: close\r\n";
        format!("HTTP/1.1 {status} {reason}\r\n{head}Content-Length: {len}\r\n{headers}\r\n{body}")
            .into_bytes()
    }
}

/// The server's side of a connection.
#[derive(Debug)]
pub(crate) enum Application {
    /// Sends back what it gets, unless that begins like an HTTP request.
    Echo,
    /// Throws away what it gets.
    Discard,
    /// Answers one request.
    Http(HttpConversation),
}

impl Application {
    /// The one that waits on a port.
    pub(crate) fn on_port(port: u16) -> Self {
        match port {
            DISCARD_PORT => Self::Discard,
            port if HTTP_PORTS.contains(&port) => Self::Http(HttpConversation::default()),
            _ => Self::Echo,
        }
    }

    /// Reads and writes what can be; gives back a time to live that its answer needs.
    pub(crate) fn serve(
        &mut self,
        socket: &mut Socket<'_>,
        site: &mut Site,
        local: Ipv4Addr,
        now: Time,
    ) -> Option<u8> {
        if matches!(self, Self::Echo) && asks_for_a_page(socket) {
            *self = Self::Http(HttpConversation::default());
        }
        match self {
            Self::Echo => echo(socket),
            Self::Discard => while discard(socket) > 0 {},
            Self::Http(conversation) => return conversation.advance(socket, site, local, now),
        }
        if !socket.may_recv() && !socket.can_recv() {
            socket.close();
        }
        None
    }
}

/// Whether what has come begins like an HTTP request, behind a header of the proxy protocol or not.
fn asks_for_a_page(socket: &mut Socket<'_>) -> bool {
    let Ok(start) = socket.peek(64) else { return false };
    proxy_protocol::strip(start)
        .unwrap_or(start)
        .starts_with(b"GET /")
}

fn echo(socket: &mut Socket<'_>) {
    let mut buffer = [0; 2_048];
    while socket.can_recv() && socket.can_send() {
        let room = (socket.send_capacity() - socket.send_queue()).min(buffer.len());
        let Ok(len) = socket.recv_slice(&mut buffer[..room]) else {
            return;
        };
        if socket.send_slice(&buffer[..len]).is_err() {
            return;
        }
    }
}

fn discard(socket: &mut Socket<'_>) -> usize {
    socket.recv(|data| (data.len(), data.len())).unwrap_or(0)
}

/// One request and its answer.
#[derive(Debug, Default)]
pub(crate) struct HttpConversation {
    request: Vec<u8>,
    response: Vec<u8>,
    sent_len: usize,
}

impl HttpConversation {
    fn advance(
        &mut self,
        socket: &mut Socket<'_>,
        site: &mut Site,
        local: Ipv4Addr,
        now: Time,
    ) -> Option<u8> {
        let mut ttl = None;
        self.read(socket);
        if self.response.is_empty() {
            if let Some(response) = self.answer(site, local, now) {
                ttl = response.ttl;
                self.response = response.bytes();
            } else if !socket.may_recv() {
                socket.close();
            }
        }
        if !self.response.is_empty() {
            self.sent_len += socket.send_slice(&self.response[self.sent_len..]).unwrap_or(0);
            if self.sent_len == self.response.len() {
                socket.close();
            }
        }
        ttl
    }

    fn read(&mut self, socket: &mut Socket<'_>) {
        while socket.can_recv() {
            let request = &mut self.request;
            let read = socket.recv(|data| {
                let room = (REQUEST_LEN_MAX + 4).saturating_sub(request.len());
                request.extend_from_slice(&data[..data.len().min(room)]);
                (data.len(), ())
            });
            if read.is_err() {
                return;
            }
        }
    }

    fn answer(&self, site: &mut Site, local: Ipv4Addr, now: Time) -> Option<HttpResponse> {
        let request = proxy_protocol::strip(&self.request).unwrap_or(&self.request);
        let Some(head_len) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
            let is_too_long = request.len() > REQUEST_LEN_MAX;
            return is_too_long.then(|| HttpResponse::error(431, "Request Header Fields Too Large"));
        };
        Some(match HttpRequest::parse(&request[..head_len]) {
            Some(request) => site.respond(local, &request, now),
            None => HttpResponse::error(400, "Bad Request"),
        })
    }
}

/// The client's side of a connection.
#[derive(Debug)]
pub(crate) struct Client {
    data: Vec<u8>,
    pattern_len: u64,
    sent_len: u64,
    goal: Goal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Close,
    Keep,
    ReadAll,
    SendAndReadAll,
}

impl Client {
    pub(crate) fn new(exchange: &Exchange, destination: Ipv4Addr) -> Self {
        let (data, pattern_len, goal) = match exchange {
            Exchange::Close => (Vec::new(), 0, Goal::Close),
            Exchange::Keep => (Vec::new(), 0, Goal::Keep),
            Exchange::HttpGet(path) => {
                let head = format!("GET {path} HTTP/1.1\r\nHost: {destination}\r\nConnection: close\r\n\r\n");
                (head.into_bytes(), 0, Goal::ReadAll)
            }
            Exchange::Send(data) => (data.clone(), 0, Goal::ReadAll),
            Exchange::Transfer(len) => (Vec::new(), *len, Goal::SendAndReadAll),
        };
        Self {
            data,
            pattern_len,
            sent_len: 0,
            goal,
        }
    }

    /// Whether it wants to exchange data and not only to connect.
    pub(crate) fn has_data(&self) -> bool {
        matches!(self.goal, Goal::ReadAll | Goal::SendAndReadAll)
    }

    /// Reads and writes what can be; says whether the client has reached its goal.
    pub(crate) fn advance(&mut self, socket: &mut Socket<'_>, outcome: &mut Outcome) -> bool {
        self.write(socket);
        while socket.can_recv() {
            let read = socket.recv(|data| {
                outcome.take_data(data);
                (data.len(), ())
            });
            if read.is_err() {
                break;
            }
        }
        let is_sent = self.sent_len == self.data.len() as u64 + self.pattern_len;
        let is_read = !socket.may_recv() && !socket.can_recv();
        if is_read || self.goal == Goal::Close || is_sent && self.goal == Goal::SendAndReadAll {
            socket.close();
        }
        match self.goal {
            Goal::Close | Goal::Keep => true,
            Goal::ReadAll | Goal::SendAndReadAll => is_read,
        }
    }

    fn write(&mut self, socket: &mut Socket<'_>) {
        while socket.can_send() {
            let data_len = self.data.len() as u64;
            let chunk = if self.sent_len < data_len {
                &self.data[self.sent_len as usize..]
            } else {
                let rest = (data_len + self.pattern_len - self.sent_len).min(CHUNK_LEN as u64);
                &PATTERN[..rest as usize]
            };
            match socket.send_slice(chunk) {
                Ok(len) if len > 0 => self.sent_len += len as u64,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_its_headers_in_any_case() {
        let request = HttpRequest::parse(b"GET /a HTTP/1.1\r\nHOST: x\r\nX-Forwarded-For:1.2.3.4").unwrap();
        assert_eq!((request.method, request.path), ("GET", "/a"));
        assert_eq!(request.header("host"), Some("x"));
        assert_eq!(request.header("x-forwarded-for"), Some("1.2.3.4"));
        assert_eq!(request.header("accept"), None);
    }

    #[test]
    fn anything_else_is_no_request() {
        for head in [
            &b""[..],
            b"GET /",
            b"GET / FTP/1",
            b"GET / x HTTP/1.1",
            b"\xff\xfe / HTTP/1.1",
        ] {
            assert_eq!(HttpRequest::parse(head), None);
        }
    }

    #[test]
    fn a_response_states_its_length_and_that_it_is_the_last() {
        let text = String::from_utf8(HttpResponse::ok("hi".into()).bytes()).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nhi"),
            "{text}"
        );
        assert!(text.contains("Content-Length: 2\r\n") && text.contains("Connection: close\r\n"));
    }
}
