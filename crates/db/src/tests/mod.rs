//! What the layer promises, on both databases unless a test says otherwise.

mod assumed;
mod backup;
mod closing;
mod collisions;
mod groups;
mod migrations;
mod rows;
mod schema;
mod silence;
mod statements;
mod tls;
mod transactions;

use crate::testing;
use crate::{Error, FromRow, Migration, Params, Result, Sql, Tx};

type Db = crate::Db<Error>;
type TestDb = testing::TestDb<Error>;

/// Runs each listed `async fn name(db: Db)` as `name::sqlite` and `name::postgres`, each on its own
/// migrated database.
///
/// The compiler reports a test that no list names as dead code.
macro_rules! both_dbs {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let db = fresh_sqlite().await;
                super::$name(Db::clone(&db)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let db = fresh_postgres().await;
                super::$name(Db::clone(&db)).await;
            }
        }
    )+};
}

use both_dbs;

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "0001_probes",
    sql: TABLES,
}];

async fn fresh_sqlite() -> TestDb {
    testing::fresh_sqlite(MIGRATIONS).await
}

async fn fresh_postgres() -> TestDb {
    testing::fresh_postgres(MIGRATIONS).await
}

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

async fn insert(tx: &mut Tx, id: i64) -> Result<u64> {
    tx.exec("INSERT INTO probe_rows (id, value) VALUES ($1, 0)", &id)
        .await
}

/// The row that a statement always gives.
async fn select<T: FromRow>(
    db: &Db,
    sql: &'static str,
    params: &(impl Params + ?Sized),
) -> Result<T> {
    db.read(async |rx| rx.one(sql, params).await).await
}

const NONE: [i64; 0] = [];

/// The ids kept, in order.
async fn ids(db: &Db) -> Vec<i64> {
    db.read(async |rx| rx.all("SELECT id FROM probe_rows ORDER BY id", &()).await)
        .await
        .unwrap()
}
