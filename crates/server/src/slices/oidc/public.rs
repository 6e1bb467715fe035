//! The OAuth and OpenID Connect endpoints of an application.

use axum::Extension;
use axum::extract::RawQuery;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, REFERER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use keymoor_oauth::bearer::{TWO_TOKENS, bearer_token};
use keymoor_oauth::discovery::Metadata;
use keymoor_oauth::jose::Algorithm;
use keymoor_oauth::token_request::{INVALID_CLIENT, TokenResponse};
use serde::Serialize;
use utoipa::{OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::authorize::{self as sign_in, Invocation, Stopped};
use super::forms::{AuthorizeForm, TokenForm, UserInfoForm};
use super::page;
use super::token;
use super::userinfo::{self, UserInfo};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::failure::Failure;
use crate::base::origin::PageOrigin;
use crate::base::reason::Reason;
use crate::base::refs::ApplicationRef;
use crate::base::refusal::Refusal;
use crate::base::secret::Secret;
use crate::http::accept::reads_html;
use crate::http::auth::Anonymous;
use crate::http::auth::bearer;
use crate::http::form::{FormText, PostedForm};
use crate::http::json::Reply;
use crate::http::oauth::{BearerRefusals, ClientRefusals, OAuthRefusals, OAuthWords};
use crate::http::redirect;
use crate::slices::applications::issuer::Issuer;

/// The endpoints that return codes and tokens.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(OAuthWords::openapi())
        .routes(routes!(authorize, authorize_by_form))
        .routes(routes!(issue_token))
        .routes(routes!(get_user_info, post_user_info))
}

/// The endpoints that anyone may read.
pub fn metadata_routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(OAuthWords::openapi())
        .routes(routes!(discover))
        .routes(routes!(discover_server))
        .routes(routes!(list_keys))
}

/// How long discovery documents and keys may be cached. A new key must be published for this long
/// before it signs anything, because browsers also answer the SDK's second request from their caches.
const PUBLIC: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "public, max-age=60")];

/// Returns the issuer's metadata (OpenID Connect Discovery 1.0).
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/.well-known/openid-configuration",
    operation_id = "GetOpenIdConfiguration",
    tag = "Sign-in",
    params(ApplicationRef),
    responses((status = 200, description = "The metadata"), OAuthRefusals),
)]
async fn discover(Anonymous(ctx): Anonymous, at: ApplicationRef) -> Result<Response, Failure> {
    metadata(&ctx, at).await
}

/// Returns the same metadata where RFC 8414 clients look for it.
///
/// The well-known path is between the host and the path of the issuer (section 3.1).
#[utoipa::path(
    get,
    path = "/.well-known/oauth-authorization-server/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}",
    operation_id = "GetAuthorizationServerMetadata",
    tag = "Sign-in",
    params(ApplicationRef),
    responses((status = 200, description = "The metadata"), OAuthRefusals),
)]
async fn discover_server(
    Anonymous(ctx): Anonymous,
    at: ApplicationRef,
) -> Result<Response, Failure> {
    metadata(&ctx, at).await
}

async fn metadata(ctx: &Context, at: ApplicationRef) -> Result<Response, Failure> {
    let issuer = Issuer::find(&ctx.app, at).await?;
    let client = issuer.application.client();
    let metadata = Metadata::new(&issuer.url, &client, issuer.token_algorithm());
    Ok((PUBLIC, Reply(metadata)).into_response())
}

/// Returns the public keys that verify the issuer's tokens and challenges (RFC 7517).
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/.well-known/jwks.json",
    operation_id = "ListKeys",
    tag = "Sign-in",
    params(ApplicationRef),
    responses((status = 200, description = "The keys"), OAuthRefusals),
)]
async fn list_keys(Anonymous(ctx): Anonymous, at: ApplicationRef) -> Result<Response, Failure> {
    let issuer = Issuer::find(&ctx.app, at).await?;
    // A client may come for the keys before the first token is signed.
    issuer.keys(&ctx.app, Algorithm::Es256).await?;
    let keys = issuer.keys(&ctx.app, issuer.token_algorithm()).await?;
    Ok((PUBLIC, Reply(&keys.jwks)).into_response())
}

/// The address where an application with invocation type `manual` lets its user sign in.
#[derive(Serialize, ToSchema)]
#[schema(as = AuthorizeAnswer)]
struct Told {
    #[schema(examples("https://app.example.com/bi-authenticate?request=eyJhbGciOiJFUzI1NiJ9"))]
    authenticate_url: String,
}

/// Starts a sign-in (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1).
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/authorize",
    operation_id = "Authorize",
    tag = "Sign-in",
    params(ApplicationRef, AuthorizeForm),
    responses(
        (status = 200, description = "For invocation type `manual`: the address to open", body = Told),
        (status = 302, description = "A redirect to the application with the challenge or an error"),
        OAuthRefusals,
    ),
)]
async fn authorize(
    Anonymous(ctx): Anonymous,
    at: Result<ApplicationRef>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    authorized(&ctx, at, &headers, Ok(query.unwrap_or_default())).await
}

