//! The use cases of console sessions: sign in, use, sign out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::claims::Principal;
use keymoor_types::{IdentityId, Seconds, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::model::{Ended, NewSession, RECORDED_EVERY, Session, SessionKey, SessionRef};
use super::store;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result, with_fresh_ids};
use crate::base::failure::Failure;
use crate::base::reason::Reason;
use crate::base::refs::{ApplicationRef, Ref as _};
use crate::base::secret::{Digest, Secret};
use crate::base::vault::Purpose;
use crate::slices::applications::issuer::Issuer;
use crate::slices::events::{self, Event, EventKind};
use crate::slices::oidc::authorize::{self, Invocation, Stopped};
use crate::slices::oidc::token;
use crate::slices::provision::console_client;
use crate::slices::tokens;
use crate::slices::tokens::access;

/// A session that starts, ends, or is ended by its owner from another one.
const SESSION_CHANGE: EventKind = EventKind::new("ConsoleSessionChange");

/// How long a sign-in may take.
const SIGN_IN_LIFETIME: Seconds = Seconds::MINUTE.times(10);

/// What a sign-in must remember. The browser keeps it sealed.
#[derive(Serialize, Deserialize)]
struct Flow {
    application: [String; 3],
    state: String,
    nonce: String,
    verifier: String,
    expires_at: Timestamp,
}

/// A started sign-in.
pub struct SignIn {
    /// Our SDK takes it.
    pub url: String,
    /// Must come back with the code.
    pub flow: String,
    pub tenant: String,
    pub realm_id: String,
}

/// Starts a sign-in to the console of the first tenant.
///
/// # Errors
/// `Unavailable` before `keymoor init`.
pub async fn start(ctx: &Context) -> Result<SignIn> {
    let client = console_client::of_first_tenant(ctx).await?;
    let issuer = Issuer::find(&ctx.app, client.application.at()).await?;
    let random = || Secret::random::<32>(&*ctx.app.rng).expose().to_owned();
    let (state, nonce, verifier) = (random(), random(), random());
    let challenge = URL_SAFE_NO_PAD.encode(Digest::of(verifier.as_bytes()).0);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &issuer.application.client_id)
        .append_pair(
            "redirect_uri",
            &console_client::redirect_uri(&ctx.app.config),
        )
        .append_pair("scope", "openid")
        .append_pair("state", &state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let url = match authorize::start(ctx, &issuer, &query, None).await {
        Ok(Invocation::Redirect(url) | Invocation::Told(url)) => url,
        Err(Stopped::Shown(failure)) => return Err(failed(failure)),
        Err(Stopped::Redirected(error, _)) => return Err(failed(error.into())),
    };
    let at = issuer.at;
    let flow = Flow {
        application: [
            at.tenant_id.to_string(),
            at.realm_id.to_string(),
            at.application_id.to_string(),
        ],
        state,
        nonce,
        verifier,
        expires_at: ctx.now + SIGN_IN_LIFETIME,
    };
    let flow = serde_json::to_vec(&flow).map_err(Error::internal)?;
    let flow = ctx
        .app
        .vault
        .seal(Purpose::ConsoleSignIn, b"console", &flow);
    Ok(SignIn {
        url,
        flow: URL_SAFE_NO_PAD.encode(flow),
        tenant: client.tenant.display_name,
        realm_id: at.realm_id.to_string(),
    })
}

/// What the browser brings back from a sign-in.
#[derive(Deserialize)]
pub struct Answer {
    pub flow: String,
    pub code: String,
    pub state: String,
    #[serde(default)]
    pub iss: Option<String>,
}

/// Redeems the code of a sign-in, and starts a session with a new id. `before` ends.
///
/// # Errors
/// `Unauthenticated` for a code, a state or a flow that don't belong together.
pub async fn finish(
    ctx: &Context,
    answer: &Answer,
    before: Option<&Session>,
) -> Result<SessionKey> {
    let wrong = |why: &'static str| Error::Unauthenticated.because_of(Reason::InvalidCode, why);
    let flow = open(ctx, &answer.flow).ok_or_else(|| wrong("the sign-in was not started here"))?;
    if ctx.now >= flow.expires_at {
        return Err(Error::Unauthenticated.because(Reason::ExpiredRequest));
    }
    if !Digest::of(answer.state.as_bytes()).matches(&Digest::of(flow.state.as_bytes())) {
        return Err(wrong("the state belongs to another sign-in"));
    }
    let at = application_of(&flow).ok_or_else(|| wrong("the sign-in was not started here"))?;
    let issuer = Issuer::find(&ctx.app, at).await?;
    if answer.iss.as_ref().is_some_and(|iss| *iss != issuer.url) {
        return Err(wrong("the code is another issuer's"));
    }
    let secret = console_client::secret(ctx, at).await?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &answer.code)
        .append_pair(
            "redirect_uri",
            &console_client::redirect_uri(&ctx.app.config),
        )
        .append_pair("code_verifier", &flow.verifier)
        .append_pair("client_id", &issuer.application.client_id)
        .append_pair("client_secret", secret.expose())
        .finish();
    let granted = token::token(ctx, &issuer, None, &form)
        .await
        .map_err(failed)?;
    let nonce = granted.id_token.as_deref().and_then(nonce_of);
    if nonce.as_deref() != Some(&flow.nonce) {
        return Err(wrong("the nonce belongs to another sign-in"));
    }
    let claims = access::verify(&ctx.app, &Secret::new(granted.access_token)).await?;
    let Principal::Identity { identity_id, .. } = claims.bi_p else {
        return Err(wrong("the token speaks for nobody"));
    };
    let token_id = claims.jti.parse().map_err(Error::internal)?;
    let expires_at = ctx.now + Seconds(granted.expires_in);
    let new = Started {
        at,
        identity_id,
        token_id,
        expires_at,
    };
    let key = with_fresh_ids!(insert(ctx, &new).await)?;
    if let Some(before) = before {
        end(ctx, before).await?;
    }
    Ok(key)
}

