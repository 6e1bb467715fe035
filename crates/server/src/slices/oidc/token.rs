//! Exchanges codes and client credentials for tokens.

use keymoor_oauth::claims::{IdTokenClaims, Principal, StandardClaims};
use keymoor_oauth::client::{Client, GrantType};
use keymoor_oauth::error::ErrorCode;
use keymoor_oauth::grant::{CodeGrant, INVALID_CODE, Presented};
use keymoor_oauth::jose::{JwtHeader, TokenType};
use keymoor_oauth::scope::ScopeSet;
use keymoor_oauth::secret::PresentedSecret;
use keymoor_oauth::token_request::{
    self, GrantRequest, INVALID_CLIENT, TokenRequest, TokenResponse,
};
use keymoor_types::{CredentialId, Seconds};

use super::audience;
use super::userinfo::claims_of;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::failure::Failure;
use crate::base::reason::Reason;
use crate::base::secret::Digest;
use crate::infra::metrics::Outcome;
use crate::slices::applications::choices::IdTokenContent;
use crate::slices::applications::issuer::Issuer;
use crate::slices::authentication::model::{CodeKey, fingerprint, subject};
use crate::slices::authentication::ops::{denial, is_ambiguous};
use crate::slices::authentication::store::{self, IssuedCode, Redemption};
use crate::slices::events::{self, Event, EventKind};
use crate::slices::identities::model::Identity;
use crate::slices::tokens;
use crate::slices::tokens::access::{self, Grant, Issued};
use crate::slices::tokens::store::Revoked;

/// The lifetime of an ID token. Clients check it once, on receipt.
const ID_TOKEN_LIFETIME: Seconds = Seconds::HOUR;

type TokenResult = std::result::Result<TokenResponse, Failure>;

/// Answers a token request: the `Authorization` header's value, if any, and the body.
pub async fn token(
    ctx: &Context,
    issuer: &Issuer,
    authorization: Option<&str>,
    form: &str,
) -> TokenResult {
    let request = token_request::parse(authorization, form)?;
    let answer = grant(ctx, issuer, &request).await;
    let outcome = match &answer {
        Ok(_) => Outcome::Succeeded,
        Err(Failure::Refused(_) | Failure::Because(..)) => Outcome::Refused,
        Err(Failure::Failed(error)) => Outcome::of_error(error),
    };
    ctx.app.metrics.token(request.grant.grant_type(), outcome);
    answer
}

async fn grant(ctx: &Context, issuer: &Issuer, request: &TokenRequest) -> TokenResult {
    let client = issuer.application.client();
    authenticate(ctx, issuer, &client, request)?;
    client.require_grant(request.grant.grant_type())?;
    let lifetime = request.lifetime(&client)?;
    match &request.grant {
        GrantRequest::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier,
        } => {
            let key = CodeKey::of(code.expose()).ok_or(INVALID_CODE)?;
            let redirect_uri = redirect_uri.as_deref().map(fingerprint);
            let presented = Presented {
                application_id: issuer.at.application_id,
                redirect_uri: redirect_uri.as_deref(),
                code_verifier: code_verifier.as_ref().map(PresentedSecret::expose),
            };
            redeem(ctx, issuer, key, &presented, lifetime).await
        }
        GrantRequest::ClientCredentials { scope } => {
            let scope = client.grantable_scopes(scope.as_ref())?;
            for_itself(ctx, issuer, scope, lifetime).await
        }
    }
}

fn authenticate(
    ctx: &Context,
    issuer: &Issuer,
    client: &Client<'_>,
    request: &TokenRequest,
) -> std::result::Result<(), Failure> {
    let application = &issuer.application;
    let proves = |hash: Option<&Digest>| {
        let hash = hash.map(|digest| &digest.0);
        request.client.authenticate(client, hash).is_ok()
    };
    let previous = application.previous_secret(ctx.now);
    if proves(application.client_secret_hash.as_ref())
        || previous.is_some_and(|hash| proves(Some(hash)))
    {
        return Ok(());
    }
    let tenant = issuer.at.tenant_id;
    ctx.app.limits.wrong_client_secret(ctx.source.ip, tenant)?;
    Err(INVALID_CLIENT.into())
}

/// Issues a token for an application that acts for itself. It costs one row, that of the token,
/// which contains all that an audit event would.
async fn for_itself(
    ctx: &Context,
    issuer: &Issuer,
    scope: ScopeSet,
    lifetime: Seconds,
) -> TokenResult {
    let about = About {
        subject: &issuer.application.client_id,
        principal: issuer.at.principal(),
        credential: None,
        audience: audience::of_application(&ctx.app, issuer).await?,
        grant_type: GrantType::ClientCredentials,
    };
    let access_token = issue(ctx, issuer, about, &scope, lifetime).await?;
    let record = access_token.record.clone();
    ctx.app
        .db
        .write(async move |tx| tokens::store::insert(tx, &record).await)
        .await?;
    Ok(response(&access_token, lifetime, scope))
}

