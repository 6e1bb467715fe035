//! The statements that a database ran, for tests that look at their plans.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::database::{Db, Engine};
use crate::{Sql, Value};

/// Notes statements while it is switched on.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Option<Recorded>>>);

/// Statements, each with the literals that were bound to it last.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// As the closures wrote them for SQLite.
    pub sqlite: BTreeMap<String, Vec<String>>,
    /// As they were sent to PostgreSQL.
    pub postgres: BTreeMap<String, Vec<String>>,
}

impl Recorder {
    pub(crate) fn note(&self, sql: Sql, values: &[Value<'_>]) {
        if let Some(recorded) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let literals = values.iter().map(literal).collect();
            recorded.sqlite.insert(sql.sqlite.to_owned(), literals);
        }
    }

    pub(crate) fn note_sent(&self, sql: &str, values: &[Value<'_>]) {
        if let Some(recorded) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let literals = values.iter().map(literal).collect();
            recorded.postgres.insert(sql.to_owned(), literals);
        }
    }
}

impl<E> Db<E> {
    /// Notes every statement from here on. Only PostgreSQL records, with the texts of both.
    pub fn start_recording(&self) {
        if let Engine::Postgres(postgres) = &*self.engine {
            let mut recorded = postgres.recorder.0.lock();
            let recorded = recorded.as_mut().expect("no test has panicked inside");
            **recorded = Some(Recorded::default());
        }
    }

    /// Returns the statements since [`Db::start_recording`].
    pub fn stop_recording(&self) -> Recorded {
        match &*self.engine {
            Engine::Sqlite(_) => Recorded::default(),
            Engine::Postgres(postgres) => {
                let mut recorded = postgres.recorder.0.lock();
                let recorded = recorded.as_mut().expect("no test has panicked inside");
                recorded.take().unwrap_or_default()
            }
        }
    }
}

fn literal(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Bytes(bytes) => {
            let mut text = "'\\x".to_owned();
            for byte in *bytes {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\'');
            text
        }
    }
}
