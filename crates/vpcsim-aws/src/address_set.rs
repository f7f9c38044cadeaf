//! Sets of IPv4 addresses: sorted ranges, looked up by bisection.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// An inclusive range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: u32,
    last: u32,
}

impl AddressRange {
    /// No address at all.
    pub const NOTHING: Self = Self { first: 1, last: 0 };

    /// From the lowest address to the highest.
    pub const fn new(first: Ipv4Addr, last: Ipv4Addr) -> Self {
        Self {
            first: first.to_bits(),
            last: last.to_bits(),
        }
    }

    /// The lowest address.
    pub const fn first(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.first)
    }

    /// The highest address.
    pub const fn last(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.last)
    }

    /// Whether no address lies in it.
    pub const fn is_empty(self) -> bool {
        self.first > self.last
    }

    /// The range as CIDR where it is one, else from the lowest to the highest address.
    pub fn words(self) -> String {
        if self.is_empty() {
            return "nowhere".to_owned();
        }
        let size = u64::from(self.last) - u64::from(self.first) + 1;
        if size.is_power_of_two() && u64::from(self.first).is_multiple_of(size) {
            return format!("{}/{}", self.first(), 32 - size.trailing_zeros());
        }
        format!("{}-{}", self.first(), self.last())
    }

    /// Whether `address` lies in it.
    #[inline]
    pub const fn contains(self, address: Ipv4Addr) -> bool {
        self.first <= address.to_bits() && address.to_bits() <= self.last
    }
}

impl From<Ipv4Net> for AddressRange {
    fn from(net: Ipv4Net) -> Self {
        Self::new(net.network(), net.broadcast())
    }
}

impl From<Ipv4Addr> for AddressRange {
    fn from(address: Ipv4Addr) -> Self {
        Self::new(address, address)
    }
}

/// Addresses as ascending ranges with gaps between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    ranges: Vec<AddressRange>,
}

impl AddressSet {
    /// The ranges, ascending; no two touch.
    pub fn ranges(&self) -> &[AddressRange] {
        &self.ranges
    }

    /// Whether no address is in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether `address` is in it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let behind = self
            .ranges
            .partition_point(|range| range.first <= address.to_bits());
        behind > 0 && self.ranges[behind - 1].contains(address)
    }

    /// From the lowest of its addresses to the highest.
    pub fn extent(&self) -> AddressRange {
        match (self.ranges.first(), self.ranges.last()) {
            (Some(lowest), Some(highest)) => AddressRange {
                first: lowest.first,
                last: highest.last,
            },
            _ => AddressRange::NOTHING,
        }
    }
}

impl FromIterator<AddressRange> for AddressSet {
    fn from_iter<I: IntoIterator<Item = AddressRange>>(ranges: I) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        sorted.sort_unstable();
        let mut merged: Vec<AddressRange> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match merged.last_mut() {
                Some(before) if range.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        Self { ranges: merged }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_that_touch_or_overlap_become_one() {
        let nets = [
            "10.0.1.0/24",
            "10.0.0.0/24",
            "10.0.1.128/25",
            "10.0.3.0/32",
            "10.0.3.1/32",
        ];
        let set: AddressSet = nets
            .iter()
            .map(|net| net.parse::<Ipv4Net>().unwrap().into())
            .collect();
        let range = |first: [u8; 4], last: [u8; 4]| AddressRange::new(first.into(), last.into());
        assert_eq!(
            set.ranges(),
            [
                range([10, 0, 0, 0], [10, 0, 1, 255]),
                range([10, 0, 3, 0], [10, 0, 3, 1])
            ]
        );
        assert_eq!(set.extent(), range([10, 0, 0, 0], [10, 0, 3, 1]));
    }

    #[test]
    fn range_is_written_as_cidr_where_it_is_one() {
        for text in ["10.0.1.9/32", "10.0.0.0/16", "0.0.0.0/0"] {
            assert_eq!(AddressRange::from(text.parse::<Ipv4Net>().unwrap()).words(), text);
        }
        let range = AddressRange::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        assert_eq!(range.words(), "10.0.0.1-10.0.0.2");
        assert_eq!(AddressRange::NOTHING.words(), "nowhere");
    }

    #[test]
    fn empty_set_holds_nothing_and_the_whole_one_everything() {
        let nothing = AddressSet::default();
        assert!(
            nothing.is_empty() && nothing.extent().is_empty() && !nothing.contains(Ipv4Addr::UNSPECIFIED)
        );
        let all: AddressSet = [AddressRange::from(Ipv4Net::default())].into_iter().collect();
        assert!(all.contains(Ipv4Addr::UNSPECIFIED) && all.contains(Ipv4Addr::BROADCAST));
    }

    proptest! {
        #[test]
        fn set_agrees_with_its_ranges(ranges in prop::collection::vec((0_u32..60, 0_u32..8), 0..12), probe in 0_u32..70) {
            let ranges: Vec<_> = ranges
                .iter()
                .map(|&(first, len)| AddressRange { first, last: first + len })
                .collect();
            let set: AddressSet = ranges.iter().copied().collect();
            let probe = Ipv4Addr::from_bits(probe);
            prop_assert_eq!(set.contains(probe), ranges.iter().any(|range| range.contains(probe)));
            prop_assert!(set.ranges().windows(2).all(|pair| pair[0].last + 1 < pair[1].first));
        }
    }
}
