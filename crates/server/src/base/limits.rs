//! Rate limits for failed attempts.
//!
//! A failure counts for the client's networks and for the tenant and the identity that it concerns.
//! If any of these has used its allowance, the attempt is refused and none of them is charged. So
//! clients that are refused don't use up the allowance of their neighbours.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use keymoor_types::TenantId;

use crate::base::error::{Error, Result};
use crate::base::networks::Network;
use crate::base::refs::IdentityRef;

/// The rate limits of an IPv4 address or an IPv6 /64. Those of everything wider are multiples.
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

/// The allowances of a /48 and a /32, or of an IPv4 /24, in those of the narrowest network.
const WIDER: u32 = 4;
/// The allowances of an identity and of a tenant, in those of the narrowest network.
const IDENTITY: u32 = 4;
const TENANT: u32 = 16;

const PERIOD: Duration = Duration::from_mins(1);

/// The maximum number of counts of one limit, about 6 MB. Reaching it needs failures from tens of
/// thousands of networks in a minute. Then, failures of further networks are refused.
const MAX_COUNTS: usize = 1 << 16;

/// Counts failed attempts.
pub struct Limits {
    link_tokens: Limit,
    client_secrets: Limit,
    proofs: Limit,
}

impl Limits {
    pub fn new(settings: LimitSettings) -> Self {
        Self {
            link_tokens: Limit::new(settings.wrong_link_tokens_per_minute),
            client_secrets: Limit::new(settings.wrong_client_secrets_per_minute),
            proofs: Limit::new(settings.wrong_proofs_per_minute),
        }
    }

    /// Counts a wrong link token, of an existing job for its identity. The job itself doesn't count
    /// these, so strangers can't revoke it.
    pub fn wrong_link_token(&self, ip: IpAddr, identity: Option<IdentityRef>) -> Result<()> {
        let tenant = identity.map(|identity| identity.tenant_id);
        self.link_tokens.count(ip, tenant, identity)
    }

    /// Counts wrong credentials for an existing application.
    pub fn wrong_client_secret(&self, ip: IpAddr, tenant: TenantId) -> Result<()> {
        self.client_secrets.count(ip, Some(tenant), None)
    }

    /// Counts a rejection that writes an audit event. Without a limit, a stranger with a known name
    /// could fill the disk.
    pub fn wrong_proof(
        &self,
        ip: IpAddr,
        tenant: TenantId,
        identity: Option<IdentityRef>,
    ) -> Result<()> {
        self.proofs.count(ip, Some(tenant), identity)
    }

    /// Removes what had no recent failures.
    pub fn shrink(&self) {
        let now = Instant::now();
        for limit in [&self.link_tokens, &self.client_secrets, &self.proofs] {
            limit.counts().shrink(now);
        }
    }
}

/// What failures are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Counted {
    Network(Network),
    Tenant(TenantId),
    Identity(IdentityRef),
}

/// One limit, as a leaky bucket for each [`Counted`]: a failure fills it, and it empties within
/// [`PERIOD`].
struct Limit {
    per_minute: NonZeroU32,
    counts: Mutex<Counts>,
}

struct Counts {
    /// When each bucket will be empty.
    empty_at: HashMap<Counted, Instant>,
    shrunk_at: Instant,
}

impl Limit {
    fn new(per_minute: NonZeroU32) -> Self {
        Self {
            per_minute,
            counts: Mutex::new(Counts {
                empty_at: HashMap::new(),
                shrunk_at: Instant::now(),
            }),
        }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(
        &self,
        ip: IpAddr,
        tenant: Option<TenantId>,
        identity: Option<IdentityRef>,
    ) -> Result<()> {
        let multiples = std::iter::successors(Some(1), |multiple| Some(multiple * WIDER));
        let networks = Network::all(ip).map(Counted::Network).zip(multiples);
        let tenant = tenant.map(|tenant| (Counted::Tenant(tenant), TENANT));
        let identity = identity.map(|identity| (Counted::Identity(identity), IDENTITY));
        let counted: Vec<_> = networks.chain(tenant).chain(identity).collect();
        self.counts()
            .count(&counted, self.per_minute, Instant::now())
    }
}

impl Counts {
    fn count(
        &mut self,
        counted: &[(Counted, u32)],
        per_minute: NonZeroU32,
        now: Instant,
    ) -> Result<()> {
        if self.empty_at.len() + counted.len() > MAX_COUNTS {
            self.make_room(now);
        }
        let filled = |&(what, multiple): &(Counted, u32)| {
            let empty_at = self.empty_at.get(&what).map_or(now, |&at| at.max(now));
            let filled = empty_at + PERIOD / per_minute.get().saturating_mul(multiple);
            let has_room = self.empty_at.contains_key(&what) || self.empty_at.len() < MAX_COUNTS;
            (has_room && filled <= now + PERIOD).then_some((what, filled))
        };
        let filled: Option<Vec<_>> = counted.iter().map(filled).collect();
        let retry_after = 60;
        self.empty_at
            .extend(filled.ok_or(Error::TooManyRequests { retry_after })?);
        Ok(())
    }

