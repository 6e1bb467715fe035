//! Diagnostics for operators.

use keymoor_types::Timestamp;

use crate::database::{Db, Engine};
use crate::error::{Error, Result};
use crate::statement::Rx;

impl<E> Db<E> {
    /// Checks that the database responds. Unlike [`Db::health`] it requires no write transaction.
    pub async fn readable(&self) -> Result<()> {
        let read = async |rx: &mut Rx| rx.one::<i64>("SELECT CAST(1 AS BIGINT)", &()).await;
        self.engine.read::<_, Error, _>(read).await.map(drop)
    }

    /// Returns SQLite's journal mode, which should be `wal`; `None` on PostgreSQL.
    pub async fn journal_mode(&self) -> Result<Option<String>> {
        match &*self.engine {
            Engine::Postgres(_) => Ok(None),
            Engine::Sqlite(_) => {
                let read = async |rx: &mut Rx| rx.one("PRAGMA journal_mode", &()).await;
                self.engine.read::<_, Error, _>(read).await.map(Some)
            }
        }
    }

    /// Returns the time on PostgreSQL's machine; `None` for SQLite, which runs on ours.
    pub async fn clock(&self) -> Result<Option<Timestamp>> {
        const SQL: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
        match &*self.engine {
            Engine::Sqlite(_) => Ok(None),
            Engine::Postgres(_) => {
                let read = async |rx: &mut Rx| rx.one(SQL, &()).await;
                self.engine.read::<_, Error, _>(read).await.map(Some)
            }
        }
    }
}
