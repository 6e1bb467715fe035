//! Management endpoints of issued tokens.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{IssuedToken, Principals, TokenId, TokenRef};
use super::ops;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::paging::Sizes;
use crate::base::refs::{ApplicationRef, Ref as _};
use crate::base::scope;
use crate::http::auth::Allowed;
use crate::http::list::{Asked, ListQuery, Listed, Paged};
use crate::http::openapi::Refusals;
use crate::http::path::extract;

extract!(TokenRef);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(revoke))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PrincipalQuery {
    /// The principal's type: `application` or `identity`.
    principal_type: Option<String>,
    /// The principal's id. Requires `principal_type`.
    principal_id: Option<String>,
}

/// An access token's record. It doesn't include the token itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenView {
    /// The token's `jti`.
    #[schema(value_type = String)]
    #[schema(examples("kPz3VbX0sQe7Rm1TnYc5Wd8LaGh2Uj4F"))]
    id: TokenId,
    #[schema(examples("reports:read"))]
    scopes: Vec<String>,
    /// The last characters of the token.
    #[schema(examples("x7Qd"))]
    token_suffix: String,
    /// Always `self_contained`: a JWT.
    #[schema(examples("self_contained"))]
    token_format: &'static str,
    /// In Unix seconds.
    #[schema(examples(1_772_447_400))]
    expires: i64,
    /// In Unix seconds.
    #[schema(examples(1_772_443_800))]
    issued_at: i64,
    /// Always `access`.
    #[schema(examples("access"))]
    token_type: &'static str,
}

impl From<IssuedToken> for TokenView {
    fn from(token: IssuedToken) -> Self {
        Self {
            id: token.id,
            scopes: token.scopes.iter().map(str::to_owned).collect(),
            token_suffix: token.suffix,
            token_format: "self_contained",
            expires: token.expires_at.as_seconds(),
            issued_at: token.issued_at.as_seconds(),
            token_type: "access",
        }
    }
}

impl Listed for TokenView {
    const SCHEMA: &'static str = "ListTokensResponse";
    const MEMBER: &'static str = "tokens";
    const SIZES: Sizes = Sizes::CONFIGURATION;
    const SELECTORS: &'static [&'static str] = &["principal_type", "principal_id"];
}

type TokenPage = Paged<TokenView>;

/// Lists the valid access tokens that an application issued.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/tokens",
    operation_id = "ListTokens",
    tag = "Tokens",
    params(ApplicationRef, PrincipalQuery, ListQuery),
    responses((status = 200, body = TokenPage), Refusals),
    security(("bearer" = ["tokens:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::tokens::Read>,
    at: ApplicationRef,
    principal: Result<Query<PrincipalQuery>, QueryRejection>,
    asked: Asked<TokenView>,
) -> Result<TokenPage> {
    let Query(principal) =
        principal.map_err(|_| Error::Malformed("the query could not be read".to_owned()))?;
    let principals = Principals::read(
        principal.principal_type.as_deref(),
        principal.principal_id.as_deref(),
    )?;
    let page = ops::list(&ctx, at, principals, &asked).await?;
    Ok(asked.answer(page))
}

/// Revokes an access token: immediately on this node, within ten seconds on the others.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/tokens/{token_id}",
    operation_id = "RevokeToken",
    tag = "Tokens",
    params(TokenRef),
    responses((status = 200, description = "The token is revoked"), Refusals),
    security(("bearer" = ["tokens:delete"])),
)]
async fn revoke(Allowed { ctx, .. }: Allowed<scope::tokens::Delete>, at: TokenRef) -> Result<()> {
    ops::revoke(&ctx, at).await
}
