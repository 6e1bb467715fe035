//! The notice to the owner of a new passkey.

use keymoor_types::{CredentialId, IdentityId};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::infra::mail::Mail;
use crate::infra::mail::job::MailJob;
use crate::infra::mail::letters::{self, Addressee};
use crate::infra::outbox::{Claim, Ending, Verdict};
use crate::slices::events::mail::MailStatus;
use crate::slices::identities;
use crate::slices::realms;

/// Notifies the owner of an identity about a new passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename = "passkey_added")]
pub struct PasskeyAddedMail {
    pub identity_id: IdentityId,
    pub credential_id: CredentialId,
    /// The owner's address when the passkey was added, so that an attacker who changes the address
    /// can't suppress the notice.
    pub address: String,
}

impl MailJob for PasskeyAddedMail {
    const KIND: &'static str = "passkey_added";

    /// Returns the mail, unless the identity was deleted.
    async fn mail(&self, app: &App, claim: &Claim) -> Result<Option<Mail>> {
        let at = claim.realm().identity_id(self.identity_id);
        let (identity, realm) = app
            .db
            .read(async |rx| {
                Ok((
                    identities::store::find(rx, at).await?,
                    realms::store::find(rx, at.realm()).await?,
                ))
            })
            .await?;
        let (Some(identity), Some(realm)) = (identity, realm) else {
            return Ok(None);
        };
        let to = Addressee {
            address: self.address.clone(),
            username: identity.traits.username,
            realm: realm.display_name,
        };
        letters::passkey_added(claim.id, claim.created_at, to).map(Some)
    }

    fn ending(&self, ctx: &Context, claim: &Claim, verdict: &Verdict) -> impl Ending {
        let identity = claim.realm().identity_id(self.identity_id);
        let credential = identity.credential_id(self.credential_id);
        MailStatus::about(ctx, credential, claim, verdict)
    }
}
