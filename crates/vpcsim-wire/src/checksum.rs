//! The internet checksum: in full (RFC 1071) and incrementally (RFC 1624).

use std::net::Ipv4Addr;

use crate::Protocol;

/// The checksum of `bytes`; over bytes that include their own right checksum it is 0.
pub fn internet(bytes: &[u8]) -> u16 {
    !fold(sum(bytes))
}

/// The unfolded sum of what TCP and UDP check besides their own bytes.
pub fn pseudo_header(source: Ipv4Addr, destination: Ipv4Addr, protocol: Protocol, len: u16) -> u64 {
    u64::from(source.to_bits()) + u64::from(destination.to_bits()) + u64::from(protocol.0) + u64::from(len)
}

/// The checksum of a TCP segment or UDP datagram with its pseudo header.
///
/// A UDP sender writes 0xffff where this is 0, as 0 there means "not computed".
pub fn transport(source: Ipv4Addr, destination: Ipv4Addr, protocol: Protocol, segment: &[u8]) -> u16 {
    let pseudo = pseudo_header(source, destination, protocol, segment.len() as u16);
    !fold(pseudo + u64::from(fold(sum(segment))))
}

/// The sum over big-endian 16-bit words, an odd last byte padded with zero; [`fold`] it to use it.
///
/// A ones' complement sum does not depend on the order of bytes within words, so it is taken over whatever words
/// the machine adds fastest, and turned round once at the end.
pub fn sum(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<4>();
    let mut total: u64 = words
        .iter()
        .map(|word| u64::from(u32::from_ne_bytes(*word)))
        .sum();
    let mut last = [0; 4];
    last[..tail.len()].copy_from_slice(tail);
    total += u64::from(u32::from_ne_bytes(last));
    u64::from(u16::from_be(fold(total)))
}

/// Adds the carries back in until 16 bits are left.
pub const fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// The checksum after one aligned 16-bit word changed (RFC 1624, equation 3).
#[inline]
pub const fn update16(old_sum: u16, old_word: u16, new_word: u16) -> u16 {
    !fold_few(!old_sum as u32 + !old_word as u32 + new_word as u32)
}

/// The checksum after two neighbouring 16-bit words changed, as an address does.
#[inline]
pub const fn update32(old_sum: u16, old_words: u32, new_words: u32) -> u16 {
    !fold_few(!old_sum as u32 + halves(!old_words) + halves(new_words))
}

/// The sum of both 16-bit words.
const fn halves(words: u32) -> u32 {
    (words >> 16) + (words & 0xffff)
}

/// As [`fold`], for a sum of a few 16-bit words.
const fn fold_few(sum: u32) -> u16 {
    let sum = halves(sum);
    (sum + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, word by word.
    fn slow(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn example_of_rfc_1071_sums_to_ddf2() {
        assert_eq!(
            internet(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
    }

    #[test]
    fn example_of_rfc_1624_gives_zero_and_not_ffff() {
        assert_eq!(update16(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    #[test]
    fn nothing_sums_to_zero() {
        assert_eq!(internet(&[]), 0xffff);
        assert_eq!(internet(&[0xff]), 0x00ff);
    }

    proptest! {
        #[test]
        fn fast_sum_equals_the_definition(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(internet(&bytes), slow(&bytes));
        }

        #[test]
        fn updates_equal_a_full_recompute(mut bytes: [u8; 12], new: u32) {
            // A word that never changes keeps the data from being all zero, which real headers never are.
            bytes[0] = 0x45;
            let before = internet(&bytes);
            let old = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            bytes[4..8].copy_from_slice(&new.to_be_bytes());
            prop_assert_eq!(update32(before, old, new), internet(&bytes));
            let both = update16(before, (old >> 16) as u16, (new >> 16) as u16);
            prop_assert_eq!(update16(both, old as u16, new as u16), internet(&bytes));
        }

        #[test]
        fn few_words_fold_like_many(words: [u16; 5]) {
            let sum = words.iter().map(|word| u32::from(*word)).sum();
            prop_assert_eq!(fold_few(sum), fold(u64::from(sum)));
        }

        #[test]
        fn folding_keeps_the_value_modulo_ffff(sum: u64) {
            prop_assert_eq!(u64::from(fold(sum)) % 0xffff, sum % 0xffff);
        }
    }
}
