//! Management endpoints of credential binding jobs.

use keymoor_types::url_rules::check_destination;
use keymoor_types::{EventId, Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ConfigChoice, CreatedJob, DeliveryMethod, NewJob};
use super::steps::{self, JobStep, Opener, Step};
use super::view::JobView;
use super::{ops, resend};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::paging::Sizes;
use crate::base::refs::{IdentitiesRef, IdentityRef, JobRef};
use crate::base::scope;
use crate::base::user_agent::UserAgent;
use crate::base::validation::Violations;
use crate::http::auth::Allowed;
use crate::http::json::{Body, Json, Reply};
use crate::http::list::{Asked, ListQuery, Listed, Paged};
use crate::http::openapi::{Conflicting, NotJson, Refusals};
use crate::http::problem::Problem;
use crate::slices::authenticator_configs::inline::InlineConfig;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get))
        .routes(routes!(revoke))
        .routes(routes!(resend))
        .routes(routes!(list_steps))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateCredentialBindingJobRequest)]
pub struct CreateRequest {
    job: NewJobView,
}

impl Body for CreateRequest {
    const ENVELOPE: &'static str = "job";
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "realm_id",
        "identity_id",
        "credential_id",
        "batch_id",
        "state",
        "expire_time",
        "create_time",
        "update_time",
    ];
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCredentialBindingJob)]
#[schema(examples(json!({"authenticator_config": null})))]
struct NewJobView {
    delivery_method: DeliveryMethod,
    /// The authenticator config whose pages or app will bind the passkey. Either this or
    /// `authenticator_config` is required.
    #[schema(examples("019cade2-38b9-7181-90ed-90479531985d"))]
    authenticator_config_id: Option<String>,
    /// A config for this job alone, of type `embedded`.
    authenticator_config: Option<InlineConfig>,
    /// The application's destination after binding. The SDK returns it and never navigates.
    #[schema(examples("https://app.example.com/welcome"))]
    post_binding_redirect_uri: Option<String>,
    /// The lifetime of the link in seconds. Must be between the server settings
    /// `link_lifetime_min_seconds` and `link_lifetime_max_seconds`. Defaults to
    /// `link_lifetime_seconds`.
    #[schema(examples(86_400))]
    expires_in: Option<i64>,
}

impl TryFrom<NewJobView> for NewJob {
    type Error = Error;

    fn try_from(view: NewJobView) -> Result<Self> {
        let mut violations = Violations::default();
        if let Some(uri) = &view.post_binding_redirect_uri {
            violations.check("job.post_binding_redirect_uri", check_destination(uri));
        }
        let id = view.authenticator_config_id.as_deref();
        let config = ConfigChoice::read("job", id, view.authenticator_config, &mut violations)?;
        let config = violations
            .or(config)?
            .expect("a missing config is a violation");
        Ok(Self {
            delivery_method: view.delivery_method,
            config,
            post_binding_redirect_uri: view.post_binding_redirect_uri,
            expires_in: view.expires_in.map(Seconds),
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = CreateCredentialBindingJobResponse)]
#[schema(examples(json!({"credential_binding_job": {"state": "LINK_SENT", "credential_id": null}})))]
struct CreateAnswer {
    /// The link for the device. Only returned for RETURN, and only once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples(
        "http://localhost:8021/v1/tenants/19cade211c052e6b/realms/19cade21885f2a74/identities/19cade21f4a269e0/credential-binding-jobs/19cade22cd4a6a3a:invokeAuthenticator?token=Zk8tR2vN5wXq1LmC7yHs4A"
    ))]
    credential_binding_link: Option<String>,
    credential_binding_job: JobView,
}

impl CreateAnswer {
    fn of(CreatedJob { job, link }: CreatedJob, now: Timestamp) -> Self {
        let returned = job.delivery_method == DeliveryMethod::Return;
        Self {
            credential_binding_link: returned.then(|| link.expose().to_owned()),
            credential_binding_job: JobView::at(job, now),
        }
    }
}

/// Creates a job. Its link lets a device bind one passkey to the identity.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs",
    operation_id = "CreateCredentialBindingJob",
    tag = "Credential Binding Jobs",
    params(IdentityRef),
    request_body = CreateRequest,
    responses(
        (status = 200, body = CreateAnswer),
        (status = 422, description = "The delivery method is EMAIL, and the identity has no e-mail address or the server no mail server", body = Problem),
        Refusals,
        Conflicting,
        NotJson,
    ),
    security(("bearer" = ["credential-binding-jobs:create"])),
)]
async fn create(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Create>,
    at: IdentityRef,
    Json(CreateRequest { job }): Json<CreateRequest>,
) -> Result<Reply<CreateAnswer>> {
    let created = ops::create(&ctx, at, job.try_into()?).await?;
    Ok(Reply(CreateAnswer::of(created, ctx.now)))
}

impl Listed for JobView {
    const SCHEMA: &'static str = "ListCredentialBindingJobsResponse";
    const MEMBER: &'static str = "credential_binding_jobs";
    const SIZES: Sizes = Sizes::DIRECTORY;
    const ATTRIBUTES: &'static [&'static str] = &["state", "delivery_method"];
}

type JobPage = Paged<JobView>;

