//! Looks for plans that read more than the statement needs.
//!
//! A statement must reach each row of a table by an index whose leading columns it compares. If it
//! also compares a column of another key, it must use a whole unique key: otherwise it reads rows
//! only to throw them away, and their number grows with the database.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio_postgres::Client;

use super::schema::{Schema, Table, describe};
use super::{Recorded, TestDb, connect};
use crate::DatabaseUrl;
use crate::database::{Db, Engine};
use crate::postgres::session;

/// Explains every statement, and those that check foreign keys, and describes the plans that read
/// too much.
pub async fn misfits<E>(test: &TestDb<E>, recorded: &Recorded) -> Vec<String> {
    let schema = describe(test).await.expect("the schema can be read");
    match &test.options().url {
        DatabaseUrl::Sqlite(path) => {
            let conn = rusqlite::Connection::open(path).expect("the file can be opened");
            let texts = recorded.sqlite.keys();
            texts
                .flat_map(|sql| of_sqlite(&conn, &schema, sql))
                .collect()
        }
        DatabaseUrl::Postgres(url) => {
            let client = connect(&session(url)).await;
            let mut found = Vec::new();
            for (sql, literals) in &recorded.postgres {
                found.extend(of_postgres(&client, &schema, sql, literals).await);
            }
            for (sql, count) in foreign_key_checks(&schema) {
                let literals = vec!["NULL".to_owned(); count];
                found.extend(of_generic(&client, &schema, &sql, &literals).await);
            }
            found
        }
    }
}

const ANSWERS: &str = "PostgreSQL answers";

async fn of_postgres(
    client: &Client,
    schema: &Schema,
    sql: &str,
    literals: &[String],
) -> Vec<String> {
    let mut found = Vec::new();
    for mode in ["force_custom_plan", "force_generic_plan"] {
        found.extend(explain(client, schema, mode, sql, literals).await);
    }
    found
}

async fn of_generic(
    client: &Client,
    schema: &Schema,
    sql: &str,
    literals: &[String],
) -> Vec<String> {
    explain(client, schema, "force_generic_plan", sql, literals).await
}

async fn explain(
    client: &Client,
    schema: &Schema,
    mode: &str,
    sql: &str,
    literals: &[String],
) -> Vec<String> {
    let arguments = match literals {
        [] => String::new(),
        some => format!("({})", some.join(", ")),
    };
    let prepare = format!("SET plan_cache_mode = {mode}; PREPARE explained AS {sql}");
    client
        .batch_execute(&prepare)
        .await
        .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE explained{arguments}");
    let messages = client.simple_query(&explain).await;
    let messages = messages.unwrap_or_else(|error| panic!("{error:?}: {explain}: {sql}"));
    let text: String = messages
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    client
        .batch_execute("DEALLOCATE explained")
        .await
        .expect(ANSWERS);
    let plan: Value = serde_json::from_str(&text).expect("a plan is JSON");
    let mut found = Vec::new();
    walk(schema, &plan[0]["Plan"], "", &mut found);
    found
        .iter()
        .map(|problem| format!("PostgreSQL, {mode}: {problem}: {sql}"))
        .collect()
}

fn walk(schema: &Schema, node: &Value, filter_above: &str, found: &mut Vec<String>) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let filter = format!("{}{filter_above}", text("Filter"));
    match text("Node Type") {
        "Seq Scan" => found.push(format!("scans {}", text("Relation Name"))),
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => {
            let (name, condition) = (text("Index Name"), text("Index Cond"));
            if let Some(problem) = misfit(schema, name, condition, &filter) {
                found.push(problem);
            }
        }
        _ => {}
    }
    let below = match text("Node Type") {
        "Bitmap Heap Scan" => &*filter,
        _ => "",
    };
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(schema, child, below, found);
    }
}

/// Whether `condition` compares the column in any way, or by `=`.
fn compares(condition: &str, column: &str, operator: &str) -> bool {
    ["(", "."]
        .iter()
        .any(|before| condition.contains(&format!("{before}{column} {operator}")))
}

