//! Reading of management bodies, and how answers are written.
//!
//! - Unknown and duplicate members are rejected. Parsers disagree about which duplicate counts.
//! - `null` means absent.
//! - Read-only members are ignored, because clients may send back a resource that they received.
//! - An array is never read as an object.
//! - An invalid field is reported with its dotted path.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use keymoor_types::json::Strict;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A body sent as JSON. Named apart from [`Json`], which reads one.
pub use axum::Json as Reply;

use crate::base::error::{Error, Result};

/// A management request body.
pub trait Body: DeserializeOwned {
    /// The member that wraps the resource, such as `job`.
    const ENVELOPE: &'static str;
    /// Members of the resource that are accepted and ignored. A dot separates nesting levels.
    const READ_ONLY: &'static [&'static str];
}

/// Extracts a [`Body`].
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: Body> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        require_json(request.headers())?;
        let bytes = bytes(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// Extracts a JSON body without envelope, as the SDKs send it. Unknown members are ignored, because
/// newer SDKs may send more.
pub struct Lenient<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Lenient<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        require_json(request.headers())?;
        let bytes = bytes(request, state).await?;
        lenient(&bytes).map(Self)
    }
}

fn lenient<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_path_to_error::deserialize(Strict(value(bytes)?)).map_err(|error| violation(&error))
}

/// Returns the body, which [`crate::http::body`] has already read.
pub async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<axum::body::Bytes> {
    axum::body::Bytes::from_request(request, state)
        .await
        .map_err(Error::internal)
}

/// Accepts JSON, no content type, and `text/plain`, which `fetch` sends for a string body.
fn require_json(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let json = ["application/json", "text/plain"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known));
    if json {
        Ok(())
    } else {
        Err(Error::UnsupportedMediaType)
    }
}

fn parse<T: Body>(bytes: &[u8]) -> Result<T> {
    let mut value = value(bytes)?;
    drop_nulls(&mut value);
    if let Some(resource) = value.get_mut(T::ENVELOPE).and_then(Value::as_object_mut) {
        for member in T::READ_ONLY {
            remove(resource, member);
        }
    }
    serde_path_to_error::deserialize(Strict(value)).map_err(|error| violation(&error))
}

/// Parses JSON and rejects duplicate members.
fn value(bytes: &[u8]) -> Result<Value> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut repeated = Vec::new();
    let value = Distinct(&mut repeated)
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value));
    if !repeated.is_empty() {
        repeated.reverse();
        return Err(Error::invalid(repeated.join("."), "repeated"));
    }
    value.map_err(|_| not_json(bytes))
}

/// Visits any JSON value and stops at the first duplicate member. The path to it is collected on
/// the way back, innermost name first, so that a body without duplicates has no extra cost.
struct Distinct<'a>(&'a mut Vec<String>);

impl Distinct<'_> {
    fn inner(&mut self) -> Distinct<'_> {
        Distinct(self.0)
    }

    fn leave(&mut self, name: impl std::fmt::Display) {
        if !self.0.is_empty() {
            self.0.push(name.to_string());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Distinct<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Distinct<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items
            .next_element_seed(self.inner())
            .inspect_err(|_| self.leave(read.len()))?
        {
            read.push(item);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if read.contains_key(&name) {
                self.0.push(name);
                return Err(A::Error::custom("repeated member"));
            }
            let value = members
                .next_value_seed(self.inner())
                .inspect_err(|_| self.leave(&name))?;
            read.insert(name, value);
        }
        Ok(Value::Object(read))
    }
}

fn not_json(bytes: &[u8]) -> Error {
    let why = if bytes.is_empty() {
        "the body is empty"
    } else {
        "the body is not the expected JSON"
    };
    Error::Malformed(why.to_owned())
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn remove(object: &mut Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => drop(object.remove(path)),
        Some((head, rest)) => {
            if let Some(inner) = object.get_mut(head).and_then(Value::as_object_mut) {
                remove(inner, rest);
            }
        }
    }
}