/// Lists the jobs of an identity, or with `-` of every identity of the realm. Filters by `state` and
/// `delivery_method`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs",
    operation_id = "ListCredentialBindingJobs",
    tag = "Credential Binding Jobs",
    params(IdentitiesRef, ListQuery),
    responses((status = 200, body = JobPage), Refusals),
    security(("bearer" = ["credential-binding-jobs:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Read>,
    at: IdentitiesRef,
    asked: Asked<JobView>,
) -> Result<JobPage> {
    let page = ops::list(&ctx, at, &asked).await?;
    Ok(asked.answer(page.map(|job| JobView::at(job, ctx.now))))
}

/// Reads a job.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}",
    operation_id = "GetCredentialBindingJob",
    tag = "Credential Binding Jobs",
    params(JobRef),
    responses((status = 200, body = JobView), Refusals),
    security(("bearer" = ["credential-binding-jobs:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Read>,
    at: JobRef,
) -> Result<Reply<JobView>> {
    let job = ops::get(&ctx, at).await?;
    Ok(Reply(JobView::at(job, ctx.now)))
}

/// Revokes a pending job. Its link stops working immediately.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/~revoke",
    operation_id = "SetCredentialBindingJobRevoked",
    tag = "Credential Binding Jobs",
    params(JobRef),
    responses(
        (status = 200, body = JobView, example = json!({"state": "REVOKED", "credential_id": null})),
        Refusals,
        Conflicting,
    ),
    security(("bearer" = ["credential-binding-jobs:revoke"])),
)]
async fn revoke(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Revoke>,
    at: JobRef,
) -> Result<Reply<JobView>> {
    let job = ops::revoke(&ctx, at).await?;
    Ok(Reply(JobView::at(job, ctx.now)))
}

/// Replaces the link of a job by a new one with a new lifetime. The old link stops working
/// immediately. For EMAIL, the new link is mailed to the address that the job was created with.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/~resend",
    operation_id = "ResendCredentialBindingJob",
    tag = "Credential Binding Jobs",
    params(JobRef),
    responses(
        (status = 200, body = CreateAnswer),
        (status = 422, description = "The delivery method is EMAIL, and the identity's address has changed or the server has no mail server", body = Problem),
        (status = 429, description = "The link was mailed again less than a minute ago. Retry after `Retry-After` seconds", body = Problem, headers(("Retry-After" = u32, description = "Seconds to wait"))),
        Refusals,
        Conflicting,
    ),
    security(("bearer" = ["credential-binding-jobs:create"])),
)]
async fn resend(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Create>,
    at: JobRef,
) -> Result<Reply<CreateAnswer>> {
    let resent = resend::resend(&ctx, at).await?;
    Ok(Reply(CreateAnswer::of(resent, ctx.now)))
}

#[derive(Serialize, ToSchema)]
#[schema(as = CredentialBindingJobEvent)]
struct StepView {
    id: EventId,
    step: Step,
    time: Timestamp,
    /// The application, identity or `system` that took the step. A device that only has the link is
    /// `anonymous`.
    #[schema(examples("anonymous"))]
    actor: String,
    /// The same for all events of one flow.
    #[schema(examples("3l0mQ5tU9yA2bXcd"))]
    correlation_id: String,
    /// Absent if the server itself took the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("203.0.113.9"))]
    source_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<UserAgentView>,
    /// Of an opened link.
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_by: Option<Opener>,
    /// Why the proof or the mail failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("invalid proof"))]
    reason: Option<String>,
    /// Of a mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<MailView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ParsedUserAgent)]
struct UserAgentView {
    /// The header, at most 512 bytes.
    #[schema(examples(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"
    ))]
    raw: String,
    /// The browser, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("Firefox"))]
    family: Option<&'static str>,
    /// The operating system, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("Windows"))]
    operating_system: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MailReply)]
struct MailView {
    /// The number of attempts.
    #[schema(examples(1))]
    attempts: i64,
    /// The reply code of the mail server (RFC 5321). Absent if it did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples(250))]
    reply_code: Option<u16>,
    /// The enhanced status code of a failed mail (RFC 3463).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("5.1.1"))]
    enhanced_code: Option<String>,
}

impl From<JobStep> for StepView {
    fn from(step: JobStep) -> Self {
        let user_agent = |raw: String| {
            let UserAgent { family, system } = UserAgent::parse(&raw);
            UserAgentView {
                raw,
                family,
                operating_system: system,
            }
        };
        Self {
            id: step.id,
            step: step.step,
            time: step.time,
            actor: step.actor,
            correlation_id: step.correlation_id,
            source_address: step.source_address.map(|address| address.to_string()),
            user_agent: step.user_agent.map(user_agent),
            opened_by: step.opened_by,
            reason: step.reason,
            mail: step.mail.map(|mail| MailView {
                attempts: mail.attempts,
                reply_code: mail.reply_code,
                enhanced_code: mail.enhanced_code,
            }),
        }
    }
}

impl Listed for StepView {
    const SCHEMA: &'static str = "ListCredentialBindingJobEventsResponse";
    const MEMBER: &'static str = "credential_binding_job_events";
    const SIZES: Sizes = Sizes::CONFIGURATION;
}

type StepPage = Paged<StepView>;

/// Lists the steps of a job, oldest first. Steps are kept as long as audit events.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/events",
    operation_id = "ListCredentialBindingJobEvents",
    tag = "Credential Binding Jobs",
    params(JobRef, ListQuery),
    responses((status = 200, body = StepPage), Refusals),
    security(("bearer" = ["credential-binding-jobs:read"])),
)]
async fn list_steps(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Read>,
    at: JobRef,
    asked: Asked<StepView>,
) -> Result<StepPage> {
    let page = steps::list(&ctx, at, &asked).await?;
    Ok(asked.answer(page))
}
