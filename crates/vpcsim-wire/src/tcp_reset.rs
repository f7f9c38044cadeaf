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
