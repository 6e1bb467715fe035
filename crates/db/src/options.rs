//! How a database is reached.

use std::time::Duration;

use crate::url::DatabaseUrl;

/// How to reach a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub url: DatabaseUrl,
    /// At most so many connections to PostgreSQL. More than 32 gained nothing where it was
    /// measured. SQLite takes what it needs.
    pub connections: usize,
    /// How long a write may wait for its turn, or anything for a connection, before it is told
    /// [`Error::Overloaded`](crate::Error::Overloaded) instead: nothing runs for a caller who has long given up.
    pub patience: Duration,
}

impl From<DatabaseUrl> for Options {
    fn from(url: DatabaseUrl) -> Self {
        Self {
            url,
            connections: 32,
            // Longer than a group of slow commits, shorter than people and proxies wait.
            patience: Duration::from_secs(5),
        }
    }
}
