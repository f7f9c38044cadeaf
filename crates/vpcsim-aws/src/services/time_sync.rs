//! Amazon Time Sync: the NTP server at 169.254.169.123.
//!
//! # AWS semantics
//!
//! - It answers NTP at port 123 without route, security group or gateway (TIME-01).
//!
//! # Where AWS is silent
//!
//! - Simulated time starts at 2025-01-01T00:00:00Z, and the server's clock is exact.
//! - It is of stratum 3; versions 3 and 4 are answered, in the version that was asked.
//! - What is not a client's request of at least 48 bytes gets no answer.

use std::sync::Arc;

use vpcsim_engine::{Context, Handle, Node, Port, Step, Time};

use super::client::Clients;
use super::question::Question;

/// The port that the server answers at.
pub const NTP_PORT: u16 = 123;
/// When simulated time starts: 2025-01-01T00:00:00Z, in seconds since 1970.
pub const START_UNIX_S: u64 = 1_735_689_600;

const UNIX_EPOCH_NTP_S: u64 = 2_208_988_800;
const MESSAGE_LEN: usize = 48;
const CLIENT_MODE: u8 = 3;
const SERVER_MODE: u8 = 4;
const STRATUM: u8 = 3;
/// As a power of two of a second: about a microsecond.
const PRECISION: u8 = 0xec;
/// Delay and dispersion to the root, in units of 1/65536 s: about 0.5 ms.
const ROOT_DISTANCE: [u8; 4] = [0, 0, 0, 0x21];
const REFERENCE_ID: [u8; 4] = [169, 254, 169, 122];
/// How often the server's own clock is set, in seconds.
const REFERENCE_INTERVAL_S: u64 = 16;
const SECOND_NS: u64 = 1_000_000_000;

/// The running time service of all VPCs.
#[derive(Clone)]
pub struct TimeSyncDevice {
    clients: Arc<Clients>,
}

impl TimeSyncDevice {
    /// A server for these clients.
    pub fn new(clients: Arc<Clients>) -> Self {
        Self { clients }
    }
}

impl Node for TimeSyncDevice {
    fn process(&mut self, context: &mut Context<'_>, _: Port, packet: Handle) -> Step {
        let now = context.now();
        let question = Question::read(&self.clients, context.packet(packet));
        let answer = question.and_then(|question| {
            let message = answer_to(question.payload, now)?;
            (question.destination_port == NTP_PORT).then(|| (question.client, question.reply(&message)))
        });
        if let Some((client, bytes)) = answer {
            client.answer(context, &bytes);
        }
        Step::Deliver
    }
}

fn answer_to(request: &[u8], now: Time) -> Option<[u8; MESSAGE_LEN]> {
    let request = request.get(..MESSAGE_LEN)?;
    let (version, mode) = (request[0] >> 3 & 7, request[0] & 7);
    if !matches!(version, 3 | 4) || mode != CLIENT_MODE {
        return None;
    }
    let second = now.as_ns() / SECOND_NS;
    let reference = Time::from_ns((second - second % REFERENCE_INTERVAL_S) * SECOND_NS);
    let mut answer = [0; MESSAGE_LEN];
    answer[..4].copy_from_slice(&[version << 3 | SERVER_MODE, STRATUM, request[2], PRECISION]);
    answer[4..8].copy_from_slice(&ROOT_DISTANCE);
    answer[8..12].copy_from_slice(&ROOT_DISTANCE);
    answer[12..16].copy_from_slice(&REFERENCE_ID);
    answer[16..24].copy_from_slice(&timestamp(reference));
    answer[24..32].copy_from_slice(&request[40..48]);
    answer[32..40].copy_from_slice(&timestamp(now));
    answer[40..48].copy_from_slice(&timestamp(now));
    Some(answer)
}

/// An NTP timestamp: seconds since 1900 and a binary fraction, 32 bits each.
fn timestamp(time: Time) -> [u8; 8] {
    let seconds = UNIX_EPOCH_NTP_S + START_UNIX_S + time.as_ns() / SECOND_NS;
    let fraction = ((time.as_ns() % SECOND_NS) << 32) / SECOND_NS;
    (seconds << 32 | fraction).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::TIME_SYNC;
    use crate::services::fixture::{CLIENT, Desk};
    use vpcsim_wire::PacketBuilder;

    fn request(version: u8) -> [u8; MESSAGE_LEN] {
        let mut request = [0; MESSAGE_LEN];
        request[0] = version << 3 | CLIENT_MODE;
        request[2] = 6;
        request[40..].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        request
    }

    #[test]
    fn a_request_is_answered_from_the_address_that_was_asked() {
        let mut desk = Desk::new(|clients| Box::new(TimeSyncDevice::new(clients)));
        desk.wait_until(Time::from_ns(20 * SECOND_NS));
        let question = PacketBuilder::udp(CLIENT, 4000, TIME_SYNC, 123)
            .payload(&request(4))
            .build();
        let answer = desk.ask_udp(&question).expect("an answer");
        assert_eq!((answer.source, answer.source_port), (TIME_SYNC, 123));
        assert_eq!((answer.destination, answer.destination_port), (CLIENT, 4000));
        let received = u32::from_be_bytes(answer.payload[32..36].try_into().unwrap());
        assert_eq!(received, 3_944_678_400 + 20);
    }

    #[test]
    fn simulated_time_starts_with_2025() {
        let answer = answer_to(&request(4), Time::from_ns(SECOND_NS / 2)).unwrap();
        assert_eq!(answer[40..44], 3_944_678_400_u32.to_be_bytes());
        assert_eq!(answer[44..48], [0x80, 0, 0, 0]);
    }

    #[test]
    fn an_answer_is_of_stratum_3_and_repeats_version_poll_and_origin() {
        for version in [3, 4] {
            let answer = answer_to(&request(version), Time::ZERO).unwrap();
            assert_eq!(answer[..3], [version << 3 | 4, 3, 6]);
            assert_eq!(answer[24..32], [1, 2, 3, 4, 5, 6, 7, 8]);
        }
    }

    #[test]
    fn short_requests_other_versions_and_other_modes_get_no_answer() {
        assert_eq!(answer_to(&request(4)[..47], Time::ZERO), None);
        assert_eq!(answer_to(&request(2), Time::ZERO), None);
        let mut answer = request(4);
        answer[0] = 4 << 3 | SERVER_MODE;
        assert_eq!(answer_to(&answer, Time::ZERO), None);
    }

    #[test]
    fn no_time_overflows_a_timestamp() {
        assert!(answer_to(&request(4), Time::MAX).is_some());
    }
}
