//! Another node's uncommitted writes.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::connect;
use crate::{DatabaseUrl, Params, Values};

/// An open transaction outside the database layer. PostgreSQL only: SQLite has one writer.
pub struct HeldTransaction {
    transaction: Client,
    observer: Client,
}

impl HeldTransaction {
    /// Begins one in the database at `url`.
    pub async fn begin(url: &DatabaseUrl) -> Self {
        let DatabaseUrl::Postgres(url) = url else {
            panic!("not PostgreSQL");
        };
        let transaction = connect(&url.config).await;
        transaction
            .batch_execute("BEGIN")
            .await
            .expect("the test server answers");
        Self {
            transaction,
            observer: connect(&url.config).await,
        }
    }

    /// Runs a statement, and returns the number of rows affected.
    pub async fn exec(&self, sql: &'static str, params: &impl Params) -> u64 {
        let values = Values::of(params);
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        self.transaction
            .execute(sql, &values)
            .await
            .expect("the statement runs")
    }

    /// Commits once `racer` waits for it or has finished, and returns the racer's outcome.
    pub async fn commit_against<T>(self, racer: JoinHandle<T>) -> T {
        while !racer.is_finished() && !self.is_waited_for().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.transaction
            .batch_execute("COMMIT")
            .await
            .expect("it can be committed");
        racer.await.expect("the racer does not panic")
    }

    async fn is_waited_for(&self) -> bool {
        let sql = "SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let row = self.observer.query_one(sql, &[]).await;
        let waiting: i64 = row.expect("the test server answers").get(0);
        waiting > 0
    }
}
