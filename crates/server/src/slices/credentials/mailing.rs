//! The notice that every owner of a new passkey gets.

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

/// Tells the owner of an identity that it has a new passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename = "passkey_added")]
pub struct PasskeyAddedMail {
    pub identity_id: IdentityId,
    pub credential_id: CredentialId,
    /// The owner's when the passkey was added: a thief of the account who changes it does not
    /// silence this.
    pub address: String,
}

impl MailJob for PasskeyAddedMail {
    const KIND: &'static str = "passkey_added";

    /// The mail, unless the identity is gone.
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
