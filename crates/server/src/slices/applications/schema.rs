//! The OAuth types in the API documents.

use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Type};

fn one_of(words: &[&str]) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.iter().copied()))
        .build()
}

pub(super) fn protocol() -> Object {
    one_of(&["oauth2", "oidc"])
}

pub(super) fn confidentiality() -> Object {
    one_of(&["confidential", "public"])
}

pub(super) fn grant_types() -> ArrayBuilder {
    ArrayBuilder::new().items(one_of(&["authorization_code", "client_credentials"]))
}

pub(super) fn pkce() -> Object {
    one_of(&["disabled", "plain", "s256"])
}

pub(super) fn auth_method() -> Object {
    one_of(&["client_secret_basic", "none"])
}
