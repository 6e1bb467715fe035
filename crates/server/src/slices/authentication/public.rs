//! The endpoint that a device calls to sign in.

use axum::Extension;
use keymoor_oauth::form::Params;
use keymoor_types::fido2::SignInProof;
use keymoor_types::wire::{AuthenticationAnswer, AuthenticationProof, WebAuthnAssertion};
use utoipa::{OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ops;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::origin::PageOrigin;
use crate::base::reason::Reason;
use crate::base::refs::ApplicationRef;
use crate::base::refusal::Refusal;
use crate::http::auth::Anonymous;
use crate::http::form::FormText;
use crate::http::json::Reply;
use crate::http::openapi::DeviceRefusals;
use crate::infra::metrics::Outcome;
use crate::slices::applications::issuer::Issuer;

/// The schemas of the proof's JSON texts.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(WebAuthnAssertion, SignInProof)))]
struct ProofTexts;

/// The form, for the API document. [`proof`] parses it.
#[derive(ToSchema)]
#[schema(as = AuthenticateForm)]
pub struct ProofForm {
    /// The proof as a JSON text.
    pub claims: AuthenticationProof,
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(ProofTexts::openapi()).routes(routes!(authenticate))
}

/// Answers a challenge with a passkey. The form field `claims` contains the proof as JSON.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/bi-authenticate",
    operation_id = "Authenticate",
    tag = "Sign-in",
    params(ApplicationRef),
    request_body(content = ProofForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (
            status = 200,
            description = "`allow` with a code, or `deny` with a message for the user",
            body = AuthenticationAnswer,
        ),
        DeviceRefusals,
    ),
)]
async fn authenticate(
    Anonymous(ctx): Anonymous,
    at: ApplicationRef,
    origin: PageOrigin,
    FormText(form): FormText,
) -> Result<(Option<Extension<Refusal>>, Reply<AuthenticationAnswer>)> {
    let issuer = Issuer::find(&ctx.app, at).await?;
    issuer.require_trusted(&ctx.app, &origin)?;
    let proof = proof(&form)?;
    let answer = ops::authenticate(&ctx, &issuer, &proof).await;
    ctx.app.metrics.sign_in(match &answer {
        Ok(AuthenticationAnswer::Deny { .. }) => Outcome::Denied,
        answer => Outcome::of(answer),
    });
    let answer = answer?;
    let denied = matches!(answer, AuthenticationAnswer::Deny { .. });
    let why = denied.then(|| Extension(Refusal::from(Reason::SignInDenied)));
    Ok((why, Reply(answer)))
}

fn proof(form: &str) -> Result<AuthenticationProof> {
    let params =
        Params::parse(form).map_err(|error| Error::invalid("claims", error.description))?;
    let Ok(Some(claims)) = params.single("claims") else {
        return Err(Error::invalid("claims", "missing or repeated"));
    };
    keymoor_types::json::from_str(claims).map_err(|_| {
        Error::invalid(
            "claims",
            "expected a JSON object with Jwt, WebAuthn or Fido2",
        )
    })
}
