//! Describing a schema, so that two can be compared.

use super::*;
use crate::testing::schema::describe;

#[tokio::test]
async fn a_difference_between_the_databases_is_seen() {
    let (sqlite, postgres) = (fresh_sqlite().await, fresh_postgres().await);
    let before = describe(&sqlite).await.unwrap();
    assert_eq!(before, describe(&postgres).await.unwrap());
    for change in [
        "ALTER TABLE probe_rows ALTER COLUMN value DROP NOT NULL",
        "ALTER TABLE probe_tokens ALTER COLUMN owner TYPE TEXT",
        "ALTER TABLE probe_rows ADD COLUMN more BIGINT",
        "ALTER TABLE probe_children DROP CONSTRAINT probe_children_parent_fkey",
        "DROP INDEX probe_tokens_owner",
        "ALTER TABLE probe_tokens DROP CONSTRAINT probe_tokens_pkey",
    ] {
        let fresh = fresh_postgres().await;
        fresh
            .write(async move |tx| tx.exec(change, &()).await)
            .await
            .unwrap();
        assert_ne!(before, describe(&fresh).await.unwrap(), "{change}");
    }
}
