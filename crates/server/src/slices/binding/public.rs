//! The endpoints that a link and a device call. The link's token is the only credential.

use axum::extract::RawQuery;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use keymoor_types::fido2::RegistrationResponse;
use keymoor_types::wire::{
    BindRequest, BindingInfo, BoundCredential, InvokeAuthenticator, WebAuthnRegistration,
};
use url::form_urlencoded;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::BindingJob;
use super::{bind, page};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::origin::PageOrigin;
use crate::base::reason::Reason;
use crate::base::refs::JobRef;
use crate::base::secret::Secret;
use crate::http::accept::reads_json_only;
use crate::http::auth::{Anonymous, bearer};
use crate::http::json::{Lenient, Reply};
use crate::http::openapi::{DeviceRefusals, EndedLink, NotJson, WithoutLink};
use crate::http::redirect::found;
use crate::infra::metrics::Outcome;
use crate::slices::authenticator_configs::model::invocation_url;

/// The schemas of the JSON texts in [`BindRequest`].
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(WebAuthnRegistration, RegistrationResponse)))]
struct ProofTexts;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(ProofTexts::openapi())
        .routes(routes!(invoke_authenticator))
        .routes(routes!(get_info))
        .routes(routes!(bind_credential))
}

/// Opens a link. An SDK receives the next address as JSON. A browser is redirected to the
/// application's `invoke_url` with `/bind`, or shown a page that explains why the link doesn't work.
/// Mailed links have `/invokeAuthenticator` instead of `:invokeAuthenticator`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/~invokeAuthenticator",
    operation_id = "InvokeAuthenticator",
    tag = "Binding",
    params(JobRef, ("token" = Option<String>, Query, description = "The link's token.")),
    responses(
        (status = 200, description = "For `Accept: application/json`: the next address and the link's parameters", body = InvokeAuthenticator),
        (status = 302, description = "For browsers: a redirect to the application"),
        DeviceRefusals,
        EndedLink,
    ),
)]
async fn invoke_authenticator(
    Anonymous(ctx): Anonymous,
    method: Method,
    origin: PageOrigin,
    headers: HeaderMap,
    at: Result<JobRef>,
    RawQuery(query): RawQuery,
) -> Response {
    // Mail scanners send HEAD. It changes no state and reveals nothing.
    if method == Method::HEAD {
        return StatusCode::OK.into_response();
    }
    let token = link_query(query.as_deref());
    let opened = open(&ctx, &origin, at, &token).await;
    match (opened, reads_json_only(&headers)) {
        (Ok(job), true) => Reply(told(&ctx, job.at(), &token)).into_response(),
        (Ok(job), false) => redirect(&ctx, &job, &token),
        (Err(error), true) => error.into_response(),
        (Err(error), false) => page::dead_link(&ctx, error),
    }
}

/// Returns the token in a link's query. Without exactly one, it is empty and opens nothing.
///
/// A token has only letters, digits, `-` and `_`. Mail clients break links with spaces and line ends,
/// and append punctuation, so everything else is dropped. The hash is compared with the rest.
fn link_query(query: Option<&str>) -> Secret {
    let query = query.unwrap_or_default();
    let mut tokens = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name.eq_ignore_ascii_case("token"))
        .map(|(_, value)| value);
    let (Some(token), None) = (tokens.next(), tokens.next()) else {
        return Secret::new("");
    };
    let is_of_token = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    Secret::new(token.chars().filter(is_of_token).collect::<String>())
}

async fn open(
    ctx: &Context,
    origin: &PageOrigin,
    at: Result<JobRef>,
    token: &Secret,
) -> Result<BindingJob> {
    bind::open(ctx, origin, at?, token).await
}

fn told(ctx: &Context, key: JobRef, token: &Secret) -> InvokeAuthenticator {
    InvokeAuthenticator {
        api_base_url: ctx.app.config.auth_url.as_str().to_owned(),
        tenant_id: key.tenant_id,
        realm_id: key.realm_id,
        identity_id: key.identity_id,
        job_id: key.job_id,
        token: token.expose().to_owned(),
    }
}

