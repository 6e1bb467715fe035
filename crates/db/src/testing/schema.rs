//! The schema in the same terms for both databases, for tests to compare.
//!
//! BIGINT is INTEGER, BYTEA is BLOB, and BOOLEAN is an INTEGER with a CHECK that allows 0 and 1
//! only.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Db, Result, Rx, Sql, record};

pub type Schema = BTreeMap<String, Table>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In order.
    pub columns: Vec<Column>,
    pub primary_key: Vec<String>,
    /// By name, without the primary key's.
    pub indexes: BTreeMap<String, Index>,
    pub foreign_keys: BTreeSet<ForeignKey>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// `integer`, `boolean`, `text` or `blob`; anything else as the database calls it.
    pub kind: String,
    pub is_nullable: bool,
    pub has_default: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub is_unique: bool,
    pub is_partial: bool,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    pub parent: String,
    pub parent_columns: Vec<String>,
    /// As SQL spells it: `NO ACTION`, `CASCADE`, …
    pub on_delete: String,
}

/// Describes every table, those of migrations included.
pub async fn describe<E>(db: &Db<E>) -> Result<Schema> {
    let read = async |rx: &mut Rx| {
        let mut schema = Schema::new();
        add_columns(rx, &mut schema).await?;
        add_indexes(rx, &mut schema).await?;
        add_foreign_keys(rx, &mut schema).await?;
        Ok(schema)
    };
    db.engine.read(read).await
}

struct ColumnRow {
    table: String,
    name: String,
    kind: String,
    is_nullable: bool,
    has_default: bool,
    /// Counted from 1; 0 outside the primary key.
    key_position: i64,
}

record!(ColumnRow {
    table: "table_name",
    name,
    kind,
    is_nullable,
    has_default,
    key_position
});