struct Started {
    at: ApplicationRef,
    identity_id: IdentityId,
    token_id: tokens::model::TokenId,
    expires_at: Timestamp,
}

async fn insert(ctx: &Context, started: &Started) -> Result<SessionKey> {
    let key = SessionKey {
        at: started
            .at
            .realm()
            .session_id(SessionId::generate(ctx.now, &*ctx.app.rng)),
        secret: Secret::random::<32>(&*ctx.app.rng),
    };
    let new = NewSession {
        at: key.at,
        secret_hash: key.secret.digest(),
        identity_id: started.identity_id,
        application_id: started.at.application_id,
        token_id: started.token_id,
        ip: ctx.source.ip.to_string(),
        user_agent: ctx.source.user_agent.clone(),
        now: ctx.now,
        expires_at: started.expires_at,
    };
    let owner = key.at.realm().identity_id(started.identity_id);
    let event = Event::about(ctx, key.at, SESSION_CHANGE, "STARTED")
        .by(owner.principal())
        .identity(started.identity_id);
    ctx.app
        .db
        .write(async move |tx| {
            store::insert(tx, &new).await?;
            events::append(tx, &event).await
        })
        .await?;
    Ok(key)
}

fn open(ctx: &Context, flow: &str) -> Option<Flow> {
    let sealed = URL_SAFE_NO_PAD.decode(flow).ok()?;
    let vault = &ctx.app.vault;
    let plain = vault
        .open(Purpose::ConsoleSignIn, b"console", &sealed)
        .ok()?;
    keymoor_types::json::from_slice(&plain).ok()
}

fn application_of(flow: &Flow) -> Option<ApplicationRef> {
    let [tenant, realm, application] = &flow.application;
    Some(ApplicationRef {
        tenant_id: tenant.parse().ok()?,
        realm_id: realm.parse().ok()?,
        application_id: application.parse().ok()?,
    })
}

/// The token was just issued here, so its signature proves nothing more.
fn nonce_of(id_token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        nonce: Option<String>,
    }
    let claims = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    let claims: Claims = keymoor_types::json::from_slice(&claims).ok()?;
    claims.nonce
}

fn failed(failure: Failure) -> Error {
    match failure {
        Failure::Failed(error) => error,
        other => {
            let (refusal, _) = crate::base::refusal::Refusal::of_failure(other);
            let detail = refusal.detail.unwrap_or_default();
            Error::Unauthenticated.because_of(refusal.reason, detail)
        }
    }
}

/// Returns the session of a cookie.
pub async fn find(app: &App, key: &SessionKey) -> Result<Option<Session>> {
    let (at, hash) = (key.at, key.secret.digest());
    app.db
        .read(async |rx| store::find(rx, at, hash).await)
        .await
}

/// Returns why a session can't be used now, or `None`. Only who was active may do more than read.
pub fn refusal(session: &Session, writes: bool, now: Timestamp) -> Option<Ended> {
    let idle = || (writes && session.is_idle(now)).then_some(Ended::Idle);
    session.ended(now).or_else(idle)
}

/// Records that the session's owner is there. An idle session stays idle until its owner signs in
/// again.
pub async fn note_activity(app: &App, session: &Session, now: Timestamp) -> Result<()> {
    if session.is_idle(now) || now < session.active_at + RECORDED_EVERY {
        return Ok(());
    }
    let at = session.at();
    app.db
        .write(async move |tx| store::touch(tx, at, now).await)
        .await
}

/// Returns the sessions of a session's owner.
pub async fn list(ctx: &Context, own: &Session) -> Result<Vec<Session>> {
    let (owner, now) = (own.owner(), ctx.now);
    ctx.app
        .db
        .read(async |rx| store::list(rx, owner, now).await)
        .await
}

/// Ends another session of the same owner.
///
/// # Errors
/// `NotFound` if the owner has no such session.
pub async fn end_other(ctx: &Context, own: &Session, other: SessionId) -> Result<()> {
    let sessions = list(ctx, own).await?;
    let found = sessions.into_iter().find(|session| session.id == other);
    let missing: SessionRef = own.at().realm().session_id(other);
    end(ctx, &found.ok_or_else(|| missing.not_found())?).await
}

/// Ends a session, and revokes its token. Succeeds if that happened before.
pub async fn end(ctx: &Context, session: &Session) -> Result<()> {
    let at = session.at();
    let event = Event::about(ctx, at, SESSION_CHANGE, "ENDED")
        .by(session.owner().principal())
        .identity(session.identity_id);
    ctx.app
        .db
        .write(async move |tx| {
            store::delete(tx, at).await?;
            events::append(tx, &event).await
        })
        .await?;
    let application = at.realm().application_id(session.application_id);
    match tokens::ops::revoke(ctx, application.token_id(session.token_id)).await {
        Ok(()) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Deletes expired sessions, and returns their number.
pub async fn sweep(app: &App) -> Result<u64> {
    let now = app.now();
    let mut swept = 0;
    loop {
        let slice = app
            .db
            .write(async move |tx| store::sweep(tx, now).await)
            .await?;
        if slice == 0 {
            return Ok(swept);
        }
        swept += slice;
    }
}