    /// Looks through all counts once a second at most.
    fn make_room(&mut self, now: Instant) {
        if now >= self.shrunk_at + Duration::from_secs(1) {
            self.shrink(now);
        }
    }

    fn shrink(&mut self, now: Instant) {
        self.empty_at.retain(|_, at| *at > now);
        self.shrunk_at = now;
    }
}

#[cfg(test)]
mod tests {
    use keymoor_types::{IdentityId, RealmId};

    use super::*;

    fn limits(per_minute: u32) -> Limits {
        let per_minute = NonZeroU32::new(per_minute).unwrap();
        Limits::new(LimitSettings {
            wrong_link_tokens_per_minute: per_minute,
            wrong_client_secrets_per_minute: per_minute,
            wrong_proofs_per_minute: per_minute,
        })
    }

    fn tenant(number: i64) -> TenantId {
        TenantId::from_i64(number)
    }

    /// The number of wrong client secrets of a tenant that are counted, from one address after the
    /// other.
    fn counted(limits: &Limits, tenant: TenantId, ips: impl Iterator<Item = String>) -> usize {
        let count = |ip: String| limits.wrong_client_secret(ip.parse().unwrap(), tenant);
        ips.filter(|ip| count(ip.clone()).is_ok()).count()
    }

    #[test]
    fn a4_each_network_has_its_own_allowance() {
        let limits = limits(3);
        let wrong = |ip: &str| limits.wrong_link_token(ip.parse().unwrap(), None);
        for _ in 0..3 {
            wrong("2001:db8::1").unwrap();
        }
        assert!(matches!(
            wrong("2001:db8::2"),
            Err(Error::TooManyRequests { .. })
        ));
        wrong("2001:db8:0:1::1").unwrap();
        for _ in 0..3 {
            wrong("203.0.113.9").unwrap();
        }
        // An IPv4-mapped address is the IPv4 address.
        assert!(wrong("::ffff:203.0.113.9").is_err());
        wrong("203.0.113.10").unwrap();
    }

    #[test]
    fn d16_many_64s_of_one_48_are_limited_together_and_many_48s_of_one_32() {
        let limits = limits(3);
        let of_48 = |n: u32| format!("2001:db8:1:{n:x}::1");
        assert_eq!(counted(&limits, tenant(1), (0..500).map(of_48)), 12);
        let of_32 = |n: u32| format!("2001:db8:{n:x}::1");
        assert_eq!(counted(&limits, tenant(2), (0x100..0x300).map(of_32)), 36);
        let of_24 = |n: u32| format!("203.0.113.{n}");
        assert_eq!(counted(&limits, tenant(3), (0..250).map(of_24)), 12);
        assert_eq!(
            counted(&limits, tenant(4), (0..1).map(|_| "192.0.2.1".to_owned())),
            1
        );
    }

    #[test]
    fn d16_failures_count_for_the_tenant_and_for_the_identity() {
        let limits = limits(3);
        let anywhere = |n: u32| format!("10.{}.{}.1", n / 250, n % 250);
        assert_eq!(counted(&limits, tenant(1), (0..200).map(anywhere)), 48);
        assert_eq!(counted(&limits, tenant(2), (0..200).map(anywhere)), 48);
        let identity = |number| IdentityRef {
            tenant_id: tenant(3),
            realm_id: RealmId::from_i64(1),
            identity_id: IdentityId::from_i64(number),
        };
        let wrong = |n: u32, of| {
            let ip = anywhere(n).parse().unwrap();
            limits
                .wrong_proof(ip, tenant(3), Some(identity(of)))
                .is_ok()
        };
        assert_eq!((0..200).filter(|&n| wrong(n, 1)).count(), 12);
        assert!(wrong(0, 2));
    }

    #[test]
    fn d16_a_refused_network_uses_nothing_of_its_neighbours_allowance() {
        let limits = limits(3);
        let same = std::iter::repeat_n("203.0.113.9".to_owned(), 1_000);
        assert_eq!(counted(&limits, tenant(1), same), 3);
        let others = (10..250).map(|n| format!("203.0.113.{n}"));
        assert_eq!(counted(&limits, tenant(1), others), 9);
    }

    #[test]
    fn d16_the_number_of_counts_is_bounded() {
        let mut counts = Counts {
            empty_at: HashMap::new(),
            shrunk_at: Instant::now(),
        };
        let now = Instant::now();
        let thirty = NonZeroU32::new(30).unwrap();
        let mut count = |number: u32, now| {
            let ip = IpAddr::V4(std::net::Ipv4Addr::from_bits(number << 8));
            counts.count(&[(Counted::Network(Network::of(ip)), 1)], thirty, now)
        };
        let most = u32::try_from(MAX_COUNTS).unwrap();
        for number in 0..most {
            count(number, now).unwrap();
        }
        assert!(count(most, now).is_err());
        // What is counted already is not affected.
        count(0, now).unwrap();
        count(most, now + PERIOD).unwrap();
        assert!(counts.empty_at.len() < 3);
    }
}
