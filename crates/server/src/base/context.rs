//! Who asks, from where, and when: what every operation is given beside its arguments.

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::claims::Principal;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{Rng, Timestamp};

use crate::app::App;
use crate::base::scope;

/// What an operation is given beside its arguments.
#[derive(Clone)]
pub struct Context {
    pub app: App,
    /// The time at which the whole operation happens.
    pub now: Timestamp,
    pub actor: Actor,
    /// What the caller's token permits.
    pub scopes: ScopeSet,
    pub source: Source,
}

impl Context {
    /// The context of work that nobody asked for over HTTP.
    pub fn system(app: &App) -> Self {
        Self::with_actor(app, Actor::System, Source::local(&*app.rng))
    }

    /// Whether the actor can do whatever an administrator can.
    pub fn may_do_anything(&self) -> bool {
        let has_every_scope = || scope::ALL.iter().all(|scope| self.scopes.contains(scope));
        self.actor == Actor::System || has_every_scope()
    }

    /// The context of a request without bearer token.
    pub fn anonymous(app: &App, source: Source) -> Self {
        Self::with_actor(app, Actor::Anonymous, source)
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

/// Whose doing something is, as the audit log says it.
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

/// Where a request came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Ties the requests of one flow together.
    pub correlation_id: String,
    pub ip: IpAddr,
    /// At most 512 bytes; empty if the request had none.
    pub user_agent: String,
}

impl Source {
    /// The server itself.
    fn local(rng: &dyn Rng) -> Self {
        Self {
            correlation_id: new_correlation_id(rng),
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: String::new(),
        }
    }
}

/// A correlation id for a flow that came without one: 96 random bits.
pub fn new_correlation_id(rng: &dyn Rng) -> String {
    URL_SAFE_NO_PAD.encode(rng.bytes::<12>())
}
