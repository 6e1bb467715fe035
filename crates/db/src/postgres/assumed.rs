//! Statements that are sent with the end of their transaction, all as one.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::value::Value;

/// A statement whose result the closure takes for granted.
pub(super) struct Assumed {
    pub(super) sql: &'static str,
    /// Must change a row. Otherwise its only result is that it succeeds.
    pub(super) is_claim: bool,
    values: Vec<Owned>,
}

/// A value that outlives the closure that bound it.
enum Owned {
    Plain(Value<'static>),
    Bytes(Vec<u8>),
}

impl From<&Value<'_>> for Owned {
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Plain(Value::Null),
            Value::Int(number) => Self::Plain(Value::Int(*number)),
            Value::Bool(truth) => Self::Plain(Value::Bool(*truth)),
            Value::Text(text) => Self::Plain(Value::Text(Cow::Owned(text.to_string()))),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Plain(Value::Text(text)) => Value::Text(Cow::Borrowed(text)),
            Self::Plain(value) => value.clone(),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

impl Assumed {
    pub(super) fn new(sql: &'static str, is_claim: bool, values: &[Value<'_>]) -> Self {
        let values = values.iter().map(Owned::from).collect();
        Self {
            sql,
            is_claim,
            values,
        }
    }
}

/// Returns one statement that does what all of `statements` do, or fails as a whole: when one of
/// them fails, and when the claim among them changes no row.
///
/// Only the first may be a claim. The parts don't see each other's rows, so no two may touch the
/// same one.
pub(super) fn together(statements: &[Assumed]) -> (Cow<'static, str>, Vec<Value<'_>>) {
    let values = statements.iter().flat_map(|one| &one.values);
    let values = values.map(Owned::value).collect();
    let [first, rest @ ..] = statements else {
        return ("".into(), values);
    };
    if rest.is_empty() && !first.is_claim {
        return (first.sql.into(), values);
    }
    let mut text = String::with_capacity(1024);
    let mut shift = 0;
    for (number, one) in statements.iter().enumerate() {
        let is_main = number + 1 == statements.len() && !first.is_claim;
        if is_main {
            text.push(' ');
        } else {
            let separator = if number == 0 { "WITH" } else { "," };
            let _ = write!(text, "{separator} part{number} AS (");
        }
        push_shifted(&mut text, one.sql, shift);
        if one.is_claim {
            text.push_str(" RETURNING 1");
        }
        if !is_main {
            text.push(')');
        }
        shift += one.values.len();
    }
    if first.is_claim {
        // PostgreSQL runs this before the parts that it does not mention, so that a claim that
        // fails is noticed first.
        text.push_str(" SELECT 1 / COUNT(*) FROM part0");
    }
    (text.into(), values)
}

/// Appends `sql` with `shift` added to the number of each parameter.
fn push_shifted(text: &mut String, sql: &str, shift: usize) {
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        match number.parse::<usize>() {
            Ok(number) => {
                let _ = write!(text, "${}{rest}", number + shift);
            }
            Err(_) => {
                let _ = write!(text, "${part}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(statements: &[(&'static str, bool, usize)]) -> String {
        let statements: Vec<_> = statements
            .iter()
            .map(|(sql, is_claim, values)| {
                Assumed::new(sql, *is_claim, &vec![Value::Null; *values])
            })
            .collect();
        together(&statements).0.into_owned()
    }

    #[test]
    fn one_statement_stays_as_it_is() {
        let sql = "INSERT INTO a VALUES ($1, $2)";
        assert_eq!(text(&[(sql, false, 2)]), sql);
    }

    #[test]
    fn several_become_one_with_its_own_parameters() {
        let insert = "INSERT INTO a VALUES ($2, $1)";
        assert_eq!(
            text(&[(insert, false, 2), (insert, false, 2)]),
            "WITH part0 AS (INSERT INTO a VALUES ($2, $1)) INSERT INTO a VALUES ($4, $3)"
        );
    }

    #[test]
    fn a_claim_must_change_a_row() {
        assert_eq!(
            text(&[
                ("UPDATE a SET b = $1", true, 1),
                ("INSERT INTO c VALUES ($1)", false, 1)
            ]),
            "WITH part0 AS (UPDATE a SET b = $1 RETURNING 1), part1 AS (INSERT INTO c VALUES ($2)) \
             SELECT 1 / COUNT(*) FROM part0"
        );
    }
}
