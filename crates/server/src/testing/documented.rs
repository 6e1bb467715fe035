//! Whatever a test calls, the API documents must name the status that it gets.

use std::sync::LazyLock;

use axum::http::{Method, StatusCode};

use crate::http::router::{management_document, public_document};

struct Operation {
    method: String,
    path: String,
    statuses: Vec<String>,
}

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let mut operations = Vec::new();
    for document in [management_document(), public_document()] {
        let document = serde_json::to_value(document).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let statuses = operation["responses"].as_object().unwrap().keys();
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    statuses: statuses.cloned().collect(),
                });
            }
        }
    }
    operations
});

/// Panics if the operation is documented without this status.
pub(super) fn check(method: &Method, path: &str, status: StatusCode) {
    let called = OPERATIONS
        .iter()
        .find(|operation| operation.method == method.as_str() && is_of(&operation.path, path));
    if let Some(operation) = called {
        assert!(
            operation
                .statuses
                .iter()
                .any(|known| known == status.as_str()),
            "{method} {} is documented without {status}",
            operation.path
        );
    }
}

fn is_of(template: &str, path: &str) -> bool {
    let (templates, parts) = (template.split('/'), path.split('/'));
    templates.clone().count() == parts.clone().count()
        && templates.zip(parts).all(|(template, part)| {
            match template
                .strip_prefix('{')
                .and_then(|rest| rest.split_once('}'))
            {
                Some((_, "")) => !part.contains([':', '%']),
                Some((_, verb)) => part.ends_with(verb),
                None => part == template,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "is documented without 418")]
    fn a_status_that_is_not_documented_fails_its_test() {
        let path = "/v1/tenants/1/realms/2/identities/3/credential-binding-jobs/4:bind";
        check(&Method::POST, path, StatusCode::IM_A_TEAPOT);
    }
}
