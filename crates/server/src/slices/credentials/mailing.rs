//! The notice that every owner of a new passkey gets.

use keymoor_types::IdentityId;

use crate::app::App;
use crate::base::error::Result;
use crate::infra::mail::letters::{self, Addressee};
use crate::infra::outbox::store::Claim;
use crate::infra::outbox::worker::Errand;
use crate::slices::identities;
use crate::slices::realms;

/// The mail to the owner at `address`, unless the identity is gone.
pub async fn errand(
    app: &App,
    claim: &Claim,
    identity_id: IdentityId,
    address: String,
) -> Result<Errand> {
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
    let to = Addressee {
        address,
        username: identity.traits.username,
        realm: realm.display_name,
    };
    letters::passkey_added(claim.id, claim.created_at, to).map(Errand::Send)
}
