//! Examples in the API documents for every request, response and error.
//!
//! Every field declares its example once, and the examples of bodies are composed from them. The
//! example of a struct or response is a JSON merge patch (RFC 7396) on the composed one. It
//! overrides members with a shared schema, which would have the same example everywhere.

use serde_json::{Map, Value};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Content, OpenApi, PathItem, RefOr};

use crate::base::error::{Error, Kind, Resource};
use crate::http::{oauth, problem};

/// The ids in paths from the outermost: parameter, kind of resource and schema.
const SEGMENTS: [(&str, Kind, &str); 10] = [
    ("tenant_id", Kind::TENANT, "TenantId"),
    ("realm_id", Kind::REALM, "RealmId"),
    ("identity_id", Kind::IDENTITY, "IdentityId"),
    ("credential_id", Kind::CREDENTIAL, "CredentialId"),
    ("event_id", Kind::new("Event", "event"), "EventId"),
    (
        "credential_binding_job_id",
        Kind::CREDENTIAL_BINDING_JOB,
        "BindingJobId",
    ),
    ("application_id", Kind::APPLICATION, "ApplicationId"),
    (
        "authenticator_config_id",
        Kind::AUTHENTICATOR_CONFIG,
        "AuthenticatorConfigId",
    ),
    (
        "resource_server_id",
        Kind::new("ResourceServer", "resource server"),
        "ResourceServerId",
    ),
    (
        "batch_credential_binding_job_id",
        Kind::new("BatchCredentialBindingJob", "batch credential binding job"),
        "BatchId",
    ),
];

/// Adds an example to every body of the document, and completes the examples of its schemas.
pub fn add(document: &mut OpenApi) {
    let Some(components) = &mut document.components else {
        return;
    };
    let schemas = serde_json::to_value(&components.schemas).expect("schemas are plain data");
    let composer = Composer { schemas: &schemas };
    for (name, schema) in &mut components.schemas {
        if let RefOr::T(Schema::Object(object)) = schema
            && !object.examples.is_empty()
        {
            object.examples = composer.example(&schemas[name]).into_iter().collect();
        }
    }
    for (path, item) in &mut document.paths.paths {
        let subject = composer.subject(path);
        for operation in operations(item) {
            composer.fill(operation, &subject);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        post,
        patch,
        delete,
        ..
    } = item;
    [get, post, patch, delete].into_iter().flatten()
}

struct Composer<'a> {
    schemas: &'a Value,
}

impl Composer<'_> {
    fn fill(&self, operation: &mut Operation, subject: &Resource) {
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            for content in body.content.values_mut().filter_map(own) {
                content.example = self.body(content);
            }
        }
        for (status, response) in &mut operation.responses.responses {
            let Some(response) = own(response) else {
                continue;
            };
            for content in response.content.values_mut().filter_map(own) {
                content.example = match refused(content) {
                    Some(words) => error(status, subject).and_then(words),
                    None => self.body(content),
                };
            }
        }
    }

    fn body(&self, content: &Content) -> Option<Value> {
        let schema = serde_json::to_value(content.schema.as_ref()?).ok()?;
        let composed = self.example(&schema)?;
        Some(corrected(composed, content.example.as_ref()))
    }

    /// Returns an example of a schema, or `None` without members or example values.
    fn example(&self, schema: &Value) -> Option<Value> {
        let composed = self.composed(schema);
        match (composed, schema.pointer("/examples/0")) {
            (Some(composed), declared) => Some(corrected(composed, declared)),
            (None, declared) => declared.cloned(),
        }
    }

    fn composed(&self, schema: &Value) -> Option<Value> {
        if let Some(reference) = schema.get("$ref") {
            let name = reference.as_str()?.rsplit('/').next()?;
            return self.example(self.schemas.get(name)?);
        }
        if let Some(properties) = schema.get("properties") {
            let members = properties.as_object()?.iter();
            let composed =
                members.filter_map(|(name, member)| Some((name.clone(), self.example(member)?)));
            return Some(Value::Object(composed.collect()));
        }
        if let Some(parts) = schema.get("allOf") {
            let parts = parts.as_array()?.iter().map(|part| self.example(part));
            let members: Option<Vec<Map<String, Value>>> =
                parts.map(|part| part?.as_object().cloned()).collect();
            return Some(Value::Object(members?.into_iter().flatten().collect()));
        }
        if let Some(variants) = schema.get("oneOf") {
            return self.example(variants.get(0)?);
        }
        if let Some(items) = schema.get("items") {
            return Some(Value::Array(vec![self.example(items)?]));
        }
        schema.get("enum")?.get(0).cloned()
    }

    /// Returns the kind of resource that the last id of a path names.
    fn subject(&self, path: &str) -> Resource {
        let named = |(name, ..): &&(&str, Kind, &str)| path.contains(&format!("{{{name}}}"));
        let (_, kind, schema) = SEGMENTS.iter().rfind(named).expect("paths name a tenant");
        let id = self.schemas[schema]["examples"][0]
            .as_str()
            .unwrap_or_default();
        Resource::new(*kind, id)
    }
}

