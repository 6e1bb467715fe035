//! The memory that unanswered requests may use, in bytes.
//!
//! One budget is shared by all clients. A network may use as much as is still unused. So one
//! network gets half of the budget, and two get a third each. Whatever others use, something is
//! left for a network that uses little. A wider network may use twice or four times as much as is
//! unused, because it has more clients.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::{Error, Result};
use super::networks::Network;

/// After this many seconds, the requests that are unfinished now have ended.
const RETRY_AFTER: u32 = 10;

/// A budget. Clones share it.
#[derive(Clone)]
pub struct Budget {
    limit: usize,
    used: Arc<Mutex<Used>>,
}

#[derive(Default)]
struct Used {
    total: usize,
    networks: HashMap<Network, usize>,
}

impl Budget {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            used: Arc::default(),
        }
    }

    /// Returns a charge of nothing for a client at `ip`.
    pub fn charge(&self, ip: IpAddr) -> Charge {
        Charge {
            budget: self.clone(),
            ip,
            bytes: 0,
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn total(&self) -> usize {
        self.used().total
    }
}

/// What one request has used. Dropping it returns that to the budget.
pub struct Charge {
    budget: Budget,
    ip: IpAddr,
    bytes: usize,
}

impl Charge {
    /// Uses `bytes` more.
    ///
    /// # Errors
    /// `Unavailable` if the budget is used up; `TooManyRequests` if the client's networks have used
    /// their share. Nothing is charged then.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let mut used = self.budget.used();
        let left = self.budget.limit.saturating_sub(used.total);
        if bytes > left {
            let why = "too many unfinished requests; retry later";
            return Err(Error::Unavailable(why.to_owned()));
        }
        let of = |network: &Network| used.networks.get(network).copied().unwrap_or(0);
        let shares = std::iter::successors(Some(left), |share| Some(share.saturating_mul(2)));
        let mut networks = Network::all(self.ip).zip(shares);
        if networks.any(|(network, share)| of(&network) + bytes > share) {
            return Err(Error::TooManyRequests {
                retry_after: RETRY_AFTER,
            });
        }
        used.total += bytes;
        for network in Network::all(self.ip) {
            *used.networks.entry(network).or_default() += bytes;
        }
        drop(used);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut used = self.budget.used();
        used.total -= self.bytes;
        for network in Network::all(self.ip) {
            let rest = used.networks.get_mut(&network).map(|used| {
                *used -= self.bytes;
                *used
            });
            if rest == Some(0) {
                used.networks.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Charges one byte at a time until refused, and returns the charges.
    fn fill(budget: &Budget, ip: &str) -> (Vec<Charge>, Error) {
        let mut charges = Vec::new();
        loop {
            let mut charge = budget.charge(ip.parse().unwrap());
            match charge.grow(1) {
                Ok(()) => charges.push(charge),
                Err(error) => return (charges, error),
            }
        }
    }

    #[test]
    fn d13_a_network_may_use_what_others_leave() {
        let budget = Budget::new(1_200);
        let (first, refused) = fill(&budget, "203.0.113.9");
        assert_eq!(first.len(), 600);
        assert!(matches!(refused, Error::TooManyRequests { .. }));
        let (second, _) = fill(&budget, "198.51.100.1");
        assert_eq!(second.len(), 300);
        // The first has more than what is unused by now.
        assert!(fill(&budget, "203.0.113.9").0.is_empty());
        drop(first);
        assert_eq!(budget.total(), 300);
        drop(second);
        assert_eq!(budget.total(), 0);
        assert!(budget.used().networks.is_empty());
    }

    #[test]
    fn d13_a_site_with_many_networks_has_a_share_too() {
        let budget = Budget::new(1_200);
        let mut site = Vec::new();
        for number in 0..2_000 {
            site.extend(fill(&budget, &format!("2001:db8:1:{number:x}::1")).0);
        }
        assert!((799..=801).contains(&site.len()), "{}", site.len());
        let neighbour = fill(&budget, "2001:db8:2::1").0;
        assert!(
            (130..=200).contains(&neighbour.len()),
            "{}",
            neighbour.len()
        );
        assert!(!fill(&budget, "203.0.113.9").0.is_empty());
    }

    #[test]
    fn d13_beyond_the_whole_budget_nobody_gets_anything() {
        let budget = Budget::new(100);
        let mut charge = budget.charge("203.0.113.9".parse().unwrap());
        assert!(matches!(charge.grow(101), Err(Error::Unavailable(_))));
        charge.grow(50).unwrap();
        assert!(matches!(charge.grow(1), Err(Error::TooManyRequests { .. })));
        assert_eq!(budget.total(), 50);
    }

    #[test]
    fn d13_mapped_addresses_have_the_share_of_their_ipv4_address() {
        let budget = Budget::new(100);
        let _held = fill(&budget, "203.0.113.9").0;
        assert!(fill(&budget, "::ffff:203.0.113.9").0.is_empty());
    }
}
