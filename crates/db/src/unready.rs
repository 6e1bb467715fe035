//! Databases that their operator must change first.

use std::fmt;

/// Why a database can't be used before its operator changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unready {
    /// The schema is older than the binary's, or missing.
    NotMigrated,
    /// A newer binary has migrated the database.
    Newer {
        /// The first migration that this binary does not have.
        migration: String,
    },
    /// The database was migrated by a file with the same number and another content.
    Changed {
        /// The migration's name.
        migration: String,
    },
    /// The PostgreSQL role lacks a right that the connection or the schema needs.
    Denied {
        /// PostgreSQL's own message.
        problem: String,
    },
}

impl Unready {
    /// What is wrong, for the operator.
    #[must_use]
    pub fn problem(&self) -> String {
        match self {
            Self::NotMigrated => "the database is not migrated".to_owned(),
            Self::Newer { migration } => {
                format!("the database is newer than this binary: it has migration {migration}")
            }
            Self::Changed { migration } => {
                format!("migration {migration} is not the one this database was migrated by")
            }
            Self::Denied { problem } => problem.clone(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::NotMigrated => "run `keymoor migrate`",
            Self::Newer { .. } => {
                "use the newer binary that migrated it, or restore a backup from before"
            }
            Self::Changed { .. } => {
                "use the binary that migrated it, which was built from other files, or restore a \
                 backup that this binary wrote"
            }
            Self::Denied { .. } => {
                "make the role in KEYMOOR_DATABASE_URL the owner of the database, by ALTER DATABASE … \
                 OWNER TO … as a superuser, and of its tables. Since PostgreSQL 15, only the \
                 database's owner can create tables in schema public"
            }
        }
    }
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem(), self.fix())
    }
}
