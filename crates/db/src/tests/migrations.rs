//! Applying migrations.

use futures_util::future::join_all;

use super::*;
use crate::testing::{empty_postgres, empty_sqlite, postgres_made_with};

both_dbs!(
    migrating_again_does_nothing,
    a_new_file_is_applied_on_top,
    a_failing_file_leaves_nothing_behind,
    an_edited_file_is_refused,
    a_database_newer_than_the_binary_is_refused,
    a_migrated_database_is_fit_to_be_served,
);

/// Of [`MIGRATIONS`].
const NEWEST: i64 = 1;
const NEXT: i64 = NEWEST + 1;

fn and_then(sql: &'static str) -> &'static [Migration] {
    let next = Migration {
        version: NEXT,
        name: "next",
        sql: sql.into(),
    };
    [MIGRATIONS, &[next]].concat().leak()
}

async fn migrating_again_does_nothing(db: Db) {
    assert_eq!(db.schema_version().await, Ok(NEWEST));
    assert_eq!(db.migrate(MIGRATIONS).await, Ok(NEWEST));
    assert_eq!(db.schema_version().await, Ok(NEWEST));
}

async fn a_new_file_is_applied_on_top(db: Db) {
    let migrations = and_then("CREATE TABLE next_a (a TEXT); CREATE TABLE next_b (b TEXT)");
    assert_eq!(db.migrate(migrations).await, Ok(NEWEST));
    assert_eq!(db.schema_version().await, Ok(NEXT));
    db.write(async |tx| tx.exec("INSERT INTO next_b VALUES ('b')", &()).await)
        .await
        .unwrap();
}

async fn a_failing_file_leaves_nothing_behind(db: Db) {
    let migrations = and_then("CREATE TABLE next_a (a TEXT); CREATE TABLE next_a (a TEXT)");
    assert!(matches!(
        db.migrate(migrations).await,
        Err(Error::Other { .. })
    ));
    assert_eq!(db.schema_version().await, Ok(NEWEST));
    let migrations = and_then("CREATE TABLE next_a (a TEXT)");
    assert_eq!(db.migrate(migrations).await, Ok(NEWEST));
}

async fn an_edited_file_is_refused(db: Db) {
    db.migrate(and_then("CREATE TABLE next (a TEXT)"))
        .await
        .unwrap();
    let refused = db
        .migrate(and_then("CREATE TABLE next (b TEXT)"))
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("migration next is not the one"),
        "{refused}"
    );
}

async fn a_database_newer_than_the_binary_is_refused(db: Db) {
    db.migrate(and_then("CREATE TABLE next (a TEXT)"))
        .await
        .unwrap();
    let refused = db.migrate(MIGRATIONS).await.unwrap_err();
    assert!(
        refused.to_string().contains("newer than this binary"),
        "{refused}"
    );
    assert_eq!(db.schema_version().await, Ok(NEXT));
    let refused = db.require_current_schema(MIGRATIONS).await.unwrap_err();
    assert!(
        refused.to_string().contains("newer than this binary"),
        "{refused}"
    );
}

async fn a_migrated_database_is_fit_to_be_served(db: Db) {
    assert_eq!(db.migrate(MIGRATIONS).await, Ok(NEWEST));
    assert_eq!(db.require_current_schema(MIGRATIONS).await, Ok(()));
}

#[tokio::test]
async fn a_database_that_is_not_migrated_is_not_served_and_not_changed() {
    let both: [TestDb; 2] = [empty_sqlite(), empty_postgres().await];
    for test in both {
        let refused = test.require_current_schema(MIGRATIONS).await.unwrap_err();
        assert!(refused.to_string().contains("keymoor migrate"), "{refused}");
        assert_eq!(test.schema_version().await, Ok(0));
    }
}

#[tokio::test]
async fn of_several_that_migrate_an_empty_sqlite_at_once_one_works() {
    migrate_by_eight(empty_sqlite()).await;
}

#[tokio::test]
async fn of_several_that_migrate_an_empty_postgres_at_once_one_works() {
    migrate_by_eight(empty_postgres().await).await;
}

async fn migrate_by_eight(test: TestDb) {
    assert_eq!(test.schema_version().await, Ok(0));
    let processes: Vec<_> = (0..8).map(|_| Db::open(test.options()).unwrap()).collect();
    let found = join_all(processes.iter().map(|db| db.migrate(MIGRATIONS))).await;
    let first = found.iter().filter(|found| **found == Ok(0)).count();
    let later = found.iter().filter(|found| **found == Ok(NEWEST)).count();
    assert_eq!((first, later), (1, 7), "{found:?}");
    assert_eq!(test.schema_version().await, Ok(NEWEST));
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
        let test: TestDb = postgres_made_with(made_with).await;
        let refused = test.migrate(MIGRATIONS).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(problem), "{refused}");
    }
}
