//! The log line of a refused request: why, and from whom.

use axum::extract::Request;
use axum::http::header::ORIGIN;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::Response;
use keymoor_types::{ApplicationId, IdentityId};
use tracing::Level;
use tracing::field;

use crate::app::App;
use crate::base::context::Source;
use crate::base::reason::Reason;
use crate::base::refs::{ApplicationRef, RealmRef};
use crate::base::refusal::Refusal;
use crate::http::verb;

/// The longest logged origin, in bytes. The longest host name has 253.
const MAX_ORIGIN_BYTES: usize = 512;

/// The facts of a request that its refusal states. Taking them copies no text.
pub struct Sender {
    source: Source,
    uri: Uri,
    origin: Option<HeaderValue>,
    /// Whether the application in the path is the client, and not a managed resource.
    is_client_in_path: bool,
}

impl Sender {
    pub fn of(source: &Source, request: &Request, is_client_in_path: bool) -> Self {
        Self {
            source: source.clone(),
            uri: verb::requested(request).clone(),
            origin: request.headers().get(ORIGIN).cloned(),
            is_client_in_path,
        }
    }

    /// Logs `response` if it is a refusal, and returns whether it is one.
    pub fn logged(&self, app: &App, response: &Response, micros: u64) -> bool {
        let status = response.status();
        match response.extensions().get() {
            Some(refusal) => self.log(app, status, micros, refusal),
            None if status.is_client_error() => {
                self.log(app, status, micros, &Reason::Malformed.into());
            }
            None if status.is_server_error() => {
                self.log(app, status, micros, &Reason::Unavailable.into());
            }
            None => return false,
        }
        true
    }

    fn log(&self, app: &App, status: StatusCode, micros: u64, refusal: &Refusal) {
        let Refusal { reason, detail } = refusal;
        let path = InPath::of(self.uri.path());
        let address = self.source.ip;
        let identity = self.source.identity().or(path.identity);
        let client_id = self.source.client_id().map(str::to_owned).or_else(|| {
            let at = path.application.filter(|_| self.is_client_in_path)?;
            app.client_id(at)
        });
        let origin = self.origin.as_ref().map(text);
        // Texts of strangers are never logged by their `Display`: it escapes nothing.
        macro_rules! line {
            ($level:ident) => {
                tracing::event!(
                    Level::$level,
                    status = status.as_u16(),
                    micros,
                    %reason,
                    %address,
                    realm = path.realm.map(|realm| field::display(realm.realm_id)),
                    identity = identity.map(field::display),
                    client_id,
                    origin,
                    detail,
                    "refused"
                )
            };
        }
        match reason.level() {
            Level::ERROR => line!(ERROR),
            Level::WARN => line!(WARN),
            _ => line!(INFO),
        }
    }
}

fn text(origin: &HeaderValue) -> String {
    let bytes = origin.as_bytes();
    let end = bytes.len().min(MAX_ORIGIN_BYTES);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The resources that a path names. Text that isn't an id is left out.
#[derive(Default)]
struct InPath {
    realm: Option<RealmRef>,
    application: Option<ApplicationRef>,
    identity: Option<IdentityId>,
}

impl InPath {
    fn of(path: &str) -> Self {
        Self::read(path).unwrap_or_default()
    }

    fn read(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/v1/tenants/")?;
        let mut segments = rest.split(['/', ':']);
        let tenant_id = segments.next()?.parse().ok()?;
        if segments.next()? != "realms" {
            return None;
        }
        let realm = RealmRef {
            tenant_id,
            realm_id: segments.next()?.parse().ok()?,
        };
        let kind = segments.next();
        let id = segments.next().unwrap_or_default();
        let application = || id.parse::<ApplicationId>().ok();
        Some(Self {
            realm: Some(realm),
            application: (kind == Some("applications"))
                .then(application)
                .flatten()
                .map(|id| realm.application_id(id)),
            identity: (kind == Some("identities"))
                .then(|| id.parse().ok())
                .flatten(),
        })
    }
}

#[cfg(test)]
mod tests;
