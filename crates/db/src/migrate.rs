//! Migrations: numbered SQL files that are part of the caller's binary, applied in one transaction.
//!
//! Never edit a released file: its checksum is stored in the database, and a difference is an
//! error. Add changes under a new number.

use aws_lc_rs::digest::{SHA256, digest};

use crate::database::Db;
use crate::error::{CREATE_DATABASE, Error, POOLER, Result};
use crate::statement::{Rx, Sql, Tx};
use crate::unready::Unready;

/// A schema migration.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Counted from 1.
    pub version: i64,
    /// The file's name without its ending.
    pub name: &'static str,
    /// The statements for each database.
    pub sql: Sql,
}

/// `migrations` lists every migration known to the caller, in order.
impl<E> Db<E> {
    /// Migrates the schema to the newest of `migrations` and returns its previous version. Does
    /// nothing the second time. Of several concurrent processes, one migrates and the others wait.
    ///
    /// [`Error::Unready`] when the database belongs to a newer binary, was migrated by files that
    /// differ from this binary's, or the role can't create tables. [`Error::Unfit`] on an
    /// unsupported PostgreSQL.
    pub async fn migrate(&self, migrations: &'static [Migration]) -> Result<i64> {
        self.check_server().await?;
        let newest = migrations.last().map_or(0, |newest| newest.version);
        if self.schema_version().await? < newest {
            self.require_right_to_create().await?;
        }
        self.prepare_history().await?;
        let apply = async move |tx: &mut Tx| {
            tx.lift_deadlines().await?;
            // Row 0 serves as the lock: a concurrent process waits here until the first has
            // committed. SQLite has one writer anyway.
            tx.one::<i64>(LOCK, &()).await?;
            let before = check_history(tx, migrations).await?;
            for migration in migrations.iter().filter(|next| next.version > before) {
                tx.batch(migration.sql).await?;
                let checksum = checksum(tx.text(migration.sql));
                tx.exec(
                    "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                    &(migration.version, migration.name, checksum),
                )
                .await?;
            }
            Ok(before)
        };
        self.engine.write(apply).await
    }

    /// Returns the schema's version: 0 before the first migration.
    pub async fn schema_version(&self) -> Result<i64> {
        let read = async |rx: &mut Rx| {
            let is_there: i64 = rx.one(HISTORY_EXISTS, &()).await?;
            if is_there == 0 {
                return Ok(0);
            }
            rx.one(
                "SELECT CAST(MAX(version) AS BIGINT) FROM schema_migrations",
                &(),
            )
            .await
        };
        self.engine.read(read).await
    }

    /// Checks that the schema is the one that `migrations` lead to, and fails with
    /// [`Error::Unready`] otherwise. Changes nothing.
    pub async fn require_current_schema(&self, migrations: &[Migration]) -> Result<()> {
        let newest = migrations.last().map_or(0, |newest| newest.version);
        self.engine.read(check_session).await?;
        if self.schema_version().await? < newest {
            self.require_right_to_create().await?;
            return Err(Error::Unready(Unready::NotMigrated));
        }
        let check = async |rx: &mut Rx| check_history(rx, migrations).await;
        self.engine.read(check).await.map(drop)
    }

    /// Checks PostgreSQL's version and the database's collation and encoding, and fails with
    /// [`Error::Unfit`] if one is unsupported.
    pub async fn check_server(&self) -> Result<()> {
        let check = async |rx: &mut Rx| {
            check_session(rx).await?;
            let version: i64 = rx.one(SERVER_VERSION, &()).await?;
            if version < OLDEST_POSTGRES {
                let major = version / 10_000;
                let why = format!("PostgreSQL 15 or newer is needed, not {major}");
                return Err(Error::Unfit(why));
            }
            let collation: String = rx.one(COLLATION, &()).await?;
            if !BY_CODE_POINT.contains(&collation.as_str()) {
                return Err(Error::Unfit(format!(
                    "the database must have collation C, not {collation}; make it with {CREATE_DATABASE}"
                )));
            }
            let encoding: String = rx.one(ENCODING, &()).await?;
            if encoding != "UTF8" {
                return Err(Error::Unfit(format!(
                    "the database must have encoding UTF8, not {encoding}; make it with {CREATE_DATABASE}"
                )));
            }
            Ok(())
        };
        self.engine.read(check).await
    }

    /// Fails with [`Unready::Denied`] if the PostgreSQL role can't create tables. Once the schema is
    /// current, the server needs no such right.
    async fn require_right_to_create(&self) -> Result<()> {
        let read = async |rx: &mut Rx| rx.one::<String>(SCHEMA_WITHOUT_RIGHT, &()).await;
        let schema = self.engine.read::<_, Error, _>(read).await?;
        if schema.is_empty() {
            return Ok(());
        }
        let problem = format!("permission denied for schema {schema}");
        Err(Error::Unready(Unready::Denied { problem }))
    }

