//! `Fn::Cidr`: the first ranges of a size in a range.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Why there are no such ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The text is no address range.
    NoRange,
    /// Only so many fit.
    TooLarge { fit: u128 },
}

/// The first `count` ranges with `host_bits` in the block.
pub(super) fn ranges(block: &str, count: u32, host_bits: u32) -> Result<Vec<String>, Problem> {
    let block: IpNet = block.trim().parse().map_err(|_| Problem::NoRange)?;
    let width = u32::from(block.max_prefix_len());
    let bits_of_block = width - u32::from(block.prefix_len());
    let fit = match bits_of_block.checked_sub(host_bits) {
        Some(spare) => 1_u128.checked_shl(spare).unwrap_or(u128::MAX),
        None => 0,
    };
    if u128::from(count) > fit {
        return Err(Problem::TooLarge { fit });
    }
    let prefix = width - host_bits;
    let range = |index: u32| {
        let offset = u128::from(index).checked_shl(host_bits).unwrap_or(0);
        match block {
            IpNet::V4(block) => {
                let address = block.network().to_bits().wrapping_add(offset as u32);
                format!("{}/{prefix}", Ipv4Addr::from_bits(address))
            }
            IpNet::V6(block) => {
                let address = block.network().to_bits().wrapping_add(offset);
                format!("{}/{prefix}", Ipv6Addr::from_bits(address))
            }
        }
    };
    Ok((0..count).map(range).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_give_the_size() {
        assert_eq!(
            ranges("10.0.0.0/16", 3, 8),
            Ok(["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]
                .map(str::to_owned)
                .to_vec())
        );
        assert_eq!(
            ranges("192.168.0.0/24", 6, 5).map(|all| all[5].clone()),
            Ok("192.168.0.160/27".to_owned())
        );
        assert_eq!(
            ranges("2600:1f14::/56", 2, 64).map(|all| all[1].clone()),
            Ok("2600:1f14:0:1::/64".to_owned())
        );
        assert_eq!(ranges("0.0.0.0/0", 1, 32), Ok(vec!["0.0.0.0/0".to_owned()]));
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_does() {
        assert_eq!(ranges("10.0.0.0/24", 3, 7), Err(Problem::TooLarge { fit: 2 }));
        assert_eq!(ranges("10.0.0.0/24", 1, 9), Err(Problem::TooLarge { fit: 0 }));
        assert_eq!(ranges("10.0.0.0/24", 1, 128), Err(Problem::TooLarge { fit: 0 }));
        assert_eq!(ranges("Vpc", 1, 8), Err(Problem::NoRange));
    }
}
