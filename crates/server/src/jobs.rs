//! The kinds of jobs that the outbox runs.

use crate::infra::outbox::registry::Jobs;
use crate::slices::binding::mailing::BindingLinkMail;
use crate::slices::credentials::mailing::PasskeyAddedMail;

/// Every kind of job.
pub fn all() -> Jobs {
    Jobs::default()
        .with::<BindingLinkMail>()
        .with::<PasskeyAddedMail>()
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use keymoor_types::{BindingJobId, CredentialId, IdentityId};

    use super::*;
    use crate::infra::outbox::Job;

    fn assert_stored_as<J: Job + PartialEq + Debug>(job: &J, kind: &str, payload: &str) {
        assert_eq!(J::KIND, kind);
        assert_eq!(serde_json::to_string(job).unwrap(), payload);
        assert_eq!(serde_json::from_str::<J>(payload).unwrap(), *job);
    }

    /// What a released version wrote must stay readable, and it must read what this one writes.
    #[test]
    fn jobs_are_stored_as_ever() {
        let link = BindingLinkMail {
            identity_id: IdentityId::from_i64(1),
            binding_job_id: BindingJobId::from_i64(2),
            link_number: 1,
        };
        let stored = r#"{"task":"binding_link","identity_id":"0000000000000001","binding_job_id":"0000000000000002","link_number":1}"#;
        assert_stored_as(&link, "binding_link", stored);
        let older = r#"{"task":"binding_link","identity_id":"0000000000000001","binding_job_id":"0000000000000002"}"#;
        assert_eq!(
            serde_json::from_str::<BindingLinkMail>(older).unwrap(),
            link
        );
        let added = PasskeyAddedMail {
            identity_id: IdentityId::from_i64(1),
            credential_id: CredentialId::from_i64(3),
            address: "ada@example.com".to_owned(),
        };
        let stored = r#"{"task":"passkey_added","identity_id":"0000000000000001","credential_id":"0000000000000003","address":"ada@example.com"}"#;
        assert_stored_as(&added, "passkey_added", stored);
    }
}