    async fn prepare_history(&self) -> Result<()> {
        let create = async |tx: &mut Tx| tx.batch(CREATE_HISTORY).await;
        if self.engine.write(create).await.is_ok() {
            return Ok(());
        }
        // PostgreSQL's IF NOT EXISTS fails if another process is creating the table concurrently.
        // It succeeds once that has committed; any other failure recurs.
        self.engine.write(create).await
    }
}

/// Fails unless the settings of the connection have arrived.
async fn check_session(rx: &mut Rx) -> Result<()> {
    let session: Option<String> = rx.one(SESSION, &()).await?;
    if session.as_deref() == Some("direct") {
        Ok(())
    } else {
        Err(Error::Unfit(POOLER.to_owned()))
    }
}

const SESSION: Sql = Sql {
    sqlite: "SELECT 'direct'",
    postgres: "SELECT current_setting('keymoor.session', TRUE)",
};

/// As `server_version_num` writes 15.0.
const OLDEST_POSTGRES: i64 = 150_000;

/// SQLite is part of this binary and sorts by code point, so it is always supported.
const SERVER_VERSION: Sql = Sql {
    sqlite: "SELECT 150000",
    postgres: "SELECT CAST(current_setting('server_version_num') AS BIGINT)",
};

/// Pages and ranges depend on text sorting as it does in SQLite.
const BY_CODE_POINT: [&str; 4] = ["C", "POSIX", "C.UTF-8", "C.utf8"];

const COLLATION: Sql = Sql {
    sqlite: "SELECT 'C'",
    // The provider built into PostgreSQL 17 sorts by code point under each of its names.
    postgres: "SELECT CASE datlocprovider WHEN 'c' THEN datcollate WHEN 'b' THEN 'C' ELSE 'ICU' END
               FROM pg_database WHERE datname = current_database()",
};

const ENCODING: Sql = Sql {
    sqlite: "SELECT 'UTF8'",
    postgres: "SELECT current_setting('server_encoding')",
};

/// The schema in which the role must not create tables, or an empty text. Without a right to use
/// any schema of its search path, PostgreSQL names none.
const SCHEMA_WITHOUT_RIGHT: Sql = Sql {
    sqlite: "SELECT ''",
    postgres: "SELECT CASE WHEN has_schema_privilege(current_schema(), 'CREATE') THEN ''
                 ELSE COALESCE(current_schema(), 'public') END",
};

const HISTORY_EXISTS: Sql = Sql {
    sqlite: "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'schema_migrations'",
    postgres: "SELECT COUNT(*) FROM pg_tables
               WHERE schemaname = current_schema() AND tablename = 'schema_migrations'",
};

const CREATE_HISTORY: Sql = Sql {
    sqlite: "CREATE TABLE IF NOT EXISTS schema_migrations (
                 version  INTEGER NOT NULL PRIMARY KEY,
                 name     TEXT NOT NULL,
                 checksum TEXT NOT NULL
             ) STRICT;
             INSERT INTO schema_migrations VALUES (0, 'empty', '') ON CONFLICT DO NOTHING;",
    postgres: "CREATE TABLE IF NOT EXISTS schema_migrations (
                   version  BIGINT NOT NULL PRIMARY KEY,
                   name     TEXT NOT NULL,
                   checksum TEXT NOT NULL
               );
               INSERT INTO schema_migrations VALUES (0, 'empty', '') ON CONFLICT DO NOTHING;",
};

const LOCK: Sql = Sql {
    sqlite: "SELECT version FROM schema_migrations WHERE version = 0",
    postgres: "SELECT version FROM schema_migrations WHERE version = 0 FOR UPDATE",
};

async fn check_history(rx: &mut Rx, migrations: &[Migration]) -> Result<i64> {
    let applied: Vec<(i64, String, String)> = rx
        .all(
            "SELECT version, name, checksum FROM schema_migrations
             WHERE version > 0 ORDER BY version",
            &(),
        )
        .await?;
    for (version, name, sum) in &applied {
        let Some(migration) = migrations.iter().find(|ours| ours.version == *version) else {
            let migration = name.clone();
            return Err(Error::Unready(Unready::Newer { migration }));
        };
        if checksum(rx.text(migration.sql)) != *sum {
            let migration = name.clone();
            return Err(Error::Unready(Unready::Changed { migration }));
        }
    }
    Ok(applied.last().map_or(0, |(version, ..)| *version))
}

/// SHA-256 in hexadecimal.
fn checksum(sql: &str) -> String {
    use std::fmt::Write;
    digest(&SHA256, sql.as_bytes())
        .as_ref()
        .iter()
        .fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a String can't fail");
            hex
        })
}
