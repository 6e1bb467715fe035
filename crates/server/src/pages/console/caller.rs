//! Turns the console's cookie into a caller of the management API.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use keymoor_oauth::scope::ScopeSet;

use crate::app::App;
use crate::base::context::{Actor, Context, Source};
use crate::base::error::{Error, Result};
use crate::base::reason::Reason;
use crate::base::scope;
use crate::base::secret::Secret;
use crate::config::Config;
use crate::http::auth::{Check, InSession};
use crate::slices::sessions::model::{Ended, Session, SessionKey};
use crate::slices::sessions::ops;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Browsers send it to another origin only after a preflight, which these routes don't answer.
static CSRF: HeaderName = HeaderName::from_static("x-keymoor-console");
/// What the page does by itself, such as following a job, shows nobody's presence.
static BACKGROUND: HeaderName = HeaderName::from_static("x-keymoor-background");
/// Tells the page why it has to sign in again.
static ENDED: HeaderName = HeaderName::from_static("x-keymoor-session");

/// The cookie's name. With https it has the prefix that keeps siblings and plain http from setting it.
pub fn cookie_name(config: &Config) -> &'static str {
    if config.console_url.is_https() {
        "__Host-keymoor-console"
    } else {
        "keymoor-console"
    }
}

/// Returns the `Set-Cookie` header of a new session, or of none.
pub fn set_cookie(config: &Config, key: Option<&SessionKey>) -> Result<HeaderValue> {
    let name = cookie_name(config);
    let secure = if config.console_url.is_https() {
        "; Secure"
    } else {
        ""
    };
    let text = key.map(SessionKey::text);
    let value = text.as_ref().map_or("", Secret::expose);
    let age = if key.is_some() { 86_400 } else { 0 };
    format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}")
        .parse()
        .map_err(Error::internal)
}

/// The values of the cookies of the console's name.
fn cookies<'a>(config: &Config, headers: &'a HeaderMap) -> Vec<&'a str> {
    let name = cookie_name(config);
    let lines = headers.get_all(COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(of, _)| *of == name)
        .map(|(_, value)| value)
        .collect()
}

/// Whether the browser believes that it has a session.
pub fn has_cookie(config: &Config, headers: &HeaderMap) -> bool {
    !cookies(config, headers).is_empty()
}

/// Two cookies of one name are none: somebody else set one of them.
fn cookie(config: &Config, headers: &HeaderMap) -> Option<SessionKey> {
    match *cookies(config, headers) {
        [value] => SessionKey::parse(value),
        _ => None,
    }
}

/// Rejects what another origin sends, siblings included.
///
/// # Errors
/// `Forbidden`
pub fn require_own_page(headers: &HeaderMap) -> Result<()> {
    let from = headers.get(&SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    match from {
        Some(b"same-origin") => Ok(()),
        None if headers.contains_key(&CSRF) => Ok(()),
        _ => Err(
            Error::Forbidden("the request is not from the console's page")
                .because(Reason::UntrustedOrigin),
        ),
    }
}

/// Returns the session of a request, if it has one that can be used.
pub async fn session(app: &App, parts: &Parts, writes: bool) -> Result<Result<Session, Ended>> {
    require_own_page(&parts.headers)?;
    let Some(key) = cookie(&app.config, &parts.headers) else {
        return Ok(Err(Ended::None));
    };
    let Some(session) = ops::find(app, &key).await? else {
        return Ok(Err(Ended::None));
    };
    let now = app.now();
    if let Some(ended) = ops::refusal(&session, writes, now) {
        return Ok(Err(ended));
    }
    if !parts.headers.contains_key(&BACKGROUND) {
        ops::note_activity(app, &session, now).await?;
    }
    Ok(Ok(session))
}

/// The answer to a request without a usable session.
pub fn signed_out(ended: Ended) -> Response {
    let reason = match ended {
        Ended::None => Reason::MissingCredentials,
        Ended::Day | Ended::Idle => Reason::ExpiredToken,
        Ended::Suspended | Ended::Revoked => Reason::RevokedToken,
    };
    let mut response = Error::Unauthenticated.because(reason).into_response();
    let why = HeaderValue::from_static(ended.as_str());
    response.headers_mut().insert(&ENDED, why);
    response
}

/// The rights of an administrator: whoever belongs to the admin realm may do everything.
fn rights() -> ScopeSet {
    ScopeSet::from_tokens(scope::ALL.iter().copied()).expect("our scopes are well-formed")
}

/// Gives a request to the management API the rights of its session.
pub async fn with_rights(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let writes = !matches!(parts.method, Method::GET | Method::HEAD);
    let session = match session(&app, &parts, writes).await {
        Ok(Ok(session)) => session,
        Ok(Err(ended)) => return signed_out(ended),
        Err(error) => return error.into_response(),
    };
    let check = check(&app, &parts.headers);
    // Bearer tokens are for the management API's own address.
    parts.headers.remove(axum::http::header::AUTHORIZATION);
    parts.extensions.insert(InSession {
        tenant_id: session.tenant_id,
        principal: session.owner().principal(),
        client_id: session.client_id,
        scope: rights(),
        check,
    });
    next.run(Request::from_parts(parts, body)).await
}

/// Asks whether the session of a request can still be used to read.
fn check(app: &App, headers: &HeaderMap) -> Check {
    let (app, key) = (app.clone(), cookie(&app.config, headers).map(Arc::new));
    Arc::new(move || {
        let (app, key) = (app.clone(), key.clone());
        Box::pin(async move {
            let Some(key) = key else { return false };
            let found = ops::find(&app, &key).await;
            found.is_ok_and(|found| {
                found.is_some_and(|it| ops::refusal(&it, false, app.now()).is_none())
            })
        })
    })
}

/// A request of a person with a session.
pub struct SignedIn {
    pub ctx: Context,
    pub session: Session,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let session = match session(app, parts, false).await {
            Ok(Ok(session)) => session,
            Ok(Err(ended)) => return Err(signed_out(ended)),
            Err(error) => return Err(error.into_response()),
        };
        let Ok(source) = Source::from_request_parts(parts, app).await;
        source.note_identity(session.identity_id);
        let ctx = Context {
            actor: Actor::Principal(session.owner().principal()),
            scopes: rights(),
            ..Context::anonymous(app, source)
        };
        Ok(Self { ctx, session })
    }
}
