//! Rate limits for failed attempts.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::base::error::{Error, Result};

/// The rate limits. All counts are per network: an IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests per minute with a wrong link token.
    pub wrong_link_tokens_per_minute: NonZeroU32,
    /// Requests per minute with wrong client credentials.
    pub wrong_client_secrets_per_minute: NonZeroU32,
    /// Rejected proofs of known identities and rejected existing codes, per minute.
    pub wrong_proofs_per_minute: NonZeroU32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        const THIRTY: NonZeroU32 = NonZeroU32::new(30).expect("30 is not 0");
        Self {
            wrong_link_tokens_per_minute: THIRTY,
            wrong_client_secrets_per_minute: THIRTY,
            wrong_proofs_per_minute: THIRTY,
        }
    }
}

impl LimitSettings {
    /// For tests that don't test limits.
    #[cfg(test)]
    pub const fn unlimited() -> Self {
        Self {
            wrong_link_tokens_per_minute: NonZeroU32::MAX,
            wrong_client_secrets_per_minute: NonZeroU32::MAX,
            wrong_proofs_per_minute: NonZeroU32::MAX,
        }
    }
}

/// Counts failed attempts by network.
pub struct Limits {
    link_tokens: DefaultKeyedRateLimiter<IpAddr>,
    client_secrets: DefaultKeyedRateLimiter<IpAddr>,
    proofs: DefaultKeyedRateLimiter<IpAddr>,
}

impl Limits {
    pub fn new(settings: LimitSettings) -> Self {
        let keyed = |per_minute| RateLimiter::keyed(Quota::per_minute(per_minute));
        Self {
            link_tokens: keyed(settings.wrong_link_tokens_per_minute),
            client_secrets: keyed(settings.wrong_client_secrets_per_minute),
            proofs: keyed(settings.wrong_proofs_per_minute),
        }
    }

    /// Counts a wrong link token. The job itself doesn't count these, so strangers can't revoke it.
    pub fn wrong_link_token(&self, ip: IpAddr) -> Result<()> {
        count(&self.link_tokens, ip)
    }

    pub fn wrong_client_secret(&self, ip: IpAddr) -> Result<()> {
        count(&self.client_secrets, ip)
    }

    /// Counts a rejection that writes an audit event. Without a limit, a stranger with a known name
    /// could fill the disk.
    pub fn wrong_proof(&self, ip: IpAddr) -> Result<()> {
        count(&self.proofs, ip)
    }

    /// Removes networks without recent failures.
    pub fn shrink(&self) {
        self.link_tokens.retain_recent();
        self.client_secrets.retain_recent();
        self.proofs.retain_recent();
    }
}

fn count(limiter: &DefaultKeyedRateLimiter<IpAddr>, ip: IpAddr) -> Result<()> {
    limiter
        .check_key(&network(ip))
        .map_err(|_| Error::TooManyRequests { retry_after: 60 })
}

/// Providers assign at least a /64 to each customer.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_each_network_has_its_own_allowance() {
        let three = NonZeroU32::new(3).unwrap();
        let limits = Limits::new(LimitSettings {
            wrong_link_tokens_per_minute: three,
            ..LimitSettings::default()
        });
        let wrong = |ip: &str| limits.wrong_link_token(ip.parse().unwrap());
        for _ in 0..3 {
            wrong("2001:db8::1").unwrap();
        }
        assert!(matches!(
            wrong("2001:db8::2"),
            Err(Error::TooManyRequests { .. })
        ));
        wrong("2001:db8:0:1::1").unwrap();
        wrong("203.0.113.9").unwrap();
    }
}
