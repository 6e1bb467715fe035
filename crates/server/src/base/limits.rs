//! Limits on how often a stranger may be wrong.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::base::error::{Error, Result};

/// How often things may be tried. All counts are per network: an IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests a minute with a wrong link token.
    pub wrong_link_tokens_per_minute: NonZeroU32,
    /// Requests a minute with wrong client credentials.
    pub wrong_client_secrets_per_minute: NonZeroU32,
    /// Proofs of somebody known, or codes that exist, that are refused in a minute.
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
    /// For tests that are not about limits.
    #[cfg(test)]
    pub const fn unlimited() -> Self {
        Self {
            wrong_link_tokens_per_minute: NonZeroU32::MAX,
            wrong_client_secrets_per_minute: NonZeroU32::MAX,
            wrong_proofs_per_minute: NonZeroU32::MAX,
        }
    }
}

/// Counts what is wrong, by network.
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

    /// Counts a wrong link token. A job itself never counts these: strangers can't kill it.
    pub fn wrong_link_token(&self, ip: IpAddr) -> Result<()> {
        count(&self.link_tokens, ip)
    }

    pub fn wrong_client_secret(&self, ip: IpAddr) -> Result<()> {
        count(&self.client_secrets, ip)
    }

    /// Counts a refusal that leaves an audit event behind: without a limit, a stranger who knows
    /// a name could fill the disk.
    pub fn wrong_proof(&self, ip: IpAddr) -> Result<()> {
        count(&self.proofs, ip)
    }

    /// Forgets networks that have not been wrong lately.
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

/// One customer of a provider holds at least a /64.
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
