//! Fresh databases for tests, of this crate and of those that build on it.
//!
//! PostgreSQL is the server that `KEYMOOR_TEST_POSTGRES_URL` names. Without it a test fails,
//! because a skipped test proves nothing.

mod held;
mod logs;
mod plans;
mod relay;
pub mod schema;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_postgres::{Client, Config, NoTls};

pub use crate::recorder::Recorded;
pub use held::HeldTransaction;
pub use plans::misfits;
pub use relay::Relay;

use crate::{DatabaseUrl, Db, Error, Migration, Options};

/// Enough connections for real races, few enough to leave the server some for other tests.
const CONNECTIONS: usize = 16;

/// A database that is deleted with this guard, on failure too.
pub struct TestDb<E> {
    db: Db<E>,
    options: Options,
    /// `None` for another handle on the database of a guard.
    _home: Option<Home>,
}

enum Home {
    Folder(#[expect(dead_code, reason = "it is deleted when dropped")] TempDir),
    Server(#[expect(dead_code, reason = "it is deleted when dropped")] Database),
}

impl<E> Deref for TestDb<E> {
    type Target = Db<E>;

    fn deref(&self) -> &Db<E> {
        &self.db
    }
}

impl<E> TestDb<E> {
    /// How another handle, or another process, reaches the same database.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Opens the same database once more, with other options. This guard must live longer.
    pub fn reopened(&self, adjust: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.options.clone();
        adjust(&mut options);
        Self {
            db: Db::open(&options).expect("the database opens again"),
            options,
            _home: None,
        }
    }

    fn open(url: DatabaseUrl, home: Home) -> Self {
        logs::keep_apart();
        let options = Options {
            connections: CONNECTIONS,
            // The disk of a machine that compiles meanwhile may stall for longer than people wait.
            patience: Duration::from_mins(1),
            deadline: Duration::from_mins(1),
            ..url.into()
        };
        let db = Db::open(&options).expect("a fresh database opens");
        Self {
            db,
            options,
            _home: Some(home),
        }
    }
}

/// Creates a file with the schema of these migrations.
pub async fn fresh_sqlite<E>(migrations: &'static [Migration]) -> TestDb<E> {
    let test = empty_sqlite();
    migrate(&test, migrations).await;
    test
}

/// Creates a file without a schema.
pub fn empty_sqlite<E>() -> TestDb<E> {
    sqlite_of(tempfile::tempdir().expect("the temporary folder is writable"))
}

/// Opens the existing file `keymoor.db` of this folder.
pub fn sqlite_of<E>(folder: TempDir) -> TestDb<E> {
    let url = DatabaseUrl::Sqlite(folder.path().join("keymoor.db"));
    TestDb::open(url, Home::Folder(folder))
}

/// Creates a database on the test server, with the schema of these migrations.
pub async fn fresh_postgres<E>(migrations: &'static [Migration]) -> TestDb<E> {
    fresh_postgres_with(migrations, |_| ()).await
}

/// The same, after `adjust` has changed how it is connected to.
pub(crate) async fn fresh_postgres_with<E>(
    migrations: &'static [Migration],
    adjust: impl FnOnce(&mut Config),
) -> TestDb<E> {
    let template = template(migrations).await;
    Database::create(&format!("TEMPLATE {template}"))
        .await
        .open(adjust)
}

/// Creates a database without a schema.
pub async fn empty_postgres<E>() -> TestDb<E> {
    postgres_made_with(EMPTY).await
}

/// Creates a database without a schema, with these options of CREATE DATABASE.
pub(crate) async fn postgres_made_with<E>(words: &str) -> TestDb<E> {
    Database::create(words).await.open(|_| ())
}

async fn migrate<E>(db: &Db<E>, migrations: &'static [Migration]) {
    db.migrate(migrations)
        .await
        .expect("a fresh database migrates");
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
    connect(&server()).await
}

/// Opens a connection outside the database layer.
pub(crate) async fn connect(config: &Config) -> Client {
    let (client, connection) = config
        .connect(NoTls)
        .await
        .expect("the test server answers");
    tokio::spawn(connection);
    client
}

/// The migrated database that others are copied from, which is several times faster than
/// migrating each.
async fn template(migrations: &'static [Migration]) -> String {
    static MADE: Mutex<BTreeSet<String>> = Mutex::const_new(BTreeSet::new());
    let name = template_name(migrations);
    let mut made = MADE.lock().await;
    if !made.contains(&name) {
        make_template(&name, migrations).await;
        made.insert(name.clone());
    }
    name
}

/// Creates the template unless another process did.
async fn make_template(name: &str, migrations: &'static [Migration]) {
    const ANSWERS: &str = "the test server answers";
    let admin = admin().await;
    // Two test processes may start at once. The lock ends with the connection.
    admin
        .execute("SELECT pg_advisory_lock(hashtext($1))", &[&name])
        .await
        .expect(ANSWERS);
    let find = "SELECT 1 FROM pg_database WHERE datname = $1";
    let found = admin.query_opt(find, &[&name]).await.expect(ANSWERS);
    if found.is_some() {
        return;
    }
    let unfinished = format!("{name}_unfinished");
    drop_database(&admin, &unfinished).await;
    create_database(&admin, &unfinished, EMPTY).await;
    let mut config = server();
    config.dbname(&unfinished);
    let url = DatabaseUrl::Postgres(Box::new(config.into()));
    let db = Db::<Error>::open(&Options {
        connections: 1,
        ..url.into()
    });
    let db = db.expect("a fresh database opens");
    migrate(&db, migrations).await;
    db.close().await;
    let rename = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
    admin.batch_execute(&rename).await.expect(ANSWERS);
}

fn template_name(migrations: &[Migration]) -> String {
    let mut hash = Context::new(&SHA256);
    for migration in migrations {
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

    fn open<E>(self, adjust: impl FnOnce(&mut Config)) -> TestDb<E> {
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
