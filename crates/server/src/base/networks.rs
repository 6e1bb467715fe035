//! The networks that an address belongs to, from narrow to wide.
//!
//! A client may have more than one address: providers assign at least a /64 of IPv6 to each
//! customer, and often a /48. What is limited for one address is therefore limited for the wider
//! networks too, by a multiple.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    length: u8,
}

/// The prefix lengths of what one client has, of a site, and of a provider.
const V4: [u8; 2] = [32, 24];
const V6: [u8; 3] = [64, 48, 32];

impl Network {
    /// Returns the narrowest network of `ip`: an IPv4 address or an IPv6 /64. An IPv4-mapped IPv6
    /// address is its IPv4 address.
    pub fn of(ip: IpAddr) -> Self {
        let mut networks = Self::all(ip);
        networks.next().expect("every address is in a network")
    }

    /// Returns every network of `ip` that limits count for, the narrowest first.
    ///
    /// A single IPv6 address needs no count of its own: it could only equal that of its /64.
    pub fn all(ip: IpAddr) -> impl Iterator<Item = Self> + Clone {
        let ip = ip.to_canonical();
        let lengths: &[u8] = if ip.is_ipv4() { &V4 } else { &V6 };
        lengths.iter().map(move |&length| Self::new(ip, length))
    }

    fn new(ip: IpAddr, length: u8) -> Self {
        let first = match ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX << (32 - u32::from(length));
                IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & mask))
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX << (128 - u32::from(length));
                IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & mask))
            }
        };
        Self { first, length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ip: &str) -> Vec<(String, u8)> {
        Network::all(ip.parse().unwrap())
            .map(|network| (network.first.to_string(), network.length))
            .collect()
    }

    #[test]
    fn d16_an_address_is_in_its_64_48_and_32_and_in_its_24() {
        let named = |names: &[(&str, u8)]| -> Vec<_> {
            names
                .iter()
                .map(|(ip, length)| ((*ip).to_owned(), *length))
                .collect()
        };
        assert_eq!(
            all("2001:db8:1:2:3:4:5:6"),
            named(&[
                ("2001:db8:1:2::", 64),
                ("2001:db8:1::", 48),
                ("2001:db8::", 32)
            ])
        );
        let v4 = named(&[("203.0.113.9", 32), ("203.0.113.0", 24)]);
        assert_eq!(all("203.0.113.9"), v4);
        assert_eq!(all("::ffff:203.0.113.9"), v4);
    }
}