const COLUMNS: Sql = Sql {
    sqlite: "
        SELECT t.name AS table_name, c.name AS name,
               CASE WHEN instr(t.sql, 'CHECK (' || c.name || ' IN (0, 1))') > 0
                    THEN 'boolean' ELSE lower(c.type) END AS kind,
               NOT c.\"notnull\" AS is_nullable, c.dflt_value IS NOT NULL AS has_default,
               c.pk AS key_position
        FROM sqlite_schema t, pragma_table_xinfo(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!'
        ORDER BY t.name, c.cid",
    postgres: "
        SELECT t.relname AS table_name, c.attname AS name,
               CASE format_type(c.atttypid, c.atttypmod)
                    WHEN 'bigint' THEN 'integer' WHEN 'bytea' THEN 'blob'
                    ELSE format_type(c.atttypid, c.atttypmod) END AS kind,
               NOT c.attnotnull AS is_nullable, c.atthasdef AS has_default,
               COALESCE((SELECT k.position FROM pg_index i,
                         unnest(i.indkey) WITH ORDINALITY k (attnum, position)
                         WHERE i.indrelid = t.oid AND i.indisprimary AND k.attnum = c.attnum), 0)
                   AS key_position
        FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
        WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace
              AND c.attnum > 0 AND NOT c.attisdropped
        ORDER BY t.relname, c.attnum",
};

async fn add_columns(rx: &mut Rx, schema: &mut Schema) -> Result<()> {
    let mut rows: Vec<ColumnRow> = rx.all(COLUMNS, &()).await?;
    for row in &rows {
        schema
            .entry(row.table.clone())
            .or_default()
            .columns
            .push(Column {
                name: row.name.clone(),
                kind: row.kind.clone(),
                is_nullable: row.is_nullable,
                has_default: row.has_default,
            });
    }
    rows.sort_by_key(|row| row.key_position);
    for row in rows.into_iter().filter(|row| row.key_position > 0) {
        schema
            .entry(row.table)
            .or_default()
            .primary_key
            .push(row.name);
    }
    Ok(())
}

struct IndexRow {
    table: String,
    name: String,
    is_unique: bool,
    is_partial: bool,
    column: Option<String>,
}

record!(IndexRow {
    table: "table_name",
    name,
    is_unique,
    is_partial,
    column: "column_name"
});

const INDEXES: Sql = Sql {
    sqlite: "
        SELECT t.name AS table_name, i.name AS name, i.\"unique\" AS is_unique,
               i.partial AS is_partial, c.name AS column_name
        FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
        WHERE t.type = 'table' AND i.origin <> 'pk'
        ORDER BY t.name, i.name, c.seqno",
    postgres: "
        SELECT t.relname AS table_name, n.relname AS name, i.indisunique AS is_unique,
               i.indpred IS NOT NULL AS is_partial, c.attname AS column_name
        FROM pg_class t
        JOIN pg_index i ON i.indrelid = t.oid
        JOIN pg_class n ON n.oid = i.indexrelid
        CROSS JOIN unnest(i.indkey) WITH ORDINALITY k (attnum, position)
        LEFT JOIN pg_attribute c
               ON c.attrelid = t.oid AND c.attnum = k.attnum AND k.attnum > 0
        WHERE t.relnamespace = current_schema()::regnamespace AND NOT i.indisprimary
        ORDER BY t.relname, n.relname, k.position",
};

async fn add_indexes(rx: &mut Rx, schema: &mut Schema) -> Result<()> {
    for row in rx.all::<IndexRow>(INDEXES, &()).await? {
        let indexes = &mut schema.entry(row.table).or_default().indexes;
        let index = indexes.entry(row.name).or_insert(Index {
            is_unique: row.is_unique,
            is_partial: row.is_partial,
            columns: Vec::new(),
        });
        index
            .columns
            .push(row.column.unwrap_or_else(|| "(expression)".to_owned()));
    }
    Ok(())
}

struct ForeignKeyRow {
    table: String,
    number: i64,
    column: String,
    parent: String,
    /// `None` when the text leaves it to the parent's primary key.
    parent_column: Option<String>,
    on_delete: String,
}

record!(ForeignKeyRow {
    table: "table_name",
    number,
    column: "column_name",
    parent,
    parent_column,
    on_delete
});

const FOREIGN_KEYS: Sql = Sql {
    sqlite: "
        SELECT t.name AS table_name, f.id AS number, f.\"from\" AS column_name,
               f.\"table\" AS parent, f.\"to\" AS parent_column, f.on_delete AS on_delete
        FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
        WHERE t.type = 'table' ORDER BY t.name, f.id, f.seq",
    postgres: "
        SELECT t.relname AS table_name, CAST(f.oid AS BIGINT) AS number, c.attname AS column_name,
               p.relname AS parent, pc.attname AS parent_column,
               CASE f.confdeltype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT'
                    WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END
                   AS on_delete
        FROM pg_constraint f
        JOIN pg_class t ON t.oid = f.conrelid
        JOIN pg_class p ON p.oid = f.confrelid
        CROSS JOIN unnest(f.conkey, f.confkey) WITH ORDINALITY k (attnum, parent, position)
        JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = k.attnum
        JOIN pg_attribute pc ON pc.attrelid = p.oid AND pc.attnum = k.parent
        WHERE f.contype = 'f' AND t.relnamespace = current_schema()::regnamespace
        ORDER BY t.relname, f.oid, k.position",
};

async fn add_foreign_keys(rx: &mut Rx, schema: &mut Schema) -> Result<()> {
    let mut keys = BTreeMap::<(String, i64), ForeignKey>::new();
    for row in rx.all::<ForeignKeyRow>(FOREIGN_KEYS, &()).await? {
        let key = keys.entry((row.table, row.number)).or_default();
        let parents_key = schema.get(&row.parent).map(|parent| &parent.primary_key);
        let implied = parents_key.and_then(|columns| columns.get(key.columns.len()).cloned());
        key.columns.push(row.column);
        key.parent_columns
            .push(row.parent_column.or(implied).unwrap_or_default());
        key.parent = row.parent;
        key.on_delete = row.on_delete;
    }
    for ((table, _), key) in keys {
        schema.entry(table).or_default().foreign_keys.insert(key);
    }
    Ok(())
}
