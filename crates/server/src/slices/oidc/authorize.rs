//! Starts sign-ins: an authorization request becomes a challenge for the device.
//!
//! Nothing is written. The sealed challenge contains everything that later steps need.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::authorize::{
    self as request, AuthorizeRequest, MAX_URL_BYTES, Refusal, TOO_LONG,
};
use keymoor_oauth::claims::{ConfigInput, Origin, RequestClaims, RequestInput};
use keymoor_oauth::error::{ErrorCode, OAuthError};
use keymoor_oauth::jose::{Algorithm, JwtHeader, TokenType};
use keymoor_types::fido2::{RequestOptions, SignInOptions};

use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::failure::Failure;
use crate::slices::applications::issuer::Issuer;
use crate::slices::authentication::challenge::{Challenge, fido2_challenge};
use crate::slices::authentication::model::{
    Requested, TRANSACTION_LIFETIME, TransactionId, fingerprint,
};
use crate::slices::authenticator_configs::model::{
    AuthenticationMethod, ConfigBody, Effective, Embedded, InvocationType, invocation_url,
};
use crate::slices::binding::fido2::PROMPT_TIMEOUT_MS;

const NO_CONFIG: OAuthError = OAuthError::new(
    ErrorCode::UnauthorizedClient,
    "the application has no authenticator config",
);

const NOT_EMBEDDED: OAuthError = OAuthError::new(
    ErrorCode::UnauthorizedClient,
    "the application's authenticator config is not embedded: hosted sign-in is not available",
);

/// How the application receives the challenge.
pub enum Invocation {
    /// The browser is redirected to this URL.
    Redirect(String),
    /// The application receives this URL and opens it itself.
    Told(String),
}

/// Why a request gets no challenge.
pub enum Stopped {
    /// Shown to the sender of the request.
    Shown(Failure),
    /// Reported to the application, at this URL of its own.
    Redirected(OAuthError, String),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Shown(error.into())
    }
}

/// Starts a sign-in. `query` is the request's query string or form body, `referer` the page that it
/// came from.
pub async fn start(
    ctx: &Context,
    issuer: &Issuer,
    query: &str,
    referer: Option<&str>,
) -> std::result::Result<Invocation, Stopped> {
    let client = issuer.application.client();
    let request = request::parse(query)
        .map_err(Refusal::Shown)
        .and_then(|received| received.check(&client))
        .map_err(|refusal| stopped(issuer, refusal))?;
    let redirected = |redirect| stopped(issuer, Refusal::Redirected(redirect));
    let (config, embedded) = match embedded(issuer) {
        Ok(found) => found,
        Err(error) => return Err(redirected(request.refuse(error))),
    };
    let registered = client.registered_uri(&request.redirect_uri);
    let answer_uri = fingerprint(registered.unwrap_or(&request.redirect_uri));
    let challenge = challenge(ctx, issuer, config, (&request, answer_uri));
    let url = match sealed(ctx, issuer, &challenge) {
        None => None,
        Some(nonce) => {
            let jwt = sign(ctx, issuer, config, &request, (&challenge, &nonce), referer).await?;
            Some(invocation_url(
                &embedded.invoke_url,
                "bi-authenticate",
                &[("request", &jwt)],
            ))
        }
    };
    match (url, embedded.invocation_type) {
        (Some(url), _) if url.len() > MAX_URL_BYTES => Err(redirected(request.refuse(TOO_LONG))),
        (Some(url), InvocationType::Automatic) => Ok(Invocation::Redirect(url)),
        (Some(url), InvocationType::Manual) => Ok(Invocation::Told(url)),
        (None, _) => Err(redirected(request.refuse(TOO_LONG))),
    }
}

fn stopped(issuer: &Issuer, refusal: Refusal) -> Stopped {
    match refusal {
        Refusal::Shown(error) => Stopped::Shown(error.into()),
        Refusal::Redirected(redirect) => {
            Stopped::Redirected(redirect.error, redirect.location(&issuer.url))
        }
    }
}

