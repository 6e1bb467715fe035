//! What the layer promises, on both databases unless a test says otherwise.

mod backup;
mod closing;
mod collisions;
mod groups;
mod migrations;
mod schema;
mod statements;
mod tls;
mod transactions;

use super::testing::both_dbs;
use super::{Db, Error, Result, Sql, Tx};

/// Tables of these tests' own, beside the product's.
const TABLES: Sql = Sql {
    sqlite: "
        CREATE TABLE probe_rows (
            id    INTEGER NOT NULL PRIMARY KEY,
            value INTEGER NOT NULL CONSTRAINT probe_rows_value CHECK (value >= 0)
        ) STRICT;
        CREATE TABLE probe_tokens (
            tenant_id INTEGER NOT NULL,
            token     TEXT NOT NULL,
            owner     INTEGER,
            PRIMARY KEY (tenant_id, token)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX probe_tokens_owner ON probe_tokens (tenant_id, owner);
        CREATE TABLE probe_children (
            id     INTEGER NOT NULL PRIMARY KEY,
            parent INTEGER NOT NULL REFERENCES probe_rows (id)
        ) STRICT;
        CREATE TABLE probe_late_children (
            id     INTEGER NOT NULL PRIMARY KEY,
            parent INTEGER NOT NULL REFERENCES probe_rows (id) DEFERRABLE INITIALLY DEFERRED
        ) STRICT;",
    postgres: "
        CREATE TABLE probe_rows (
            id    BIGINT NOT NULL PRIMARY KEY,
            value BIGINT NOT NULL CONSTRAINT probe_rows_value CHECK (value >= 0)
        );
        CREATE TABLE probe_tokens (
            tenant_id BIGINT NOT NULL,
            token     TEXT NOT NULL,
            owner     BIGINT,
            PRIMARY KEY (tenant_id, token)
        );
        CREATE UNIQUE INDEX probe_tokens_owner ON probe_tokens (tenant_id, owner);
        CREATE TABLE probe_children (
            id     BIGINT NOT NULL PRIMARY KEY,
            parent BIGINT NOT NULL REFERENCES probe_rows (id)
        );
        CREATE TABLE probe_late_children (
            id     BIGINT NOT NULL PRIMARY KEY,
            parent BIGINT NOT NULL REFERENCES probe_rows (id) DEFERRABLE INITIALLY DEFERRED
        );",
};

async fn make_tables(db: &Db) {
    transact(db, async |tx| tx.batch(TABLES).await)
        .await
        .unwrap();
}

/// [`Db::write`] with this layer's errors instead of the application's.
async fn transact<T, F>(db: &Db, work: F) -> Result<T>
where
    F: AsyncFn(&mut Tx) -> Result<T> + Send + Sync + 'static,
    T: Send + 'static,
{
    db.transact(work).await
}

async fn insert(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec("INSERT INTO probe_rows (id, value) VALUES ($1, 0)", &[&id])
        .await
}

const NONE: [i64; 0] = [];

/// The ids kept, in order.
async fn ids(db: &Db) -> Vec<i64> {
    let ids: Result<_> = db
        .query(async |rx| rx.all("SELECT id FROM probe_rows ORDER BY id", &[]).await)
        .await;
    ids.unwrap()
}
