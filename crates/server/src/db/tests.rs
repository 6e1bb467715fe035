//! The schema, compared between the databases and with the rules for it; its backups.

mod plans;
mod silence;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keymoor_db::testing::schema::describe;

use super::testing::{fresh_postgres, fresh_sqlite, sqlite_of};
use super::{MIGRATIONS, backup};
use crate::testing::TestApp;
use crate::testing::sign_in::{Person, Site};

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
async fn e7_every_table_of_sqlite_is_strict() {
    let lax: Vec<String> = fresh_sqlite()
        .await
        .read(async |rx| {
            let sql = "SELECT name FROM pragma_table_list
                       WHERE NOT strict AND schema = 'main' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
            Ok(rx.all(sql, &()).await?)
        })
        .await
        .unwrap();
    assert_eq!(lax, Vec::<String>::new());
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

#[test]
fn the_files_on_disk_are_those_in_the_binary() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let known: Vec<_> = MIGRATIONS
        .iter()
        .map(|m| format!("{}.sql", m.name))
        .collect();
    for engine in ["sqlite", "postgres"] {
        let files = std::fs::read_dir(folder.join(engine)).unwrap();
        let mut found: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, known, "{engine}");
    }
    for (number, migration) in (1..).zip(MIGRATIONS) {
        assert_eq!(migration.version, number);
        assert!(
            migration.name.starts_with(&format!("{number:04}_")),
            "{}",
            migration.name
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_under_load_restores_to_a_server_that_signs_people_in() {
    let test = Arc::new(TestApp::sqlite().await);
    let site = Arc::new(Site::new(&test).await);
    let ada = Person::new(&test, "ada").await;
    let signed_in = Arc::new(AtomicI64::new(0));
    let signing_in = {
        let (test, site, signed_in) = (test.clone(), site.clone(), signed_in.clone());
        tokio::spawn(async move {
            let bob = Person::new(&test, "bob").await;
            loop {
                let started = site.start(&test, &[]).await;
                site.answer(&test, &bob.proof(&test, &started)).await.ok();
                signed_in.fetch_add(1, Ordering::Release);
            }
        })
    };
    while signed_in.load(Ordering::Acquire) < 10 {
        tokio::task::yield_now().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let (url, copy) = (
        test.app.config.database_url.clone(),
        folder.path().join("keymoor.db"),
    );
    tokio::task::spawn_blocking(move || backup(&url, &copy))
        .await
        .unwrap()
        .unwrap();
    signing_in.abort();

    let restored = test.on_copy(sqlite_of(folder));
    let earlier = restored
        .count("SELECT COUNT(*) FROM authorization_codes")
        .await;
    assert!(earlier >= 10, "{earlier}");
    let started = site.start(&restored, &[]).await;
    let answer = site
        .answer(&restored, &ada.proof(&restored, &started))
        .await
        .ok();
    assert_eq!(answer["type"], "allow");
}
