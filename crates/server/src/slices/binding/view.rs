//! How jobs are shown.

use keymoor_types::{
    AuthenticatorConfigId, BatchId, BindingJobId, CredentialId, IdentityId, RealmId, TenantId,
    Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{BindingJob, DeliveryMethod, State};
use crate::slices::authenticator_configs::model::ConfigBody;

/// A config that came with a job or a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = InlineAuthenticatorConfigView)]
pub struct InlineConfigView {
    config: ConfigBody,
}

impl InlineConfigView {
    pub fn of(config: ConfigBody) -> Self {
        Self {
            config: config.shown(),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = CredentialBindingJob)]
#[schema(examples(json!({"state": "COMPLETE", "authenticator_config": null, "batch_id": null, "expire_time": "2026-03-03T09:30:00.000Z"})))]
pub struct JobView {
    id: BindingJobId,
    tenant_id: TenantId,
    realm_id: RealmId,
    identity_id: IdentityId,
    /// Set once a passkey is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_id: Option<CredentialId>,
    delivery_method: DeliveryMethod,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("https://app.example.com/welcome"))]
    post_binding_redirect_uri: Option<String>,
    /// Absent if the config came with the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator_config_id: Option<AuthenticatorConfigId>,
    /// The config that came with the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator_config: Option<InlineConfigView>,
    /// The batch that created the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<BatchId>,
    expire_time: Timestamp,
    create_time: Timestamp,
    update_time: Timestamp,
}

impl JobView {
    /// The job at `now`.
    pub fn at(job: BindingJob, now: Timestamp) -> Self {
        Self {
            state: job.state_at(now),
            id: job.id,
            tenant_id: job.tenant_id,
            realm_id: job.realm_id,
            identity_id: job.identity_id,
            credential_id: job.credential_id,
            delivery_method: job.delivery_method,
            post_binding_redirect_uri: job.post_binding_redirect_uri,
            authenticator_config_id: job.authenticator_config_id,
            authenticator_config: job.snapshot.inline.map(InlineConfigView::of),
            batch_id: job.batch_id,
            expire_time: job.expires_at,
            create_time: job.created_at,
            update_time: job.updated_at,
        }
    }
}