/// The subject of a token, and the application that receives it.
struct About<'a> {
    subject: &'a str,
    principal: Principal,
    credential: Option<CredentialId>,
    audience: String,
    grant_type: GrantType,
}

async fn issue(
    ctx: &Context,
    issuer: &Issuer,
    about: About<'_>,
    scope: &ScopeSet,
    lifetime: Seconds,
) -> Result<Issued> {
    let algorithm = issuer.token_algorithm();
    issuer.keys(&ctx.app, algorithm).await?;
    let grant = Grant {
        application: issuer.at,
        client_id: &issuer.application.client_id,
        subject: about.subject,
        principal: about.principal,
        credential: about.credential,
        audience: vec![about.audience],
        scope: scope.clone(),
        grant_type: about.grant_type,
        lifetime,
        algorithm,
    };
    access::issue(&ctx.app, ctx.now, grant).await
}

fn response(access_token: &Issued, lifetime: Seconds, scope: ScopeSet) -> TokenResponse {
    TokenResponse::bearer(access_token.token.expose().to_owned(), lifetime, scope)
}

/// Redeems a code: one read, the checks, the signatures, and one write that succeeds for only one
/// of several concurrent requests.
async fn redeem(
    ctx: &Context,
    issuer: &Issuer,
    key: CodeKey,
    presented: &Presented<'_>,
    lifetime: Seconds,
) -> TokenResult {
    let Some(found) = find(ctx, issuer, key).await? else {
        return Err(INVALID_CODE.into());
    };
    let settings = &issuer.application.protocol.token_configuration;
    let holder = found.holder.as_ref().filter(|_| found.denial.is_none());
    let subject = holder.and_then(|identity| subject(identity, settings.subject_field));
    let (Ok(()), Some(identity), Some(subject)) = (
        code_grant(&found.code).check(presented, ctx.now),
        holder,
        subject,
    ) else {
        return Err(refuse(ctx, issuer, &found).await?);
    };
    let code = &found.code;
    let scope = &code.facts.requested.scopes;
    let about = About {
        subject: &subject,
        principal: identity.at().principal(),
        credential: Some(code.credential_id),
        audience: audience::of_person(&ctx.app, issuer).await?,
        grant_type: GrantType::AuthorizationCode,
    };
    let access_token = issue(ctx, issuer, about, scope, lifetime).await?;
    let id_token = if scope.has_openid() {
        Some(id_token(ctx, issuer, code, identity, subject).await?)
    } else {
        None
    };
    if !claim(ctx, issuer, code, &access_token).await? {
        return Err(lost_race(ctx, issuer, key).await?);
    }
    Ok(TokenResponse {
        id_token,
        ..response(&access_token, lifetime, scope.clone())
    })
}

/// Returns the code as the OAuth rules see it. Its redirect URI is a fingerprint, as in
/// [`Presented`].
fn code_grant(code: &IssuedCode) -> CodeGrant {
    CodeGrant {
        application_id: code.application_id,
        redirect_uri: code.facts.requested.redirect_uri.clone(),
        challenge: code.facts.requested.pkce.clone(),
        expires_at: code.expires_at,
        redeemed: code.redeemed_at.is_some(),
    }
}

/// A code, and what is known of the person who got it.
struct Found {
    code: IssuedCode,
    /// `None` if the identity or its passkey was deleted.
    holder: Option<Identity>,
    /// Why the holder would be denied now.
    denial: Option<&'static str>,
}

async fn find(ctx: &Context, issuer: &Issuer, key: CodeKey) -> Result<Option<Found>> {
    let realm = issuer.at.realm();
    ctx.app
        .db
        .read(async |rx| {
            let Some((code, holder)) = store::find_with_holder(rx, realm, key).await? else {
                return Ok(None);
            };
            let Some((holder, credential)) = holder else {
                return Ok(Some(Found {
                    code,
                    holder: None,
                    denial: None,
                }));
            };
            let is_ambiguous = is_ambiguous(rx, &issuer.application, &holder).await?;
            Ok(Some(Found {
                code,
                denial: denial(issuer, &holder, &credential, is_ambiguous),
                holder: Some(holder),
            }))
        })
        .await
}

