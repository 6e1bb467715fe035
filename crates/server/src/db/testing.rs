//! Fresh databases for tests: those of `keymoor-db` with this server's errors and schema.

use tempfile::TempDir;

use super::MIGRATIONS;
use crate::base::error::Error;

pub(crate) use keymoor_db::testing::{Recorded, Relay, misfits};

pub(crate) type TestDb = keymoor_db::testing::TestDb<Error>;

/// A new file with the newest schema.
pub(crate) async fn fresh_sqlite() -> TestDb {
    keymoor_db::testing::fresh_sqlite(MIGRATIONS).await
}

/// A new database on the test server with the newest schema.
pub(crate) async fn fresh_postgres() -> TestDb {
    keymoor_db::testing::fresh_postgres(MIGRATIONS).await
}

/// A new file without a schema.
pub(crate) async fn empty_sqlite() -> TestDb {
    keymoor_db::testing::empty_sqlite()
}

/// A new database without a schema.
pub(crate) async fn empty_postgres() -> TestDb {
    keymoor_db::testing::empty_postgres().await
}

/// The file `keymoor.db` of this folder, made by somebody else.
pub(crate) fn sqlite_of(folder: TempDir) -> TestDb {
    keymoor_db::testing::sqlite_of(folder)
}
