//! The endpoints that a link and a device call. The link's token is the only credential.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use keymoor_types::fido2::RegistrationResponse;
use keymoor_types::wire::{
    BindRequest, BindingInfo, BoundCredential, InvokeAuthenticator, WebAuthnRegistration,
};
use serde::Deserialize;
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

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct LinkQuery {
    /// The link's token.
    #[serde(default)]
    token: String,
}

/// Opens a link. An SDK receives the next address as JSON. A browser is redirected to the
/// application's `invoke_url` with `/bind`, or shown a page that explains why the link doesn't work.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/~invokeAuthenticator",
    operation_id = "InvokeAuthenticator",
    tag = "Binding",
    params(JobRef, LinkQuery),
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
    query: Result<Query<LinkQuery>, QueryRejection>,
) -> Response {
    // Mail scanners send HEAD. It changes no state and reveals nothing.
    if method == Method::HEAD {
        return StatusCode::OK.into_response();
    }
    let token = Secret::new(query.map(|Query(query)| query.token).unwrap_or_default());
    let opened = open(&ctx, &origin, at, &token).await;
    match (opened, wants_json(&headers)) {
        (Ok(job), true) => Reply(told(&ctx, job.at(), &token)).into_response(),
        (Ok(job), false) => redirect(&ctx, &job, &token),
        (Err(error), true) => error.into_response(),
        (Err(error), false) => page::dead_link(&ctx, error),
    }
}

async fn open(
    ctx: &Context,
    origin: &PageOrigin,
    at: Result<JobRef>,
    token: &Secret,
) -> Result<BindingJob> {
    bind::open(ctx, origin, at?, token).await
}

/// Whether the caller is an SDK: those accept JSON and not HTML, which a browser's navigation does.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
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
    Lenient(request): Lenient<BindRequest>,
) -> Result<Reply<BoundCredential>> {
    let token = link_token(&headers)?;
    let bound = bind::bind(&ctx, &origin, at, &token, &request).await;
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

    #[test]
    fn only_clients_that_ask_for_json_by_name_get_it() {
        let wants = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            wants_json(&headers)
        };
        assert!(wants("application/json"));
        assert!(wants("application/json, text/plain, */*"));
        assert!(!wants(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        ));
        assert!(!wants("*/*"));
    }
}