fn embedded(issuer: &Issuer) -> std::result::Result<(&Effective, &Embedded), OAuthError> {
    let config = issuer.config.as_deref().ok_or(NO_CONFIG)?;
    match &config.config {
        ConfigBody::Embedded(embedded) => Ok((config, embedded)),
        ConfigBody::HostedWeb(_) => Err(NOT_EMBEDDED),
    }
}

fn challenge(
    ctx: &Context,
    issuer: &Issuer,
    config: &Effective,
    (request, answer_uri): (&AuthorizeRequest, String),
) -> Challenge {
    Challenge {
        transaction_id: TransactionId::generate(ctx.now, &*ctx.app.rng),
        application_id: issuer.at.application_id,
        config_id: config.id,
        answer_uri,
        requested: Requested {
            redirect_uri: request.sent_redirect_uri().map(fingerprint),
            scopes: request.scopes.clone(),
            nonce: request.nonce.clone(),
            pkce: request.challenge.clone(),
        },
        expires_at: ctx.now + TRANSACTION_LIFETIME,
    }
}

fn sealed(ctx: &Context, issuer: &Issuer, challenge: &Challenge) -> Option<String> {
    challenge.seal(&ctx.app.vault, issuer.at.realm())
}

/// Returns the challenge as a JWT, which the SDK verifies with the application's published keys.
async fn sign(
    ctx: &Context,
    issuer: &Issuer,
    config: &Effective,
    request: &AuthorizeRequest,
    (challenge, nonce): (&Challenge, &str),
    referer: Option<&str>,
) -> Result<String> {
    let (app, source) = (&ctx.app, &ctx.source);
    let fido2 = sign_in_options(&config.config, nonce);
    let claims = RequestInput {
        issuer: &issuer.url,
        client_id: &issuer.application.client_id,
        auth_url: app.config.auth_url.as_str(),
        tenant_id: issuer.at.tenant_id,
        realm_id: issuer.at.realm_id,
        application_id: issuer.at.application_id,
        application_name: &issuer.application.display_name,
        config: ConfigInput {
            id: config.id,
            display_name: config.display_name.as_deref().unwrap_or_default(),
            config: &config.published,
        },
        jti: &URL_SAFE_NO_PAD.encode(app.rng.bytes::<24>()),
        correlation_id: &source.correlation_id,
        transaction_id: &challenge.transaction_id.to_string(),
        nonce,
        fido2: fido2.as_ref(),
        redirect_uri: &request.redirect_uri,
        state: request.state.as_deref(),
        login_hint: request.login_hint.as_deref(),
        origin: Origin {
            ip: source.ip,
            user_agent: &source.user_agent,
            referer,
        },
        now: ctx.now,
    };
    let keys = issuer.keys(app, Algorithm::Es256).await?;
    let header = JwtHeader {
        typ: TokenType::Request,
        jku: Some(&issuer.jwks_uri()),
    };
    // The published SDK could not verify any other algorithm.
    let key = keys.signing(Algorithm::Es256)?;
    Ok(key.sign(header, &RequestClaims::new(&claims)))
}

/// Returns options for a WebAuthn assertion with a challenge of our own, if the config accepts
/// WebAuthn credentials.
///
/// They contain no RP ID, since it is not known yet which trusted origin the page will have.
/// Without one, a browser uses the page's own host, the only RP ID that a credential of that page
/// can have. They contain no credentials either: the caller is unauthenticated, and must not learn
/// who has passkeys.
fn sign_in_options(config: &ConfigBody, nonce: &str) -> Option<SignInOptions> {
    let takes_webauthn = config
        .methods()
        .contains(&AuthenticationMethod::WebauthnPasskey);
    takes_webauthn.then(|| SignInOptions {
        request_options: RequestOptions {
            challenge: URL_SAFE_NO_PAD.encode(fido2_challenge(nonce)),
            timeout: PROMPT_TIMEOUT_MS,
            allow_credentials: Vec::new(),
            user_verification: "required".to_owned(),
        },
    })
}
