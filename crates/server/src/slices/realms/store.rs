//! Rows of `realms`.

use keymoor_types::{RealmId, TenantId, Timestamp};

use super::model::{Realm, RealmPatch};
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{RealmRef, TenantRef};
use crate::base::text;
use crate::db::{self, Param, Rx, Sql, Tx, record};
use crate::infra::directory::store::{self as totals, Directory};

/// The list whose total is stored.
pub const DIRECTORY: Directory = Directory::new("realms");

record!(Realm as columns {
    tenant_id,
    id: "realm_id",
    display_name,
    classification,
    is_admin,
    created_at,
    updated_at,
});

/// The columns of a [`Realm`], for statements of other slices.
pub(crate) use columns as realm_columns;

pub async fn insert(tx: &mut Tx, realm: &Realm) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO realms (",
        columns!(),
        ", folded_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    tx.exec(SQL, &(realm, text::folded(&realm.display_name)))
        .await
        .map_err(refused)?;
    Ok(())
}

fn refused(error: db::Error) -> Error {
    match &error {
        db::Error::Unique { constraint } if constraint == "realms_name" => {
            Error::conflict_on("realm name already exists", Kind::REALM, "", "duplicate")
        }
        db::Error::Unique { constraint } if constraint == "realms_pkey" => Error::Collision,
        _ => error.into(),
    }
}

/// The statement that reads a realm.
macro_rules! select {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM realms WHERE tenant_id = $1 AND realm_id = $2",
            $lock
        )
    };
}

pub async fn find(rx: &mut Rx, at: RealmRef) -> Result<Option<Realm>> {
    Ok(rx.opt(select!(""), &at).await?)
}

/// Like [`find`], and prevents new references to the realm, and new identities and subjects in it,
/// until the transaction ends.
pub async fn find_locked(tx: &mut Tx, at: RealmRef) -> Result<Option<Realm>> {
    // SQLite has one writer, so needs no lock.
    const SQL: Sql = Sql {
        sqlite: select!(""),
        postgres: select!(" FOR UPDATE"),
    };
    Ok(tx.opt(SQL, &at).await?)
}

/// Like [`find`], and until the transaction ends the realm is not deleted, and no application of it
/// changes the subject of its tokens.
pub async fn find_shared(tx: &mut Tx, at: RealmRef) -> Result<Option<Realm>> {
    // The lock of a foreign key check. SQLite has one writer.
    const SQL: Sql = Sql {
        sqlite: select!(""),
        postgres: select!(" FOR KEY SHARE"),
    };
    Ok(tx.opt(SQL, &at).await?)
}

pub async fn find_admin(rx: &mut Rx, tenant: TenantId) -> Result<Option<Realm>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM realms WHERE tenant_id = $1 AND is_admin ORDER BY realm_id LIMIT 1"
    );
    Ok(rx.opt(SQL, &tenant).await?)
}

/// Statements for a page of the realms that `$2` selects, and for their number.
macro_rules! texts {
    ($matching:literal) => {
        [
            concat!(
                "SELECT ",
                columns!(),
                " FROM realms WHERE tenant_id = $1 AND ",
                $matching,
                " AND realm_id > $3 ORDER BY realm_id LIMIT $4 OFFSET $5"
            ),
            concat!(
                "SELECT COUNT(*) FROM realms WHERE tenant_id = $1 AND ",
                $matching
            ),
        ]
    };
}

/// Reads a page of a tenant's realms.
pub async fn list(rx: &mut Rx, tenant: TenantRef, page: &PageRequest) -> Result<Page<Realm>> {
    const ALL: [&str; 2] = texts!("CAST($2 AS BIGINT) IS NULL");
    const BY_ID: [&str; 2] = texts!("realm_id = $2");
    const BY_NAME: [&str; 2] = texts!("folded_name = $2 AND folded_name >= ''");
    let id = page.filtered("id").map(no_realm_unless_id);
    let name = page.filtered("display_name").map(text::folded);
    let ([page_sql, count_sql], value): (_, &dyn Param) = match (&id, &name) {
        (Some(_), _) => (BY_ID, &id),
        (None, Some(_)) => (BY_NAME, &name),
        (None, None) => (ALL, &id),
    };
    let after = page.after::<RealmId>()?.unwrap_or(NO_REALM);
    let rows = rx
        .all(
            page_sql,
            &(tenant.tenant_id, value, after, page.limit(), page.offset()),
        )
        .await?;
    let total = if page.filter.is_some() {
        rx.one(count_sql, &(tenant.tenant_id, value)).await?
    } else {
        totals::total(rx, tenant, DIRECTORY).await?
    };
    Ok(page.page(rows, total, |realm: &Realm| realm.id))
}

/// Less than every id, and not itself an id.
const NO_REALM: RealmId = RealmId::from_i64(-1);

fn no_realm_unless_id(text: &str) -> RealmId {
    text.parse().unwrap_or(NO_REALM)
}

pub async fn update(
    tx: &mut Tx,
    at: RealmRef,
    patch: &RealmPatch,
    now: Timestamp,
) -> Result<Option<Realm>> {
    const SQL: &str = concat!(
        "UPDATE realms SET display_name = COALESCE($3, display_name), folded_name = COALESCE($4, folded_name),
            classification = COALESCE($5, classification), updated_at = $6
        WHERE tenant_id = $1 AND realm_id = $2
        RETURNING ",
        columns!()
    );
    let RealmPatch {
        display_name,
        classification,
    } = patch;
    let folded_name = display_name.as_deref().map(text::folded);
    tx.opt(SQL, &(at, display_name, folded_name, classification, now))
        .await
        .map_err(refused)
}

/// Deletes a realm with its configuration and keys. Authorization codes and tokens are left to the
/// sweeps that delete them after they expire.
pub async fn delete(tx: &mut Tx, at: RealmRef) -> Result<()> {
    // Referring rows are deleted first.
    const IN_ORDER: [&str; 5] = [
        "DELETE FROM applications WHERE tenant_id = $1 AND realm_id = $2",
        "DELETE FROM authenticator_configs WHERE tenant_id = $1 AND realm_id = $2",
        "DELETE FROM resource_servers WHERE tenant_id = $1 AND realm_id = $2",
        "DELETE FROM signing_keys WHERE tenant_id = $1 AND realm_id = $2",
        "DELETE FROM realms WHERE tenant_id = $1 AND realm_id = $2",
    ];
    for sql in IN_ORDER {
        tx.exec(sql, &at).await?;
    }
    Ok(())
}
