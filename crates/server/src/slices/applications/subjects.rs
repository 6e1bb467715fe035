//! The field of identities that an application uses as subject: no two identities of the realm may
//! share a value.
//!
//! Searching a large realm for shared values takes seconds, so it is no part of the write. The field
//! is reserved first. From then on no identity can take a value that another has, so what the search
//! found still holds in the write, which uses the reservation up.

use keymoor_types::Seconds;

use super::choices::SubjectField;
use super::model::Reservation;
use super::store;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::base::refs::{ApplicationRef, RealmRef, Ref as _};
use crate::db::Tx;
use crate::slices::{identities, realms};

/// The subject of tokens, as requests name it.
const SUBJECT_FIELD: &str = "protocol_config.token_configuration.subject_field";

/// Far longer than a search. An older reservation was left behind by a process that died.
const LIFETIME: Seconds = Seconds::MINUTE.times(15);

/// A field that no two identities share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Distinct {
    field: SubjectField,
    /// `None`: its values are unique in any case.
    reservation: Option<Reservation>,
}

impl Distinct {
    /// The field whose values are unique in any case, for an application whose subject stays.
    pub(super) const fn none() -> Self {
        Self {
            field: SubjectField::Id,
            reservation: None,
        }
    }

    /// Reserves the field, and searches the realm for identities that share a value.
    ///
    /// # Errors
    /// `Conflict` if some do; `NotFound` for the realm.
    pub(super) async fn reserve(
        ctx: &Context,
        application: ApplicationRef,
        field: SubjectField,
    ) -> Result<Self> {
        if matches!(field, SubjectField::Id | SubjectField::Username) {
            let reservation = None;
            return Ok(Self { field, reservation });
        }
        let reservation = Reservation {
            application,
            field,
            created_at: ctx.now,
        };
        ctx.app
            .db
            .write(async move |tx| reserve(tx, &reservation).await)
            .await?;
        let reserved = Self {
            field,
            reservation: Some(reservation),
        };
        let found = require_distinct(ctx, application.realm(), field).await;
        reserved.or_release(&ctx.app, found).await?;
        Ok(reserved)
    }

    /// Uses the reservation up for an application that gets `subject`.
    ///
    /// # Errors
    /// `Unavailable` if that is another field, or the reservation is gone.
    pub(super) async fn claim(&self, tx: &mut Tx, subject: SubjectField) -> Result<()> {
        let holds = match &self.reservation {
            _ if self.field != subject => false,
            Some(reservation) => store::use_reservation(tx, reservation).await?,
            None => true,
        };
        if holds {
            return Ok(());
        }
        let why = "the application's subject field changed concurrently";
        Err(Error::Unavailable(why.to_owned()))
    }

    /// Returns `outcome`. If it is an error, frees the field first.
    pub(super) async fn or_release<T>(&self, app: &App, outcome: Result<T>) -> Result<T> {
        if let (Err(_), Some(reservation)) = (&outcome, self.reservation) {
            let released = app
                .db
                .write(async move |tx| store::use_reservation(tx, &reservation).await)
                .await;
            if let Err(error) = released {
                tracing::warn!(%error, "a subject field stays reserved until the next clean-up");
            }
        }
        outcome
    }
}

/// Reserves a field, once no identity is being written that doesn't know of it.
pub(super) async fn reserve(tx: &mut Tx, reservation: &Reservation) -> Result<()> {
    let realm = reservation.application.realm();
    let found = realms::store::find_locked(tx, realm).await?;
    found.ok_or_else(|| realm.not_found())?;
    store::reserve(tx, reservation).await
}

async fn require_distinct(ctx: &Context, realm: RealmRef, field: SubjectField) -> Result<()> {
    let shared = ctx
        .scan(realm.tenant_id, async move |rx| {
            identities::store::any_shared_subject(rx, realm, field).await
        })
        .await?;
    if !shared {
        return Ok(());
    }
    let name = field.trait_name();
    let why = format!(
        "{SUBJECT_FIELD} can't be {field}, because identities of the realm share a {name}. Change \
         theirs first, or choose another field"
    );
    let found = format!("duplicate {name}");
    Err(Error::conflict_on(why, Kind::REALM, realm.realm_id, &found))
}

/// Frees the fields that were reserved by processes that died.
pub async fn sweep(app: &App) -> Result<()> {
    let before = app.now() - LIFETIME;
    // Usually there are none, so the writer is not used.
    if !app
        .db
        .read(async |rx| store::any_reserved(rx, before).await)
        .await?
    {
        return Ok(());
    }
    app.db
        .write(async move |tx| store::free_reserved(tx, before).await)
        .await
}
