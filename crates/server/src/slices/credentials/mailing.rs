//! The notice that every owner of a new passkey gets.

use crate::base::refs::RealmRef;
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
    let at = RealmRef {
        tenant_id: claim.tenant_id,
        realm_id: claim.realm_id,
    }
    .identity_id(identity_id);
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
        return Ok(Errand::Moot);
    };
    let to = Addressee {
        address,
        username: identity.traits.username,
        realm: realm.display_name,
    };
    letters::passkey_added(claim.id, claim.created_at, to).map(Errand::Send)
}