/// Starts a sign-in with the parameters in a form.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/authorize",
    operation_id = "AuthorizeByForm",
    tag = "Sign-in",
    params(ApplicationRef),
    request_body(content = AuthorizeForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "For invocation type `manual`: the address to open", body = Told),
        (status = 302, description = "A redirect to the application with the challenge or an error"),
        OAuthRefusals,
    ),
)]
async fn authorize_by_form(
    Anonymous(ctx): Anonymous,
    at: Result<ApplicationRef>,
    headers: HeaderMap,
    form: Result<FormText>,
) -> Response {
    authorized(&ctx, at, &headers, form.map(|FormText(form)| form)).await
}

/// Answers pages of every origin: a sign-in starts wherever the application sends the browser, and
/// starting one has no effect.
async fn authorized(
    ctx: &Context,
    at: Result<ApplicationRef>,
    headers: &HeaderMap,
    query: Result<String>,
) -> Response {
    match start(ctx, at, headers, query).await {
        Ok(Invocation::Redirect(url)) => redirect::found(url),
        Err(Stopped::Redirected(told, url)) => {
            (Extension(Refusal::from(&told)), redirect::found(url)).into_response()
        }
        Ok(Invocation::Told(authenticate_url)) => Reply(Told { authenticate_url }).into_response(),
        Err(Stopped::Shown(failure)) if reads_html(headers) => page::cannot_start(ctx, failure),
        Err(Stopped::Shown(failure)) => failure.into_response(),
    }
}

async fn start(
    ctx: &Context,
    at: Result<ApplicationRef>,
    headers: &HeaderMap,
    query: Result<String>,
) -> Result<Invocation, Stopped> {
    let issuer = Issuer::find(&ctx.app, at?).await?;
    sign_in::start(ctx, &issuer, &query?, text(headers, &REFERER)).await
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Exchanges a code or the client's credentials for tokens (RFC 6749, sections 4.1.3 and 4.4).
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/token",
    operation_id = "IssueToken",
    tag = "Sign-in",
    params(ApplicationRef),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The tokens", body = TokenResponse),
        OAuthRefusals,
        ClientRefusals,
    ),
)]
async fn issue_token(
    Anonymous(ctx): Anonymous,
    at: ApplicationRef,
    origin: PageOrigin,
    headers: HeaderMap,
    form: Result<FormText>,
) -> Result<Reply<TokenResponse>, Failure> {
    let issuer = Issuer::find(&ctx.app, at).await?;
    issuer.require_client_page(&ctx.app, &origin)?;
    let authorization = match headers.get(AUTHORIZATION) {
        Some(value) => Some(value.to_str().map_err(|_| INVALID_CLIENT)?),
        None => None,
    };
    let FormText(form) = form?;
    token::token(&ctx, &issuer, authorization, &form)
        .await
        .map(Reply)
}

/// Returns claims about the person that an access token was issued for (OpenID Connect Core 1.0,
/// section 5.3).
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/userinfo",
    operation_id = "GetUserInfo",
    tag = "Sign-in",
    params(ApplicationRef),
    responses((status = 200, body = UserInfo), OAuthRefusals, BearerRefusals),
    security(("bearer" = [])),
)]
async fn get_user_info(
    Anonymous(ctx): Anonymous,
    at: ApplicationRef,
    origin: PageOrigin,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    user_info(&ctx, at, &origin, bearer(&headers)).await
}

/// Returns the same claims by POST. The token is in the header or, alternatively, in a form (RFC
/// 6750, section 2.2).
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/userinfo",
    operation_id = "PostUserInfo",
    tag = "Sign-in",
    params(ApplicationRef),
    request_body(content = Option<UserInfoForm>, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = UserInfo), OAuthRefusals, BearerRefusals),
    security((), ("bearer" = [])),
)]
async fn post_user_info(
    Anonymous(ctx): Anonymous,
    at: ApplicationRef,
    origin: PageOrigin,
    headers: HeaderMap,
    form: Result<PostedForm>,
) -> Result<Response, Failure> {
    let PostedForm(form) = form?;
    let posted = match form {
        Some(form) => bearer_token(&form)?.map(Secret::new),
        None => None,
    };
    let token = match (bearer(&headers), posted) {
        (Some(_), Some(_)) => return Err(TWO_TOKENS.into()),
        (sent, posted) => sent.or(posted),
    };
    user_info(&ctx, at, &origin, token).await
}

async fn user_info(
    ctx: &Context,
    at: ApplicationRef,
    origin: &PageOrigin,
    token: Option<Secret>,
) -> Result<Response, Failure> {
    let issuer = Issuer::find(&ctx.app, at).await?;
    issuer.require_client_page(&ctx.app, origin)?;
    let Some(token) = token else {
        // RFC 6750, section 3.1: a request without credentials gets the scheme and no error.
        let challenge = [(WWW_AUTHENTICATE, r#"Bearer realm="keymoor""#)];
        let why = Extension(Refusal::from(Reason::MissingCredentials));
        return Ok((StatusCode::UNAUTHORIZED, challenge, why).into_response());
    };
    let info = userinfo::userinfo(ctx, &issuer, &token).await?;
    Ok(Reply(info).into_response())
}
