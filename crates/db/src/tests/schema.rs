//! The product's schema, compared between the databases and with the rules for it.

use std::collections::BTreeSet;

use super::*;
use crate::db::schema::describe;
use crate::db::testing::{fresh_postgres, fresh_sqlite};

#[tokio::test]
async fn e7_both_databases_have_the_same_schema() {
    let (sqlite, postgres) = (fresh_sqlite().await, fresh_postgres().await);
    let (sqlite, postgres) = (
        describe(&sqlite).await.unwrap(),
        describe(&postgres).await.unwrap(),
    );
    assert!(sqlite.contains_key("schema_migrations"));
    for table in sqlite.keys().chain(postgres.keys()) {
        assert_eq!(sqlite.get(table), postgres.get(table), "{table}");
    }
}

#[tokio::test]
async fn a_difference_between_the_databases_is_seen() {
    let (sqlite, postgres) = (fresh_sqlite().await, fresh_postgres().await);
    make_tables(&sqlite).await;
    make_tables(&postgres).await;
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
        make_tables(&fresh).await;
        transact(&fresh, async move |tx| tx.exec(change, &[]).await)
            .await
            .unwrap();
        assert_ne!(before, describe(&fresh).await.unwrap(), "{change}");
    }
}

#[tokio::test]
async fn e7_every_table_of_sqlite_is_strict() {
    let lax: Result<Vec<String>> = fresh_sqlite()
        .await
        .query(async |rx| {
            let sql = "SELECT name FROM pragma_table_list
                       WHERE NOT strict AND schema = 'main' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
            rx.all(sql, &[]).await
        })
        .await;
    assert_eq!(lax.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn every_key_and_unique_index_starts_with_the_tenant() {
    let test = fresh_sqlite().await;
    let schema = describe(&test).await.unwrap();
    for (name, table) in schema
        .iter()
        .filter(|(name, _)| *name != "schema_migrations")
    {
        let first = |columns: &[String]| columns.first().cloned().unwrap_or_default();
        assert_eq!(
            first(&table.primary_key),
            "tenant_id",
            "primary key of {name}"
        );
        for (index, found) in table.indexes.iter().filter(|(_, index)| index.is_unique) {
            assert_eq!(first(&found.columns), "tenant_id", "{index}");
        }
        for key in &table.foreign_keys {
            assert_eq!(first(&key.columns), "tenant_id", "foreign key of {name}");
            assert_eq!(
                first(&key.parent_columns),
                "tenant_id",
                "foreign key of {name}"
            );
        }
    }
}

/// SQLite reports a violated index by its columns alone.
#[tokio::test]
async fn no_two_unique_indexes_have_the_same_columns() {
    let test = fresh_sqlite().await;
    let schema = describe(&test).await.unwrap();
    for (name, table) in schema {
        let mut seen = BTreeSet::from([table.primary_key]);
        for (index, found) in table
            .indexes
            .into_iter()
            .filter(|(_, index)| index.is_unique)
        {
            assert!(seen.insert(found.columns), "{index} of {name}");
        }
    }
}
