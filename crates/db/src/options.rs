//! Connection options.

use std::time::Duration;

use crate::url::DatabaseUrl;

/// How to connect to a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub url: DatabaseUrl,
    /// The maximum number of PostgreSQL connections. More than 32 gained nothing where it was
    /// measured. SQLite opens as many as it needs.
    pub connections: usize,
    /// How long a write may wait in the queue, or any call for a connection, before it fails with
    /// [`Error::Overloaded`](crate::Error::Overloaded). Nothing runs for a caller that has long
    /// given up.
    pub patience: Duration,
    /// How long PostgreSQL may take to answer a statement, BEGIN and COMMIT included. A connection
    /// that misses it is closed, and the call fails with
    /// [`Error::OutOfService`](crate::Error::OutOfService), or with
    /// [`Error::Commit`](crate::Error::Commit) if a commit was not answered.
    pub deadline: Duration,
}

impl From<DatabaseUrl> for Options {
    fn from(url: DatabaseUrl) -> Self {
        Self {
            url,
            connections: 32,
            // Longer than a group of slow commits, shorter than people and proxies wait.
            patience: Duration::from_secs(5),
            // Longer than PostgreSQL waits for a lock, so that it can say so itself.
            deadline: Duration::from_secs(10),
        }
    }
}
