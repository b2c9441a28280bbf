//! A set of networks that is asked with every request.

use std::net::IpAddr;

use crate::access::Network;

/// Networks as sorted ranges that do not touch, so that a look is one search by halves however many
/// there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Networks {
    /// Tells whether an address lies in one of them. One of IPv4 that is written as one of IPv6 is
    /// what it stands for.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => range_of(&self.v4, address.to_bits()).is_some(),
            IpAddr::V6(address) => range_of(&self.v6, address.to_bits()).is_some(),
        }
    }

    /// Tells whether every address of a network lies in one of them or in several that touch.
    pub fn covers(&self, network: &Network) -> bool {
        match network.bounds() {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                range_of(&self.v4, first.to_bits()).is_some_and(|end| last.to_bits() <= end)
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                range_of(&self.v6, first.to_bits()).is_some_and(|end| last.to_bits() <= end)
            }
            // Invariant: both ends of a network are of one kind.
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Tells whether no address lies in them.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Tells whether every address of IPv4, or every one of IPv6, lies in them.
    pub fn is_everybody(&self) -> bool {
        *self.v4 == [(0, u32::MAX)] || *self.v6 == [(0, u128::MAX)]
    }
}

impl<'a> FromIterator<&'a Network> for Networks {
    fn from_iter<I: IntoIterator<Item = &'a Network>>(networks: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network.bounds() {
                (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((first.to_bits(), last.to_bits())),
                (IpAddr::V6(first), IpAddr::V6(last)) => v6.push((first.to_bits(), last.to_bits())),
                // Invariant: both ends of a network are of one kind.
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
            }
        }
        Self { v4: joined(v4, u32::checked_add), v6: joined(v6, u128::checked_add) }
    }
}

/// Sorts ranges and joins those that overlap or touch.
fn joined<T: Copy + Ord + From<u8>>(
    mut ranges: Vec<(T, T)>,
    add: impl Fn(T, T) -> Option<T>,
) -> Box<[(T, T)]> {
    ranges.sort_unstable();
    let mut joined: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if add(*end, T::from(1)).is_none_or(|next| first <= next) => {
                *end = last.max(*end);
            }
            _ => joined.push((first, last)),
        }
    }
    joined.into_boxed_slice()
}

/// Returns the end of the range that an address lies in.
fn range_of<T: Copy + Ord>(ranges: &[(T, T)], address: T) -> Option<T> {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    let (_, last) = ranges.get(after.checked_sub(1)?)?;
    (address <= *last).then_some(*last)
}