/// Converts serde's errors into the published `FieldViolations`. Omits the value, which may be a
/// link's token in a device's body.
fn violation(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let path = error.path().to_string();
    let text = error.inner().to_string();
    let quoted = text.split('`').nth(1);
    let field = |name: &str| {
        if path == "." {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match (text.as_str(), quoted) {
        (text, Some(name)) if text.starts_with("missing field") => {
            Error::invalid(field(name), "missing")
        }
        (text, Some(name)) if text.starts_with("unknown field") => {
            // The path already ends with the unexpected member.
            let known = path == name || path.ends_with(&format!(".{name}"));
            Error::invalid(
                if known { path.clone() } else { field(name) },
                "unknown field",
            )
        }
        (text, _) => Error::invalid(path.clone(), description(text)),
    }
}

fn description(text: &str) -> String {
    match text.rfind("expected ") {
        // The name of a Rust type means nothing to callers.
        Some(at)
            if text[at..].starts_with("expected struct ")
                || text[at..].starts_with("expected internally tagged enum ") =>
        {
            "expected an object".to_owned()
        }
        Some(at) => text[at..].to_owned(),
        // Messages of our own types never contain the value.
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use keymoor_types::wire::BindRequest;
    use serde::Deserialize;

    use super::*;
    use crate::base::error::FieldViolation;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rename {
        thing: Thing,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        name: String,
        note: Option<String>,
    }

    impl Body for Rename {
        const ENVELOPE: &'static str = "thing";
        const READ_ONLY: &'static [&'static str] = &["id", "nested.secret"];
    }

    fn violations(body: &str) -> Vec<FieldViolation> {
        match parse::<Rename>(body.as_bytes()) {
            Err(Error::Invalid(violations)) => violations,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn d3_null_is_absent_and_read_only_members_are_ignored() {
        let body = r#"{"thing":{"id":7,"name":"a","note":null,"unheard_of":null}}"#;
        let Rename { thing } = parse(body.as_bytes()).unwrap();
        assert_eq!((thing.name.as_str(), thing.note), ("a", None));
    }

    #[test]
    fn d3_wrong_fields_are_named_by_path_and_their_values_not_repeated() {
        let cases = [
            (
                r#"{"thing":{"name":"a","extra":1}}"#,
                "thing.extra",
                "unknown field",
            ),
            (
                r#"{"thing":{"name":"a"},"extra":1}"#,
                "extra",
                "unknown field",
            ),
            (r#"{"thing":{}}"#, "thing.name", "missing"),
            (r#"{"thing":{"name":null}}"#, "thing.name", "missing"),
            (r"{}", "thing", "missing"),
            (r#"{"thing":{"name":5}}"#, "thing.name", "expected a string"),
            (r#"{"thing":"hidden"}"#, "thing", "expected an object"),
            (r#"{"thing":["hidden"]}"#, "thing", "expected an object"),
            (r#"[{"name":"hidden"}]"#, ".", "expected an object"),
            (r#"[["hidden"]]"#, ".", "expected an object"),
        ];
        for (body, field, description) in cases {
            assert_eq!(
                violations(body),
                [FieldViolation::new(field, description)],
                "{body}"
            );
        }
    }

    #[test]
    fn d3_a_devices_body_is_told_what_is_wrong_with_it_and_no_value() {
        for (body, field, description) in [
            ("{}", "type", "missing"),
            (r#"{"type":"JWT"}"#, "raw", "missing"),
            (
                r#"{"type":"hidden","raw":"hidden"}"#,
                "type",
                "expected one of `JWT`, `WEBAUTHN`, `FIDO2`",
            ),
            (
                r#"{"type":{"hidden":1},"raw":"hidden"}"#,
                "type",
                "expected one of `JWT`, `WEBAUTHN`, `FIDO2`",
            ),
            (
                r#"{"type":"JWT","raw":{"hidden":1}}"#,
                "raw",
                "expected a string",
            ),
            (r#""hidden""#, ".", "expected an object"),
            (r#"["JWT","hidden"]"#, ".", "expected an object"),
        ] {
            let refused = match lenient::<BindRequest>(body.as_bytes()) {
                Err(Error::Invalid(violations)) => violations,
                Err(other) => panic!("{body}: {other}"),
                Ok(_) => panic!("{body} is no request"),
            };
            let expected = [FieldViolation::new(field, description)];
            assert_eq!(refused, expected, "{body}");
        }
    }

    #[test]
    fn d3_a_repeated_member_is_refused_wherever_it_is() {
        for (body, field) in [
            (r#"{"thing":{"name":"a","name":"b"}}"#, "thing.name"),
            (r#"{"thing":{"name":"a"},"thing":{"name":"a"}}"#, "thing"),
            (
                r#"{"thing":{"name":"a","note":null,"note":"b"}}"#,
                "thing.note",
            ),
            (r#"{"thing":{"name":"a","id":1,"id":2}}"#, "thing.id"),
            (r#"{"thing":{"name":"a","\u006eame":"b"}}"#, "thing.name"),
            (r#"{"thing":{"list":[{},{"x":1,"x":1}]}}"#, "thing.list.1.x"),
            (r#"[[],[0,{"a":{"b":[{"c":1,"c":2}]}}]]"#, "1.1.a.b.0.c"),
            (r#"{"done":{"x":[1]},"a":{"":{"x":1,"x":2}}}"#, "a..x"),
            (r#"{"":1,"":2}"#, ""),
        ] {
            assert_eq!(
                violations(body),
                [FieldViolation::new(field, "repeated")],
                "{body}"
            );
        }
    }

    #[test]
    fn any_json_without_repetition_is_read_as_it_is() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,"\u00e9",{"a":{}}],"b":{"a":0}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value(text.as_bytes()).unwrap(), expected);
        let deep = "[".repeat(10_000);
        assert!(matches!(value(deep.as_bytes()), Err(Error::Malformed(_))));
    }

    #[test]
    fn broken_json_is_malformed() {
        for body in ["", "{", "[]x", "\u{0}"] {
            assert!(
                matches!(parse::<Rename>(body.as_bytes()), Err(Error::Malformed(_))),
                "{body:?}"
            );
        }
    }
}