fn redirect(ctx: &Context, job: &BindingJob, token: &Secret) -> Response {
    let Some(invoke_url) = &job.snapshot.invoke_url else {
        return page::open_in_application(ctx);
    };
    let InvokeAuthenticator {
        api_base_url,
        tenant_id,
        realm_id,
        identity_id,
        job_id,
        token,
    } = told(ctx, job.at(), token);
    let location = invocation_url(
        invoke_url,
        "bind",
        &[
            ("api_base_url", &api_base_url),
            ("tenant_id", &tenant_id.to_string()),
            ("realm_id", &realm_id.to_string()),
            ("identity_id", &identity_id.to_string()),
            ("job_id", &job_id.to_string()),
            ("token", &token),
        ],
    );
    found(location)
}

/// Returns the information that a device needs for binding.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/~getInfo",
    operation_id = "GetBindingInfo",
    tag = "Binding",
    params(JobRef),
    responses(
        (status = 200, description = "The binding information", body = BindingInfo),
        DeviceRefusals,
        WithoutLink,
        EndedLink,
    ),
    security(("bearer" = [])),
)]
async fn get_info(
    Anonymous(ctx): Anonymous,
    at: JobRef,
    origin: PageOrigin,
    headers: HeaderMap,
) -> Result<Response> {
    let token = link_token(&headers)?;
    let info = bind::info(&ctx, &origin, at, &token).await?;
    Ok(Reply(info).into_response())
}

/// Binds a passkey: verifies the device's proof of possession and stores its public key.
/// A device that lost the response repeats the request with the same key, and gets the same response.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/~bind",
    operation_id = "BindCredential",
    tag = "Binding",
    params(JobRef),
    request_body = BindRequest,
    responses(
        (status = 200, description = "The passkey is bound", body = BoundCredential),
        DeviceRefusals,
        WithoutLink,
        EndedLink,
        NotJson,
    ),
    security(("bearer" = [])),
)]
async fn bind_credential(
    Anonymous(ctx): Anonymous,
    at: JobRef,
    origin: PageOrigin,
    headers: HeaderMap,
    request: Result<Lenient<BindRequest>>,
) -> Result<Reply<BoundCredential>> {
    let token = link_token(&headers)?;
    let request = request.map(|Lenient(request)| request);
    let bound = bind::bind(&ctx, &origin, at, &token, request).await;
    ctx.app.metrics.binding(Outcome::of(&bound));
    let credential = bound?;
    Ok(Reply(BoundCredential {
        id: credential.id,
        state: credential.state.to_string(),
        create_time: credential.created_at,
        update_time: credential.updated_at,
    }))
}

fn link_token(headers: &HeaderMap) -> Result<Secret> {
    bearer(headers).ok_or_else(|| Error::Unauthenticated.because(Reason::MissingCredentials))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(query: &str) -> String {
        link_query(Some(query)).expose().to_owned()
    }

    #[test]
    fn a_links_token_is_read_without_what_a_mail_client_added() {
        for query in [
            "token=aB-_9",
            "token=aB%2D_9",
            "token=aB-_9.",
            "token=aB-_9%3E",
            "token=%3CaB-_9%3E)",
            "token=aB-%0D%0A%20_9",
            "token=aB-+_9+",
            "token=aB-=%0A_9",
            "utm_source=mail&token=aB-_9&x=%FF",
            "Token=aB-_9",
        ] {
            assert_eq!(token_of(query), "aB-_9", "{query}");
        }
    }

    #[test]
    fn a_link_has_one_token_or_none() {
        for query in [
            "",
            "token",
            "token=",
            "x=1",
            "token=a&token=b",
            "token=a&Token=a",
        ] {
            assert_eq!(token_of(query), "", "{query}");
        }
        assert_eq!(link_query(None).expose(), "");
    }
}
