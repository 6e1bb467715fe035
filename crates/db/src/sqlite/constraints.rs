//! Names SQLite's constraint violations as PostgreSQL does.

use rusqlite::Connection;

use crate::error::Error;

/// Converts `error`, naming the violated unique index.
///
/// SQLite lists the index's columns instead. Looking them up costs some microseconds, only after a
/// failed statement, and avoids a map that a migration could invalidate.
pub(super) fn name(conn: &Connection, error: rusqlite::Error) -> Error {
    match Error::from(error) {
        Error::Unique { constraint } => {
            let name = unique_index(conn, &constraint).ok().flatten();
            Error::Unique {
                constraint: name.unwrap_or(constraint),
            }
        }
        error => error,
    }
}

/// Returns the unique index over `columns`, written as SQLite does: `jobs.tenant_id, jobs.id`. Of
/// several over the same columns it returns the first, so partial ones must differ in their
/// columns.
fn unique_index(conn: &Connection, columns: &str) -> rusqlite::Result<Option<String>> {
    // An index over expressions is named at once.
    if let Some(quoted) = columns.strip_prefix("index '") {
        return Ok(Some(quoted.trim_end_matches('\'').to_owned()));
    }
    let Some((table, _)) = columns.split_once('.') else {
        return Ok(None);
    };
    let mut indexes = conn.prepare_cached(
        "SELECT l.name, l.origin = 'pk',
                (SELECT group_concat($1 || '.' || i.name, ', ') FROM pragma_index_info(l.name) i)
         FROM pragma_index_list($1) l WHERE l.\"unique\" ORDER BY l.seq DESC",
    )?;
    let mut rows = indexes.query([table])?;
    while let Some(row) = rows.next()? {
        let (name, is_primary, covers): (String, bool, Option<String>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        if covers.as_deref() == Some(columns) {
            return Ok(Some(if is_primary { primary_key(table) } else { name }));
        }
    }
    // Only an INTEGER PRIMARY KEY, which is the table itself, has no index.
    Ok(Some(primary_key(table)))
}

fn primary_key(table: &str) -> String {
    format!("{table}_pkey")
}