fn own<T>(value: &mut RefOr<T>) -> Option<&mut T> {
    match value {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}

/// Returns `composed` with `patch` applied as a merge patch.
fn corrected(composed: Value, patch: Option<&Value>) -> Value {
    let Some(patch) = patch else { return composed };
    let (Value::Object(mut members), Value::Object(changes)) = (composed, patch) else {
        return patch.clone();
    };
    for (name, change) in changes {
        let old = members.remove(name).unwrap_or_default();
        if !change.is_null() {
            members.insert(name.clone(), corrected(old, Some(change)));
        }
    }
    Value::Object(members)
}

/// Returns the format of an error with this content, or `None` for a success response.
fn refused(content: &Content) -> Option<fn(Error) -> Option<Value>> {
    let Some(RefOr::Ref(schema)) = &content.schema else {
        return None;
    };
    match schema.ref_location.rsplit('/').next()? {
        "Problem" => Some(|error| serde_json::to_value(problem::problem(error).1).ok()),
        "OAuthProblem" => Some(|error| serde_json::to_value(oauth::problem(&error)?).ok()),
        _ => None,
    }
}

/// Returns an error with this status.
fn error(status: &str, subject: &Resource) -> Option<Error> {
    let Resource { kind, id, .. } = subject;
    Some(match status {
        "400" => Error::Malformed("the query could not be read".to_owned()),
        "401" => Error::Unauthenticated,
        "403" => Error::Forbidden("forbidden"),
        "404" => Error::not_found(*kind, id),
        "408" => Error::TooSlow,
        "409" => Error::conflict_on(
            format!("the state of the {subject} forbids this"),
            *kind,
            id,
            "in use",
        ),
        "413" => Error::TooLarge,
        "415" => Error::UnsupportedMediaType,
        "422" => Error::Unprocessable {
            message: format!("the {subject} lacks what this needs"),
            resource: subject.clone(),
        },
        "429" => Error::TooManyRequests { retry_after: 1 },
        "500" => Error::Internal(String::new()),
        "503" => Error::Unavailable(String::new()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::http::router::{management_document, public_document};

    /// Its body is no JSON.
    const EVENT_STREAM: &str = "text/event-stream";

    /// Schemas with examples from errors.
    const REFUSALS: [&str; 4] = ["Detail", "OAuthProblem", "Problem", "Violation"];

    fn documents() -> [Value; 2] {
        [management_document(), public_document()]
            .map(|document| serde_json::to_value(document).unwrap())
    }

    /// Returns the bodies of a document: operation, position and body.
    fn bodies(document: &Value) -> Vec<(String, &Value)> {
        let operations = document["paths"].as_object().unwrap().values();
        let mut found = Vec::new();
        for operation in operations.flat_map(|item| item.as_object().unwrap().values()) {
            let id = operation["operationId"].as_str().unwrap();
            let responses = operation["responses"].as_object().unwrap().iter();
            let request = operation.get("requestBody").map(|body| ("request", body));
            let parts = responses.map(|(status, body)| (status.as_str(), body));
            for (part, body) in parts.chain(request) {
                let contents = body.get("content").and_then(Value::as_object);
                let contents =
                    contents
                        .into_iter()
                        .flatten()
                        .filter_map(|(media_type, content)| {
                            (media_type != EVENT_STREAM).then_some(content)
                        });
                found.extend(contents.map(|content| (format!("{id} {part}"), content)));
            }
        }
        found
    }

    #[test]
    fn every_field_has_an_example() {
        for document in documents() {
            let schemas = &document["components"]["schemas"];
            let composer = Composer { schemas };
            for (name, schema) in schemas.as_object().unwrap() {
                if REFUSALS.contains(&name.as_str()) {
                    continue;
                }
                let example = composer.example(schema).unwrap_or_else(|| panic!("{name}"));
                let properties = schema.get("properties").and_then(Value::as_object);
                for member in properties.into_iter().flat_map(Map::keys) {
                    assert!(example.get(member).is_some(), "{name}.{member}");
                }
            }
        }
    }

    #[test]
    fn every_body_has_an_example_that_its_schema_allows() {
        for document in documents() {
            let schemas = &document["components"]["schemas"];
            let bodies = bodies(&document);
            assert!(bodies.len() > 100);
            for (place, content) in bodies {
                let example = content.get("example").unwrap_or_else(|| panic!("{place}"));
                let checked = check(&content["schema"], example, schemas);
                assert!(checked.is_ok(), "{place}: {checked:?} in {example}");
            }
        }
    }

    #[test]
    fn examples_of_schemas_are_complete() {
        for document in documents() {
            let schemas = &document["components"]["schemas"];
            for (name, schema) in schemas.as_object().unwrap() {
                let examples = schema.get("examples").and_then(Value::as_array);
                for example in examples.into_iter().flatten() {
                    assert_eq!(check(schema, example, schemas), Ok(()), "{name}");
                }
            }
        }
    }

    /// Reports where `value` violates `schema`, for the schema features of these documents.
    fn check(schema: &Value, value: &Value, schemas: &Value) -> Result<(), String> {
        if let Some(reference) = schema.get("$ref") {
            let name = reference.as_str().unwrap().rsplit('/').next().unwrap();
            return check(&schemas[name], value, schemas);
        }
        if let Some(parts) = schema.get("allOf") {
            // Each part declares some of the members.
            let merged = parts
                .as_array()
                .unwrap()
                .iter()
                .fold(json!({}), |all, part| {
                    let name = part.get("$ref").and_then(Value::as_str);
                    let part = name.map_or(part, |name| &schemas[name.rsplit('/').next().unwrap()]);
                    corrected(all, Some(&json!({"properties": part["properties"]})))
                });
            return check(&merged, value, schemas);
        }
        if let Some(variants) = schema.get("oneOf") {
            let mut variants = variants.as_array().unwrap().iter();
            let fits = variants.any(|variant| check(variant, value, schemas).is_ok());
            return fits
                .then_some(())
                .ok_or_else(|| format!("no variant is {value}"));
        }
        let wrong = || Err(format!("{value} is not of {schema}"));
        if schema
            .get("enum")
            .is_some_and(|words| !words.as_array().unwrap().contains(value))
        {
            return wrong();
        }
        if let Some(wanted) = schema.get("type") {
            let actual = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "integer",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            let wanted = wanted
                .as_array()
                .map_or(std::slice::from_ref(wanted), Vec::as_slice);
            if !wanted.contains(&actual.into()) {
                return wrong();
            }
        }
        match (value, schema.get("items"), schema.get("properties")) {
            (Value::Array(values), Some(items), _) => values
                .iter()
                .try_for_each(|value| check(items, value, schemas)),
            (Value::Object(members), _, Some(properties)) => {
                let required = schema.get("required").and_then(Value::as_array);
                for name in required.into_iter().flatten() {
                    if !members.contains_key(name.as_str().unwrap()) {
                        return Err(format!("{name} is missing"));
                    }
                }
                members.iter().try_for_each(|(name, value)| {
                    let member = properties.get(name).ok_or(format!("{name} is unknown"))?;
                    check(member, value, schemas).map_err(|why| format!("{name}: {why}"))
                })
            }
            _ => Ok(()),
        }
    }

    #[test]
    fn an_id_has_one_value_in_all_examples() {
        let mut known: BTreeMap<String, Value> = BTreeMap::new();
        for document in documents() {
            for (place, content) in bodies(&document) {
                collect_ids(&content["example"], &place, &mut known);
            }
        }
        for id in [
            "tenant_id",
            "realm_id",
            "identity_id",
            "authenticator_config_id",
        ] {
            assert!(known.contains_key(id), "{id}");
        }
    }

    fn collect_ids(value: &Value, place: &str, known: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if name.ends_with("_id") {
                        let first = known.entry(name.clone()).or_insert_with(|| member.clone());
                        assert_eq!(first, member, "{place}: {name}");
                    }
                    collect_ids(member, place, known);
                }
            }
            Value::Array(items) => items
                .iter()
                .for_each(|item| collect_ids(item, place, known)),
            _ => {}
        }
    }

    #[test]
    fn a_correction_replaces_adds_and_removes_members() {
        let composed = json!({"kept": 1, "gone": 2, "inner": {"kept": 3, "changed": 4}});
        let patch = json!({"gone": null, "inner": {"changed": 5}, "added": {"new": 6}});
        assert_eq!(
            corrected(composed, Some(&patch)),
            json!({"kept": 1, "inner": {"kept": 3, "changed": 5}, "added": {"new": 6}})
        );
        assert_eq!(corrected(json!([1]), Some(&json!([2, 3]))), json!([2, 3]));
    }
}
