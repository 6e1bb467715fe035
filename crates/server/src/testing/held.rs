//! What another node has written and not committed yet.

use std::time::Duration;

use keymoor_types::{IdentityId, RealmId, TenantId};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use super::TestApp;
use crate::db::DatabaseUrl;

/// A suspension in a transaction that is still open. PostgreSQL only: SQLite has one writer.
pub(crate) struct Suspension {
    transaction: Client,
    observer: Client,
}

impl Suspension {
    pub(crate) async fn begin(
        test: &TestApp,
        (tenant, realm, identity): (TenantId, RealmId, IdentityId),
    ) -> Self {
        let transaction = connect(test).await;
        transaction.batch_execute("BEGIN").await.unwrap();
        let sql = "UPDATE identities SET status = 'suspended'
            WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3";
        let ids = [tenant.as_i64(), realm.as_i64(), identity.as_i64()];
        let changed = transaction
            .execute(sql, &[&ids[0], &ids[1], &ids[2]])
            .await
            .unwrap();
        assert_eq!(changed, 1);
        Self {
            transaction,
            observer: connect(test).await,
        }
    }

    /// Commits once `racer` waits for it, or has not: what came of it then.
    pub(crate) async fn commit_against<T>(self, racer: JoinHandle<T>) -> T {
        while !racer.is_finished() && !self.is_waited_for().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.transaction.batch_execute("COMMIT").await.unwrap();
        racer.await.unwrap()
    }

    async fn is_waited_for(&self) -> bool {
        let sql = "SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting: i64 = self.observer.query_one(sql, &[]).await.unwrap().get(0);
        waiting > 0
    }
}

async fn connect(test: &TestApp) -> Client {
    let DatabaseUrl::Postgres(url) = test.database() else {
        panic!("not PostgreSQL");
    };
    let (client, connection) = url.config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
