//! Management endpoints of batches.

use std::collections::BTreeMap;

use keymoor_types::url_rules::check_destination;
use keymoor_types::{AuthenticatorConfigId, BatchId, RealmId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{BatchRef, BatchState, Item, ItemState, MAX_QUEUE, RowError};
use super::ops::{self, NewBatch, Progress, TEMPLATE};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::paging::Sizes;
use crate::base::refs::{RealmRef, Ref as _};
use crate::base::scope;
use crate::base::validation::Violations;
use crate::http::auth::Allowed;
use crate::http::json::{Body, Json, Reply};
use crate::http::list::{Asked, ListQuery, Listed};
use crate::http::openapi::{Conflicting, NotJson, Refusals};
use crate::http::path::extract;
use crate::http::problem::Problem;
use crate::slices::authenticator_configs::inline::InlineConfig;
use crate::slices::binding::model::ConfigChoice;
use crate::slices::binding::view::{InlineConfigView, JobView};

extract!(BatchRef);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(get))
        .routes(routes!(list_results))
        .routes(routes!(cancel))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateBatchCredentialBindingJobRequest)]
struct CreateRequest {
    batch_credential_binding_job: NewBatchView,
}

impl Body for CreateRequest {
    const ENVELOPE: &'static str = "batch_credential_binding_job";
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "realm_id",
        "state",
        "state_commentary",
        "progress",
        "create_time",
        "update_time",
        "job_template.expire_time",
    ];
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBatchCredentialBindingJob)]
struct NewBatchView {
    /// 1 to 1,000 identities. An identity that can't be invited is reported in `state_commentary`,
    /// and the others are invited.
    #[schema(examples("19cade21f4a269e0"))]
    identity_ids: Vec<String>,
    job_template: NewTemplateView,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBatchJobTemplate)]
#[schema(examples(json!({"authenticator_config": null})))]
struct NewTemplateView {
    /// The authenticator config whose pages or app will bind the passkeys. Either this or
    /// `authenticator_config` is required.
    #[schema(examples("019cade2-38b9-7181-90ed-90479531985d"))]
    authenticator_config_id: Option<String>,
    /// A config for these jobs alone, of type `embedded`.
    authenticator_config: Option<InlineConfig>,
    /// The application's destination after binding. The SDK returns it and never navigates.
    #[schema(examples("https://app.example.com/welcome"))]
    post_binding_redirect_uri: Option<String>,
}

impl TryFrom<NewBatchView> for NewBatch {
    type Error = Error;

    fn try_from(view: NewBatchView) -> Result<Self> {
        const IDENTITIES: &str = "batch_credential_binding_job.identity_ids";
        let mut violations = Violations::default();
        match view.identity_ids.len() {
            0 => violations.add(IDENTITIES, "empty array"),
            1..=MAX_QUEUE => {}
            _ => violations.add(IDENTITIES, "array exceeds 1000 elements"),
        }
        for (position, id) in view.identity_ids.iter().enumerate().take(MAX_QUEUE) {
            if id.is_empty() || id.len() > 64 {
                let field = format!("{IDENTITIES}[{position}]");
                violations.add(field, "must have 1 to 64 characters");
            }
        }
        let template = view.job_template;
        if let Some(uri) = &template.post_binding_redirect_uri {
            let field = format!("{TEMPLATE}.post_binding_redirect_uri");
            violations.check(&field, check_destination(uri));
        }
        let id = template.authenticator_config_id.as_deref();
        let inline = template.authenticator_config;
        let config = ConfigChoice::read(TEMPLATE, id, inline, &mut violations)?;
        let config = violations
            .or(config)?
            .expect("a missing config is a violation");
        Ok(Self {
            identity_ids: view.identity_ids,
            config,
            post_binding_redirect_uri: template.post_binding_redirect_uri,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = BatchCredentialBindingJob)]
struct BatchView {
    id: BatchId,
    tenant_id: TenantId,
    realm_id: RealmId,
    #[schema(examples("19cade21f4a269e0"))]
    identity_ids: Vec<String>,
    state: BatchState,
    state_commentary: CommentaryView,
    progress: ProgressView,
    job_template: TemplateView,
    create_time: Timestamp,
    update_time: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BatchStateCommentary)]
#[schema(examples(json!({"errors": {}})))]
struct CommentaryView {
    /// The identities that were not invited, each with the reason.
    errors: BTreeMap<String, RowErrorView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BatchRowError)]
struct RowErrorView {
    #[schema(examples("Identity missing email address"))]
    last_error: &'static str,
    /// Always true: a failed identity is not tried again.
    #[schema(examples(true))]
    failed_permanently: bool,
}

/// How far a batch is, in rows of `identity_ids`.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchProgress)]
struct ProgressView {
    #[schema(examples(1))]
    total: usize,
    #[schema(examples(0))]
    invited: usize,
    #[schema(examples(0))]
    failed: usize,
    #[schema(examples(1))]
    pending: usize,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BatchCredentialBindingJobTemplate)]
#[schema(examples(json!({"authenticator_config": null})))]
struct TemplateView {
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator_config_id: Option<AuthenticatorConfigId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator_config: Option<InlineConfigView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("https://app.example.com/welcome"))]
    post_binding_redirect_uri: Option<String>,
}