async fn claim(
    ctx: &Context,
    issuer: &Issuer,
    code: &IssuedCode,
    access_token: &Issued,
) -> Result<bool> {
    let redemption = Redemption {
        tenant_id: issuer.at.tenant_id,
        realm_id: issuer.at.realm_id,
        key: code.key,
        application_id: issuer.at.application_id,
        access_token: access_token.record.clone(),
        now: ctx.now,
    };
    let event = event(ctx, issuer, code, "ACCEPTED").detail("token_id", access_token.record.id);
    ctx.app
        .db
        .write(async move |tx| {
            let claimed = store::redeem(tx, &redemption).await?;
            if claimed {
                events::append(tx, &event).await?;
            }
            Ok(claimed)
        })
        .await
}

/// A concurrent request redeemed the code, or the passkey or its owner changed.
async fn lost_race(ctx: &Context, issuer: &Issuer, key: CodeKey) -> Result<Failure> {
    match find(ctx, issuer, key).await? {
        Some(found) => refuse(ctx, issuer, &found).await,
        None => Ok(INVALID_CODE.into()),
    }
}

/// Rejects a code that exists. If its own application presents it again, the code was copied, and
/// the legitimate holder is unknown. The token that it yielded is then revoked (RFC 6749, section
/// 4.1.2), even where the rate limit suppresses the event.
async fn refuse(ctx: &Context, issuer: &Issuer, found: &Found) -> Result<Failure> {
    let (at, code) = (issuer.at, &found.code);
    ctx.source.note_identity(code.identity_id);
    let is_own = code.application_id == at.application_id;
    let copied = code.access_token.filter(|_| is_own);
    let now = ctx.now;
    let identity = Some(at.realm().identity_id(code.identity_id));
    let limit = ctx
        .app
        .limits
        .wrong_proof(ctx.source.ip, at.tenant_id, identity);
    let event = event(ctx, issuer, code, "ERROR")
        .detail("error", ErrorCode::InvalidGrant.as_str())
        .detail("reason", found.denial)
        .detail("revoked_token_id", copied.map(|(id, _)| id));
    let event = limit.is_ok().then_some(event);
    let event = event.and_then(|event| events::repeats::first(&ctx.app, event));
    let is_revoked = |id| {
        let revocations = &ctx.app.revocations;
        revocations.contains(at.realm(), id)
    };
    if event.is_none() && copied.is_none_or(|(id, _)| is_revoked(id)) {
        limit?;
        return Ok(why_invalid(ctx, code));
    }
    ctx.app
        .db
        .write(async move |tx| {
            if let Some((id, expires_at)) = copied {
                tokens::store::revoke_unlisted(tx, at.token_id(id), expires_at, now).await?;
            }
            match &event {
                Some(event) => events::append(tx, event).await,
                None => Ok(()),
            }
        })
        .await?;
    if let Some((id, expires_at)) = copied {
        let revoked = Revoked {
            realm_id: at.realm_id,
            id,
            expires_at,
        };
        ctx.app.revocations.add(at.tenant_id, &[revoked]);
    }
    limit?;
    Ok(why_invalid(ctx, code))
}

/// Returns the rejection of a code that exists. Only the log learns the reason.
fn why_invalid(ctx: &Context, code: &IssuedCode) -> Failure {
    let reason = if code.redeemed_at.is_some() {
        Reason::ReplayedCode
    } else if ctx.now >= code.expires_at {
        Reason::ExpiredCode
    } else {
        Reason::InvalidCode
    };
    Failure::Because(reason, INVALID_CODE)
}

fn event(ctx: &Context, issuer: &Issuer, code: &IssuedCode, outcome: &'static str) -> Event {
    Event::about(ctx, issuer.at, EventKind::TOKEN_REQUEST, outcome)
        .by(issuer.at.principal())
        .identity(code.identity_id)
}

async fn id_token(
    ctx: &Context,
    issuer: &Issuer,
    code: &IssuedCode,
    identity: &Identity,
    subject: String,
) -> Result<String> {
    let requested = &code.facts.requested;
    let client_id = &issuer.application.client_id;
    let person = match issuer.application.protocol.id_token_claims {
        IdTokenContent::Scopes => claims_of(identity, &requested.scopes),
        IdTokenContent::Subject => StandardClaims::default(),
    };
    let claims = IdTokenClaims {
        iss: issuer.url.clone(),
        sub: subject,
        aud: vec![client_id.clone()],
        exp: (ctx.now + ID_TOKEN_LIFETIME).as_seconds(),
        iat: ctx.now.as_seconds(),
        auth_time: code.authenticated_at.as_seconds(),
        amr: code.facts.method.amr(),
        azp: client_id.clone(),
        nonce: requested.nonce.clone(),
        acr: None,
        person,
    };
    let header = JwtHeader {
        typ: TokenType::IdToken,
        jku: None,
    };
    let algorithm = issuer.token_algorithm();
    let keys = issuer.keys(&ctx.app, algorithm).await?;
    Ok(keys.signing(algorithm)?.sign(header, &claims))
}
