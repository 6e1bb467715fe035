//! Attacks every operation in the API documents, so that new operations are always covered.
//!
//! `operations-without-scope.txt` lists the exceptions with their reasons.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request};

use crate::base::scope;
use crate::http::router::{management_document, public_document};
use crate::testing::{Answer, TestApp};

/// Operations without a scope, as `operationId: reason`.
const WITHOUT_SCOPE: &str = include_str!("operations-without-scope.txt");

#[derive(Debug)]
struct Operation {
    id: String,
    method: Method,
    path: String,
    scopes: Vec<String>,
    takes_body: bool,
}

fn operations(document: &utoipa::openapi::OpenApi) -> Vec<Operation> {
    let document = serde_json::to_value(document).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scopes = operation["security"][0]["bearer"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            operations.push(Operation {
                id: operation["operationId"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                scopes: scopes
                    .iter()
                    .map(|scope| scope.as_str().unwrap().to_owned())
                    .collect(),
                takes_body: operation.get("requestBody").is_some(),
            });
        }
    }
    operations
}

impl Operation {
    /// Returns the path with well-formed unknown ids in the given tenant.
    fn path_in(&self, tenant: &str) -> String {
        self.path
            .split('/')
            .map(|segment| {
                let (name, verb) = segment
                    .split_once("}:")
                    .map_or((segment, String::new()), |(name, verb)| {
                        (name, format!(":{verb}"))
                    });
                let Some(name) = name.strip_prefix('{') else {
                    return segment.to_owned();
                };
                let id = match name.trim_end_matches('}') {
                    "tenant_id" => tenant,
                    "application_id"
                    | "authenticator_config_id"
                    | "resource_server_id"
                    | "batch_credential_binding_job_id"
                    | "event_id" => "0197a000-0000-7000-8000-000000000000",
                    "token_id" => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                    _ => "0000000000000001",
                };
                format!("{id}{verb}")
            })
            .collect::<Vec<_>>()
            .join("/")
    }

    async fn call(
        &self,
        test: &TestApp,
        tenant: &str,
        scopes: Option<&[&str]>,
        body: Attack,
    ) -> Answer {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.path_in(tenant));
        if let Some(scopes) = scopes {
            let token = test.token(scopes).await;
            request = request.header("authorization", format!("Bearer {}", token.expose()));
        }
        let (content_type, body) = match body {
            Attack::Plain => ("application/json", "{}".to_owned()),
            Attack::UnknownField => ("application/json", "{\"unheard_of\":1}".to_owned()),
            Attack::Malformed => ("application/json", "{".to_owned()),
            Attack::Form => ("application/x-www-form-urlencoded", "a=b".to_owned()),
            Attack::Oversized => (
                "application/json",
                format!("{{\"x\":\"{}\"}}", "x".repeat(200_000)),
            ),
        };
        test.management(
            request
                .header("content-type", content_type)
                .body(Body::from(body))
                .unwrap(),
        )
        .await
    }
}

#[derive(Clone, Copy)]
enum Attack {
    Plain,
    UnknownField,
    Malformed,
    Form,
    Oversized,
}