fn misfit(schema: &Schema, index: &str, condition: &str, filter: &str) -> Option<String> {
    let (table, columns, is_unique) = index_of(schema, index)?;
    let compared = |column: &String| compares(condition, column, "");
    let leading = columns.iter().take_while(|column| compared(column)).count();
    if leading < columns.iter().filter(|column| compared(column)).count() {
        return Some(format!(
            "{index} is used without its leading columns, {condition}"
        ));
    }
    let is_whole = is_unique
        && columns
            .iter()
            .all(|column| compares(condition, column, "= "));
    let lost = keys(table)
        .into_iter()
        .find(|column| compares(filter, column, "= "));
    match lost {
        Some(column) if !is_whole => Some(format!(
            "{index} finds rows that {column} throws away, {condition}, {filter}"
        )),
        _ => None,
    }
}

fn index_of<'a>(schema: &'a Schema, index: &str) -> Option<(&'a Table, Vec<String>, bool)> {
    schema.iter().find_map(|(name, table)| {
        if index == format!("{name}_pkey") {
            return Some((table, table.primary_key.clone(), true));
        }
        let found = table.indexes.get(index)?;
        Some((table, found.columns.clone(), found.is_unique))
    })
}

/// The columns of the primary key and of the unique indexes.
fn keys(table: &Table) -> BTreeSet<&String> {
    let unique = table.indexes.values().filter(|index| index.is_unique);
    let columns = unique.flat_map(|index| &index.columns);
    columns.chain(&table.primary_key).collect()
}

/// What PostgreSQL runs by itself when a row is inserted or deleted, with the number of parameters.
fn foreign_key_checks(schema: &Schema) -> BTreeMap<String, usize> {
    let mut checks = BTreeMap::new();
    let conditions = |columns: &[String]| {
        let numbered = columns.iter().zip(1..);
        let all: Vec<_> = numbered
            .map(|(column, n)| format!("{column} = ${n}"))
            .collect();
        all.join(" AND ")
    };
    for (name, table) in schema {
        for key in &table.foreign_keys {
            let parent = format!(
                "SELECT 1 FROM ONLY {} x WHERE {} FOR KEY SHARE OF x",
                key.parent,
                conditions(&key.parent_columns)
            );
            checks.insert(parent, key.parent_columns.len());
            let children = format!("DELETE FROM ONLY {name} WHERE {}", conditions(&key.columns));
            checks.insert(children, key.columns.len());
        }
    }
    checks
}

fn of_sqlite(conn: &rusqlite::Connection, schema: &Schema, sql: &str) -> Vec<String> {
    let mut statement = conn
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
    let details = statement
        .raw_query()
        .mapped(|row| row.get::<_, String>("detail"))
        .collect::<Result<Vec<_>, _>>()
        .expect("a plan has details");
    let problems = details.iter().filter_map(|detail| {
        let problem = sqlite_misfit(schema, sql, detail)?;
        Some(format!("SQLite: {problem}: {sql}"))
    });
    problems.collect()
}

/// `detail` is such as `SEARCH c USING INDEX credentials_key (tenant_id=? AND realm_id=?)`.
fn sqlite_misfit(schema: &Schema, sql: &str, detail: &str) -> Option<String> {
    if let Some(scanned) = detail.strip_prefix("SCAN ") {
        let table = scanned.split(' ').next().unwrap_or_default();
        return schema.contains_key(table).then(|| format!("scans {table}"));
    }
    let (_, used) = detail.split_once(" INDEX ")?;
    let (index, condition) = used.split_once(" (")?;
    let index = match index.strip_prefix("sqlite_autoindex_") {
        Some(rest) => format!("{}_pkey", rest.rsplit_once('_')?.0),
        None => index.to_owned(),
    };
    let (table, columns, is_unique) = index_of(schema, &index)?;
    let compared = |column: &&String| condition.contains(&format!("{column}="));
    if is_unique && columns.iter().all(|column| compared(&column)) {
        return None;
    }
    // Only the statement's text tells what else it compares.
    let lost = keys(table)
        .into_iter()
        .filter(|column| !compared(column))
        .find(|column| sql.contains(&format!(" {column} = $")));
    lost.map(|column| format!("{detail} finds rows that {column} throws away"))
}

impl<E> Db<E> {
    /// Notes every statement from here on. Only PostgreSQL records, with the texts of both.
    pub fn start_recording(&self) {
        if let Engine::Postgres(postgres) = &*self.engine {
            postgres.recorder.start();
        }
    }

    /// Returns the statements since [`Db::start_recording`].
    pub fn stop_recording(&self) -> Recorded {
        match &*self.engine {
            Engine::Sqlite(_) => Recorded::default(),
            Engine::Postgres(postgres) => postgres.recorder.stop(),
        }
    }
}