impl From<Progress> for BatchView {
    fn from(Progress { batch, items }: Progress) -> Self {
        let count = |state| items.iter().filter(|item| item.state == state).count();
        let errors = errors(&items);
        Self {
            state: BatchState::of(&items),
            state_commentary: CommentaryView { errors },
            progress: ProgressView {
                total: items.len(),
                invited: count(ItemState::Created),
                failed: count(ItemState::Failed),
                pending: count(ItemState::Pending),
            },
            id: batch.id,
            tenant_id: batch.tenant_id,
            realm_id: batch.realm_id,
            identity_ids: items.into_iter().map(|item| item.identity).collect(),
            job_template: TemplateView {
                authenticator_config_id: batch.template.authenticator_config_id,
                authenticator_config: batch.template.snapshot.inline.map(InlineConfigView::of),
                post_binding_redirect_uri: batch.template.post_binding_redirect_uri,
            },
            create_time: batch.created_at,
            update_time: batch.updated_at,
        }
    }
}

/// Returns why identities were not invited. That one is repeated hides no other reason.
fn errors(items: &[Item]) -> BTreeMap<String, RowErrorView> {
    let mut errors = BTreeMap::new();
    for item in items {
        let Some(error) = item.error else { continue };
        if error == RowError::Duplicate && errors.contains_key(&item.identity) {
            continue;
        }
        let row = RowErrorView {
            last_error: error.message(),
            failed_permanently: true,
        };
        errors.insert(item.identity.clone(), row);
    }
    errors
}

/// Creates a batch, which mails a link to each of up to 1,000 identities.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs",
    operation_id = "CreateBatchCredentialBindingJob",
    tag = "Credential Binding Jobs",
    params(RealmRef),
    request_body = CreateRequest,
    responses(
        (status = 200, body = BatchView),
        (status = 422, description = "The server has no mail server", body = Problem),
        Refusals,
        NotJson,
    ),
    security(("bearer" = ["credential-binding-jobs:create"])),
)]
async fn create(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Create>,
    at: RealmRef,
    Json(CreateRequest {
        batch_credential_binding_job,
    }): Json<CreateRequest>,
) -> Result<Reply<BatchView>> {
    let batch = ops::create(&ctx, at, batch_credential_binding_job.try_into()?).await?;
    Ok(Reply(batch.into()))
}

/// Reads a batch with its progress.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}",
    operation_id = "GetBatchCredentialBindingJob",
    tag = "Credential Binding Jobs",
    params(BatchRef),
    responses((status = 200, body = BatchView), Refusals),
    security(("bearer" = ["credential-binding-jobs:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Read>,
    at: BatchRef,
) -> Result<Reply<BatchView>> {
    Ok(Reply(ops::get(&ctx, at).await?.into()))
}

/// Cancels the pending part of a batch. Links that were mailed keep working.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}/~cancel",
    operation_id = "CancelBatchCredentialBindingJob",
    tag = "Credential Binding Jobs",
    params(BatchRef),
    responses((status = 200, body = BatchView), Refusals, Conflicting),
    security(("bearer" = ["credential-binding-jobs:create"])),
)]
async fn cancel(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Create>,
    at: BatchRef,
) -> Result<Reply<BatchView>> {
    Ok(Reply(ops::cancel(&ctx, at).await?.into()))
}

/// A job in the results of a batch.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = BatchCredentialBindingJobResult)]
struct ResultView(JobView);

impl Listed for ResultView {
    const SCHEMA: &'static str = "BatchCredentialBindingJobResults";
    const MEMBER: &'static str = "job_results";
    const SIZES: Sizes = Sizes::DIRECTORY;
}

#[derive(Serialize, ToSchema)]
#[schema(as = ListBatchCredentialBindingJobResultsResponse)]
struct ResultsAnswer {
    job_results: Vec<ResultView>,
    /// Jobs that bound a passkey.
    #[schema(examples(1))]
    total_success_count: i64,
    /// Jobs whose link expired, was revoked or could not be mailed.
    #[schema(examples(0))]
    total_failure_count: i64,
    /// Jobs whose link may still be used.
    #[schema(examples(1))]
    total_pending_count: i64,
    #[schema(examples(2))]
    total_size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("q1Xv8bJk3uYc0Wm5Zt7r"))]
    next_page_token: Option<String>,
}

/// Lists the jobs that a batch has created.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}/~listResults",
    operation_id = "ListBatchCredentialBindingJobResults",
    tag = "Credential Binding Jobs",
    params(BatchRef, ListQuery),
    responses((status = 200, body = ResultsAnswer), Refusals),
    security(("bearer" = ["credential-binding-jobs:read"])),
)]
async fn list_results(
    Allowed { ctx, .. }: Allowed<scope::credential_binding_jobs::Read>,
    at: BatchRef,
    asked: Asked<ResultView>,
) -> Result<Reply<ResultsAnswer>> {
    let results = ops::results(&ctx, at, &asked).await?;
    let page = results
        .page
        .map(|job| ResultView(JobView::at(job, ctx.now)));
    let (job_results, total_size, next_page_token) = asked.answer(page).into_parts();
    Ok(Reply(ResultsAnswer {
        job_results,
        total_success_count: results.successes,
        total_failure_count: results.failures,
        total_pending_count: results.pending,
        total_size,
        next_page_token,
    }))
}
