//! The statements that a database ran, for tests that look at their plans.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::value::Value;

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
    pub(crate) fn start(&self) {
        *self.recorded() = Some(Recorded::default());
    }

    /// Returns the statements since [`Recorder::start`].
    pub(crate) fn stop(&self) -> Recorded {
        self.recorded().take().unwrap_or_default()
    }

    fn recorded(&self) -> MutexGuard<'_, Option<Recorded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, sql: &str, values: &[Value<'_>]) {
        if let Some(recorded) = &mut *self.recorded() {
            let literals = values.iter().map(literal).collect();
            recorded.sqlite.insert(sql.to_owned(), literals);
        }
    }

    pub(crate) fn note_sent(&self, sql: &str, values: &[Value<'_>]) {
        if let Some(recorded) = &mut *self.recorded() {
            let literals = values.iter().map(literal).collect();
            recorded.postgres.insert(sql.to_owned(), literals);
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
