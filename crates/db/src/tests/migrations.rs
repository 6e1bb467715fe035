//! Applying migrations.

use futures_util::future::join_all;

use super::*;
use crate::db::migrate::{MIGRATIONS, Migration};
use crate::db::testing::{empty_postgres, empty_sqlite, postgres_made_with};
use crate::db::{SCHEMA_VERSION, testing::TestDb};

const NEXT: i64 = SCHEMA_VERSION + 1;

fn and_then(sql: &'static str) -> &'static [Migration] {
    let next = Migration {
        version: NEXT,
        name: "next",
        sql: sql.into(),
    };
    [MIGRATIONS, &[next]].concat().leak()
}

both_dbs! {
    async fn migrating_again_does_nothing(db: Db) {
        assert_eq!(db.schema_version().await, Ok(SCHEMA_VERSION));
        assert_eq!(db.migrate().await, Ok(SCHEMA_VERSION));
        assert_eq!(db.schema_version().await, Ok(SCHEMA_VERSION));
    }

    async fn a_new_file_is_applied_on_top(db: Db) {
        let migrations = and_then("CREATE TABLE next_a (a TEXT); CREATE TABLE next_b (b TEXT)");
        assert_eq!(db.migrate_by(migrations).await, Ok(SCHEMA_VERSION));
        assert_eq!(db.schema_version().await, Ok(NEXT));
        transact(&db, async |tx| tx.exec("INSERT INTO next_b VALUES ('b')", &[]).await).await.unwrap();
    }

    async fn a_failing_file_leaves_nothing_behind(db: Db) {
        let migrations = and_then("CREATE TABLE next_a (a TEXT); CREATE TABLE next_a (a TEXT)");
        assert!(matches!(db.migrate_by(migrations).await, Err(Error::Other { .. })));
        assert_eq!(db.schema_version().await, Ok(SCHEMA_VERSION));
        let migrations = and_then("CREATE TABLE next_a (a TEXT)");
        assert_eq!(db.migrate_by(migrations).await, Ok(SCHEMA_VERSION));
    }

    async fn an_edited_file_is_refused(db: Db) {
        db.migrate_by(and_then("CREATE TABLE next (a TEXT)")).await.unwrap();
        let refused = db.migrate_by(and_then("CREATE TABLE next (b TEXT)")).await.unwrap_err();
        assert!(refused.to_string().contains("migration next is not the one"), "{refused}");
    }

    async fn a_database_newer_than_the_binary_is_refused(db: Db) {
        db.migrate_by(and_then("CREATE TABLE next (a TEXT)")).await.unwrap();
        let refused = db.migrate().await.unwrap_err();
        assert!(refused.to_string().contains("newer than this binary"), "{refused}");
        assert_eq!(db.schema_version().await, Ok(NEXT));
        let refused = db.require_current_schema().await.unwrap_err();
        assert!(refused.to_string().contains("newer than this binary"), "{refused}");
    }

    async fn a_migrated_database_is_fit_to_be_served(db: Db) {
        assert_eq!(db.migrate().await, Ok(SCHEMA_VERSION));
        assert_eq!(db.require_current_schema().await, Ok(()));
    }
}

#[tokio::test]
async fn a_database_that_is_not_migrated_is_not_served_and_not_changed() {
    for test in [empty_sqlite().await, empty_postgres().await] {
        let refused = test.require_current_schema().await.unwrap_err();
        assert!(refused.to_string().contains("keymoor migrate"), "{refused}");
        assert_eq!(test.schema_version().await, Ok(0));
    }
}

#[tokio::test]
async fn of_several_that_migrate_an_empty_sqlite_at_once_one_works() {
    migrate_by_eight(empty_sqlite().await).await;
}

#[tokio::test]
async fn of_several_that_migrate_an_empty_postgres_at_once_one_works() {
    migrate_by_eight(empty_postgres().await).await;
}

async fn migrate_by_eight(test: TestDb) {
    assert_eq!(test.schema_version().await, Ok(0));
    let processes: Vec<_> = (0..8).map(|_| Db::open(test.options()).unwrap()).collect();
    let found = join_all(processes.iter().map(Db::migrate)).await;
    let first = found.iter().filter(|found| **found == Ok(0)).count();
    let later = found
        .iter()
        .filter(|found| **found == Ok(SCHEMA_VERSION))
        .count();
    assert_eq!((first, later), (1, 7), "{found:?}");
    assert_eq!(test.schema_version().await, Ok(SCHEMA_VERSION));
}

#[tokio::test]
async fn e7_a_postgres_that_does_not_sort_by_code_point_or_is_not_of_unicode_is_refused() {
    for (made_with, problem) in [
        (
            "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
            "must have collation C, not ICU",
        ),
        (
            "TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
            "must have encoding UTF8, not SQL_ASCII",
        ),
    ] {
        let refused = postgres_made_with(made_with).await.migrate().await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(problem), "{refused}");
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
