//! The notice that every owner of a new passkey gets.

use keymoor_types::IdentityId;

use crate::app::App;
use crate::error::Result;
use crate::identities;
use crate::mail::letters::{self, Addressee};
use crate::outbox::store::Claim;
use crate::outbox::worker::Errand;
use crate::realms;

/// The mail to the owner, unless the identity is gone or has no address any more.
pub async fn errand(app: &App, claim: &Claim, identity_id: IdentityId) -> Result<Errand> {
    let (tenant_id, realm_id) = (claim.tenant_id, claim.realm_id);
    let (identity, realm) = app
        .db
        .read(async |rx| {
            Ok((
                identities::store::find(rx, tenant_id, realm_id, identity_id).await?,
                realms::store::find(rx, tenant_id, realm_id).await?,
            ))
        })
        .await?;
    let (Some(identity), Some(realm)) = (identity, realm) else {
        return Ok(Errand::Moot);
    };
    let Some(address) = identity.traits.primary_email_address else {
        return Ok(Errand::Moot);
    };
    let to = Addressee {
        address,
        username: identity.traits.username,
        realm: realm.display_name,
    };
    letters::passkey_added(claim.id, claim.created_at, to).map(Errand::Send)
}
