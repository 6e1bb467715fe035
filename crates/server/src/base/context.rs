//! The context of an operation: actor, source and time.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::claims::Principal;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{IdentityId, Rng, TenantId, Timestamp};

use crate::app::App;
use crate::base::error::Result;
use crate::base::paging::PageRequest;
use crate::base::scope;
use crate::db::Rx;

/// The context that every operation receives.
#[derive(Clone)]
pub struct Context {
    pub app: App,
    /// The time of the whole operation.
    pub now: Timestamp,
    pub actor: Actor,
    /// The scopes of the caller's token.
    pub scopes: ScopeSet,
    pub source: Source,
}

impl Context {
    /// Returns the context of background work.
    pub fn system(app: &App) -> Self {
        Self::with_actor(app, Actor::System, Source::local(&*app.rng))
    }

    /// Whether the actor has all permissions of an administrator.
    pub fn may_do_anything(&self) -> bool {
        let has_every_scope = || scope::ALL.iter().all(|scope| self.scopes.contains(scope));
        self.actor == Actor::System || has_every_scope()
    }

    /// Returns the context of a request without bearer token.
    pub fn anonymous(app: &App, source: Source) -> Self {
        Self::with_actor(app, Actor::Anonymous, source)
    }

    /// Reads a page of a list whose total is stored. Only a page that skips rows or filters them
    /// is a scan.
    pub async fn page<T, F>(&self, tenant: TenantId, page: &PageRequest, work: F) -> Result<T>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        if page.skip == 0 && page.filter.is_none() {
            return self.app.db.read(work).await;
        }
        self.scan(tenant, work).await
    }

    /// Reads what may scan many rows of a tenant, away from the threads that serve requests. Each
    /// tenant scans one thing at a time.
    pub async fn scan<T, F>(&self, tenant: TenantId, work: F) -> Result<T>
    where
        F: AsyncFnOnce(&mut Rx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let turn = self.app.scans.take(tenant).await;
        let scan = async move |rx: &mut Rx| {
            // The scan may outlast its caller, so it holds the turn itself.
            let _turn = turn;
            work(rx).await
        };
        self.app.db.scan(scan).await
    }

    fn with_actor(app: &App, actor: Actor, source: Source) -> Self {
        Self {
            now: app.now(),
            app: app.clone(),
            actor,
            scopes: ScopeSet::default(),
            source,
        }
    }
}

/// The actor of an operation, as recorded in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Principal(Principal),
    Anonymous,
    System,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Principal(principal) => principal.fmt(f),
            Self::Anonymous => f.write_str("anonymous"),
            Self::System => f.write_str("system"),
        }
    }
}

/// Where a request came from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source(Arc<Origin>);

/// The parts of a [`Source`].
#[derive(Debug)]
pub struct Origin {
    /// Correlates the requests of one flow.
    pub correlation_id: String,
    pub ip: IpAddr,
    /// At most 512 bytes. Empty if the request had none.
    pub user_agent: String,
    /// The client and the identity, once they are known, for the log.
    client_id: OnceLock<String>,
    identity: OnceLock<IdentityId>,
}

impl Deref for Source {
    type Target = Origin;

    fn deref(&self) -> &Origin {
        &self.0
    }
}

impl Source {
    pub fn new(correlation_id: String, ip: IpAddr, user_agent: String) -> Self {
        Self(Arc::new(Origin {
            correlation_id,
            ip,
            user_agent,
            client_id: OnceLock::new(),
            identity: OnceLock::new(),
        }))
    }

    /// Notes the authenticated client for the log.
    pub fn note_client(&self, client_id: String) {
        let _noted_before = self.client_id.set(client_id);
    }

    /// Notes the identity that the request is about for the log.
    pub fn note_identity(&self, id: IdentityId) {
        let _noted_before = self.identity.set(id);
    }

    pub fn client_id(&self) -> Option<&str> {
        self.client_id.get().map(String::as_str)
    }

    pub fn identity(&self) -> Option<IdentityId> {
        self.identity.get().copied()
    }

    /// The server itself.
    fn local(rng: &dyn Rng) -> Self {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self::new(new_correlation_id(rng), here, String::new())
    }
}

/// Generates a correlation id for a flow without one: 96 random bits.
pub fn new_correlation_id(rng: &dyn Rng) -> String {
    URL_SAFE_NO_PAD.encode(rng.bytes::<12>())
}
