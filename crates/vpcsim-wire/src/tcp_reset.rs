//! Resets in answer to TCP segments that belong to no connection (RFC 9293, section 3.10.7.1).

use crate::{PacketBuilder, Summary, tcp};

/// The reset that whoever `offending` was sent to answers it with, or `None` if it deserves none.
///
/// Resets are never answered, nor is anything but whole TCP segments.
pub fn reset_for(offending: &[u8], summary: &Summary) -> Option<Vec<u8>> {
    if !summary.is_tcp() || summary.is_fragment() || summary.is_rst() {
        return None;
    }
    let l4 = offending.get(usize::from(summary.header_len)..usize::from(summary.total_len))?;
    let segment = tcp::Segment::parse(l4).ok()?;
    let reply = summary.key.reversed();
    let builder = PacketBuilder::tcp(
        reply.source(),
        reply.source_port(),
        reply.destination(),
        reply.destination_port(),
    )
    .window(0)
    .dont_fragment(true);
    let builder = if segment.flags() & tcp::ACK != 0 {
        builder.flags(tcp::RST).seq(segment.ack())
    } else {
        let next = segment.seq().wrapping_add(segment.sequence_len());
        builder.flags(tcp::RST | tcp::ACK).ack(next)
    };
    Some(builder.build())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{self, HOST, SERVER, has_right_checksums};
    use crate::{fragment, summarize};

    fn reset(offending: &[u8]) -> Option<Vec<u8>> {
        reset_for(offending, &summarize(offending).unwrap())
    }

    fn segment() -> PacketBuilder {
        PacketBuilder::tcp(HOST, 40_000, SERVER, 443)
    }

    fn answer() -> PacketBuilder {
        PacketBuilder::tcp(SERVER, 443, HOST, 40_000)
            .window(0)
            .dont_fragment(true)
    }

    #[test]
    fn reset_of_an_acknowledging_segment_takes_its_acknowledgement() {
        let offending = segment()
            .flags(tcp::ACK | tcp::PSH)
            .seq(100)
            .ack(900)
            .payload(b"data")
            .build();
        assert_eq!(reset(&offending), Some(answer().flags(tcp::RST).seq(900).build()));
    }

    #[test]
    fn reset_of_a_syn_acknowledges_the_syn() {
        let offending = segment().flags(tcp::SYN).seq(u32::MAX).mss(1460).build();
        assert_eq!(
            reset(&offending),
            Some(answer().flags(tcp::RST | tcp::ACK).ack(0).build())
        );
    }

    #[test]
    fn reset_of_data_without_acknowledgement_counts_data_and_fin() {
        let offending = segment().flags(tcp::FIN).seq(10).payload(b"data").build();
        assert_eq!(
            reset(&offending),
            Some(answer().flags(tcp::RST | tcp::ACK).ack(15).build())
        );
    }

    #[test]
    fn resets_fragments_and_other_protocols_are_not_answered() {
        assert_eq!(reset(&segment().flags(tcp::RST | tcp::ACK).build()), None);
        assert_eq!(reset(&PacketBuilder::udp(HOST, 1, SERVER, 2).build()), None);
        let parts = fragment(&segment().payload(&[0; 60]).build(), 60).unwrap();
        assert!(parts.iter().all(|part| reset(part).is_none()));
    }

    proptest! {
        #[test]
        fn resets_answer_the_flow_and_are_never_answered(bytes in samples::mangled(), other in samples::packet()) {
            let _ = reset_for(&bytes, &summarize(&other).unwrap());
            let Ok(summary) = summarize(&bytes) else { return Ok(()) };
            if let Some(answer) = reset_for(&bytes, &summary) {
                prop_assert!(has_right_checksums(&answer));
                let answered = summarize(&answer).unwrap();
                prop_assert_eq!(answered.key, summary.key.reversed());
                prop_assert_eq!(reset_for(&answer, &answered), None);
            }
        }
    }
}
