//! Fresh databases for tests.
//!
//! [`both_dbs!`] runs a test on SQLite and on PostgreSQL. The latter is the server that
//! `KEYMOOR_TEST_POSTGRES_URL` names; without it the test fails, for a test that skips itself
//! proves nothing.

use std::ops::Deref;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls};

use super::migrate::MIGRATIONS;
use super::{DatabaseUrl, Db, Options};

/// Makes of `async fn name(db: Db) { … }` a module `name` with the tests `sqlite` and `postgres`,
/// each on a database of its own that has been migrated.
macro_rules! both_dbs {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: Db) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($db: $crate::db::Db) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let db = $crate::db::testing::fresh_sqlite().await;
                check($crate::db::Db::clone(&db)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let db = $crate::db::testing::fresh_postgres().await;
                check($crate::db::Db::clone(&db)).await;
            }
        }
    )+};
}

pub(crate) use both_dbs;

/// So many connections let every race be one, and leave the server enough for other tests.
const CONNECTIONS: usize = 16;

/// A migrated database that goes away with this guard, on failure too.
pub(crate) struct TestDb {
    db: Db,
    options: Options,
    _home: Home,
}

enum Home {
    Folder(#[expect(dead_code, reason = "it is deleted when dropped")] TempDir),
    Server(#[expect(dead_code, reason = "it is deleted when dropped")] Database),
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl TestDb {
    /// How another handle, or another process, reaches the same database.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    fn open(url: DatabaseUrl, home: Home) -> Self {
        let options = Options {
            connections: CONNECTIONS,
            // The disk of a machine that compiles meanwhile may stall for longer than people wait.
            patience: Duration::from_mins(1),
            ..url.into()
        };
        let db = Db::open(&options).expect("a fresh database opens");
        Self {
            db,
            options,
            _home: home,
        }
    }
}

/// A new file.
pub(crate) async fn fresh_sqlite() -> TestDb {
    let test = empty_sqlite().await;
    test.migrate().await.expect("a fresh database migrates");
    test
}

/// A new file without a schema.
pub(crate) async fn empty_sqlite() -> TestDb {
    sqlite_of(tempfile::tempdir().expect("the temporary folder is writable"))
}

/// The file `keymoor.db` of this folder, made by somebody else.
pub(crate) fn sqlite_of(folder: TempDir) -> TestDb {
    let url = DatabaseUrl::Sqlite(folder.path().join("keymoor.db"));
    TestDb::open(url, Home::Folder(folder))
}

/// A new database on the test server.
pub(crate) async fn fresh_postgres() -> TestDb {
    fresh_postgres_with(|_| ()).await
}

/// The same, after `adjust` has changed how it is connected to.
pub(crate) async fn fresh_postgres_with(adjust: impl FnOnce(&mut Config)) -> TestDb {
    // Copying a migrated database is several times faster than migrating one.
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(make_template).await;
    Database::create(&format!("TEMPLATE {template}"))
        .await
        .open(adjust)
}

/// A new database without a schema.
pub(crate) async fn empty_postgres() -> TestDb {
    Database::create(EMPTY).await.open(|_| ())
}

/// A new database without a schema, made with these words of CREATE DATABASE.
pub(crate) async fn postgres_made_with(words: &str) -> TestDb {
    Database::create(words).await.open(|_| ())
}

fn server() -> Config {
    std::env::var("KEYMOOR_TEST_POSTGRES_URL")
        .expect(
            "KEYMOOR_TEST_POSTGRES_URL is not set: `cargo xtask test` starts a server and sets it",
        )
        .parse()
        .expect("KEYMOOR_TEST_POSTGRES_URL is a PostgreSQL URL")
}

async fn admin() -> Client {
    let (client, connection) = server()
        .connect(NoTls)
        .await
        .expect("the test server answers");
    tokio::spawn(connection);
    client
}

/// Makes the migrated database that others are copied from, unless an earlier run did.
async fn make_template() -> String {
    let name = template_name();
    let admin = admin().await;
    // Two test processes may start at once. The lock ends with the connection.
    admin
        .execute("SELECT pg_advisory_lock(hashtext($1))", &[&name])
        .await
        .unwrap();
    let find = "SELECT 1 FROM pg_database WHERE datname = $1";
    if admin.query_opt(find, &[&name]).await.unwrap().is_some() {
        return name;
    }
    let unfinished = format!("{name}_unfinished");
    drop_database(&admin, &unfinished).await;
    create_database(&admin, &unfinished, EMPTY).await;
    let mut config = server();
    config.dbname(&unfinished);
    let url = DatabaseUrl::Postgres(Box::new(config.into()));
    let db = Db::open(&Options {
        connections: 1,
        ..url.into()
    })
    .unwrap();
    db.migrate().await.expect("a fresh database migrates");
    db.close().await;
    let rename = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
    admin.batch_execute(&rename).await.unwrap();
    name
}

fn template_name() -> String {
    let mut hash = Context::new(&SHA256);
    for migration in MIGRATIONS {
        hash.update(migration.sql.postgres.as_bytes());
    }
    let digest = hash.finish();
    let (prefix, _) = digest
        .as_ref()
        .split_first_chunk()
        .expect("SHA-256 has 32 bytes");
    format!("keymoor_template_{:016x}", u64::from_be_bytes(*prefix))
}

const EMPTY: &str = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";

async fn create_database(admin: &Client, name: &str, options: &str) {
    let create = format!("CREATE DATABASE {name} {options}");
    admin
        .batch_execute(&create)
        .await
        .expect("the test user may create databases");
}

async fn drop_database(admin: &Client, name: &str) {
    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    admin
        .batch_execute(&drop)
        .await
        .expect("the test user may drop databases");
}

struct Database {
    name: String,
}

impl Database {
    async fn create(options: &str) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("keymoor_test_{}_{count}", std::process::id());
        let admin = admin().await;
        drop_database(&admin, &name).await;
        create_database(&admin, &name, options).await;
        Self { name }
    }

    fn open(self, adjust: impl FnOnce(&mut Config)) -> TestDb {
        let mut config = server();
        config.dbname(&self.name);
        adjust(&mut config);
        let url = DatabaseUrl::Postgres(Box::new(config.into()));
        TestDb::open(url, Home::Server(self))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        // The test's runtime can't be waited on from inside it.
        let dropping = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts")
                .block_on(async { drop_database(&admin().await, &name).await });
        });
        if dropping.join().is_err() {
            tracing::error!("a test database was left behind");
        }
    }
}