fn guarded() -> Vec<Operation> {
    operations(&management_document())
        .into_iter()
        .filter(|operation| !operation.scopes.is_empty())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_management_operation_wants_its_token_scope_and_tenant() {
    let test = TestApp::sqlite().await;
    let own = test.made.tenant.id.to_string();
    for operation in guarded() {
        let needed: Vec<&str> = operation.scopes.iter().map(String::as_str).collect();
        let others: Vec<&str> = scope::ALL
            .iter()
            .copied()
            .filter(|scope| !needed.contains(scope))
            .collect();
        let id = &operation.id;
        for (scopes, tenant, expected) in [
            (None, own.as_str(), 401),
            (Some(others.as_slice()), own.as_str(), 403),
            (Some(scope::ALL), "0000000000000001", 403),
        ] {
            let answer = operation.call(&test, tenant, scopes, Attack::Plain).await;
            assert_eq!(answer.header("cache-control"), "no-store", "{id}");
            assert_eq!(answer.status, expected, "{id}: {}", answer.text);
            answer.refused(expected);
        }
        let allowed = operation
            .call(&test, &own, Some(&needed), Attack::Plain)
            .await;
        assert_eq!(allowed.header("cache-control"), "no-store", "{id}");
        assert!(
            ![401, 403, 500].contains(&allowed.status.as_u16()),
            "{id}: {}",
            allowed.text
        );
        let about_one_thing = operation.path.ends_with('}') || operation.path.contains("}:");
        if !operation.takes_body && about_one_thing && !operation.path.ends_with("{tenant_id}") {
            allowed.refused(404);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d3_every_body_is_json_of_a_known_shape_and_size() {
    let test = TestApp::sqlite().await;
    let own = test.made.tenant.id.to_string();
    for operation in guarded()
        .into_iter()
        .filter(|operation| operation.takes_body)
    {
        for (attack, expected) in [
            (Attack::UnknownField, 400),
            (Attack::Malformed, 400),
            (Attack::Form, 415),
            (Attack::Oversized, 413),
        ] {
            let answer = operation.call(&test, &own, Some(scope::ALL), attack).await;
            assert_eq!(answer.status, expected, "{}: {}", operation.id, answer.text);
            assert_eq!(
                answer.header("cache-control"),
                "no-store",
                "{}",
                operation.id
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c9_d2_pages_can_read_that_a_body_was_too_large_in_the_words_of_its_route() {
    let test = TestApp::sqlite().await;
    let own = test.made.tenant.id.to_string();
    let mut in_oauth_words = Vec::new();
    for operation in operations(&public_document()) {
        let request = Request::builder()
            .method(operation.method.clone())
            .uri(operation.path_in(&own));
        let body = Body::from("x".repeat(70_000));
        let answer = test.auth(request.body(body).unwrap()).await;
        let id = operation.id;
        if !operation.takes_body {
            // Its body is not read.
            assert_ne!(answer.status, 413, "{id}: {}", answer.text);
            continue;
        }
        assert_eq!(answer.status, 413, "{id}: {}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{id}");
        if answer.json()["error"] == "invalid_request" {
            assert_eq!(answer.header("cache-control"), "no-store", "{id}");
            in_oauth_words.push(id);
        } else {
            answer.refused(413);
        }
    }
    in_oauth_words.sort();
    assert_eq!(
        in_oauth_words,
        ["AuthorizeByForm", "IssueToken", "PostUserInfo"]
    );
}

/// Examples may refer to missing resources or use an existing name. Nothing else may be wrong with
/// them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_of_a_request_is_valid() {
    let test = TestApp::sqlite().await;
    let (tenant, realm) = (test.made.tenant.id, test.made.realm.id);
    let document = serde_json::to_value(management_document()).unwrap();
    let mut sent = 0;
    for operation in guarded()
        .into_iter()
        .filter(|operation| operation.takes_body)
    {
        let path = operation.path_in(&tenant.to_string());
        let path = path.replace("realms/0000000000000001", &format!("realms/{realm}"));
        let method = operation.method.as_str().to_lowercase();
        let body = &document["paths"][&operation.path][method]["requestBody"];
        let example = body["content"]["application/json"]["example"].clone();
        let answer = test.manage(operation.method, &path, Some(example)).await;
        let refers_to_nothing = answer.status == 400 && answer.text.contains("\"no such ");
        assert!(
            refers_to_nothing || [200, 404, 409].contains(&answer.status.as_u16()),
            "{}: {answer:?}",
            operation.id
        );
        sent += 1;
    }
    assert!(sent >= 8, "{sent}");
}

#[test]
fn operations_without_scope_are_in_the_ledger_and_no_others() {
    let ledger: BTreeMap<&str, &str> = WITHOUT_SCOPE
        .lines()
        .filter_map(|line| line.split_once(": "))
        .collect();
    let mut open: Vec<String> = operations(&management_document())
        .into_iter()
        .chain(operations(&public_document()))
        .filter(|operation| operation.scopes.is_empty())
        .map(|operation| operation.id)
        .collect();
    open.sort();
    open.dedup();
    assert_eq!(ledger.keys().copied().collect::<Vec<_>>(), open);
    assert!(
        ledger.values().all(|reason| reason.len() > 20),
        "every exception says why"
    );
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    let documents = [management_document(), public_document()];
    let ids: Vec<String> = documents
        .iter()
        .flat_map(operations)
        .map(|operation| operation.id)
        .collect();
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    assert!(ids.iter().all(|id| !id.is_empty()));
}

#[test]
fn every_scope_is_needed_by_some_operation() {
    let used: Vec<String> = guarded()
        .into_iter()
        .flat_map(|operation| operation.scopes)
        .collect();
    for scope in scope::ALL {
        assert!(
            used.iter().any(|used| used == scope),
            "{scope} guards nothing"
        );
    }
}
