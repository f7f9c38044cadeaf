//! Why a host dropped a packet: numbers 16 to 31 of the engine's drop reasons.

use vpcsim_engine::DropReason;

/// The destination is none of the addresses of the interface that the packet came in by.
pub const NOT_FOR_THIS_HOST: DropReason = DropReason(16);
/// The bytes are not an IPv4 packet that the host can read.
pub const MALFORMED: DropReason = DropReason(17);
/// The checksum of the IPv4 header or of what it carries is wrong.
pub const BAD_CHECKSUM: DropReason = DropReason(18);
/// The source is no address that a single host could have.
pub const MARTIAN_SOURCE: DropReason = DropReason(19);
/// The packet came in by an interface that the host does not have.
pub const NO_SUCH_INTERFACE: DropReason = DropReason(20);
/// Nobody answered the ARP requests for the next hop.
pub const NEXT_HOP_UNANSWERED: DropReason = DropReason(21);
/// The packet must not be fragmented and exceeds what the path is known to take.
pub const EXCEEDS_PATH_MTU: DropReason = DropReason(22);
/// Too many packets wait for the same next hop to answer an ARP request.
pub const NEXT_HOP_QUEUE_FULL: DropReason = DropReason(23);
/// The instance has its metadata service switched off.
pub const METADATA_DISABLED: DropReason = DropReason(24);
/// The packet is larger than the interface that it came in by takes.
pub const EXCEEDS_INTERFACE_MTU: DropReason = DropReason(25);
/// The host's firewall drops what the host does not listen to.
pub const FILTERED: DropReason = DropReason(27);

/// Every reason of this crate with its name and what it means in a sentence.
pub const ALL: [(DropReason, &str, &str); 11] = [
    (
        NOT_FOR_THIS_HOST,
        "not-for-this-host",
        "the host does not have the destination address",
    ),
    (MALFORMED, "host-malformed", "the host cannot read the packet"),
    (BAD_CHECKSUM, "bad-checksum", "a checksum is wrong"),
    (
        MARTIAN_SOURCE,
        "martian-source",
        "the source address is none that a host can have",
    ),
    (
        NO_SUCH_INTERFACE,
        "no-such-interface",
        "the host has no such interface",
    ),
    (
        NEXT_HOP_UNANSWERED,
        "next-hop-unanswered",
        "nobody answered the ARP request for the next hop",
    ),
    (
        EXCEEDS_PATH_MTU,
        "exceeds-path-mtu",
        "the packet must not be fragmented and is too large for the path",
    ),
    (
        NEXT_HOP_QUEUE_FULL,
        "next-hop-queue-full",
        "too many packets wait for the next hop",
    ),
    (
        METADATA_DISABLED,
        "metadata-disabled",
        "the instance metadata service is switched off",
    ),
    (
        EXCEEDS_INTERFACE_MTU,
        "exceeds-interface-mtu",
        "the packet is larger than the receiving interface takes",
    ),
    (
        FILTERED,
        "filtered",
        "the host's firewall drops what the host does not listen to",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_distinct_and_within_the_numbers_of_this_crate() {
        assert!(ALL.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (reason, name, _) in ALL {
            assert!((16..32).contains(&reason.0), "{name}");
        }
    }
}
