//! The shared parts of the API documents: error responses, server and security scheme.

use keymoor_types::verb;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, Paths, ServerBuilder};
use utoipa::{IntoResponses, OpenApi as _};

use crate::http::examples;
use crate::http::problem::Problem;

/// The security scheme of the management API.
pub const BEARER: &str = "bearer";

/// The error responses of every management operation.
#[derive(IntoResponses)]
pub enum Refusals {
    /// The request is malformed or a parameter is invalid.
    #[response(status = 400)]
    BadRequest(Problem),
    /// The bearer token is missing or invalid.
    #[response(status = 401)]
    Unauthorized(Problem),
    /// The token lacks the scope or belongs to another tenant, or the resource can't be changed.
    #[response(status = 403)]
    Forbidden(Problem),
    /// A resource in the path or body does not exist.
    #[response(status = 404)]
    NotFound(Problem),
    /// The server failed. The message states if the outcome of the request is unknown.
    #[response(status = 500)]
    Internal(Problem),
    /// The server is overloaded. Retry after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    Unavailable(Problem),
}

/// The additional error response of operations that depend on a resource's state.
#[derive(IntoResponses)]
pub enum Conflicting {
    /// The state of the resource, or another resource, forbids the operation.
    #[response(status = 409)]
    Conflict(Problem),
}

/// The additional error responses of operations with a JSON body.
#[derive(IntoResponses)]
pub enum NotJson {
    /// The request body took too long to arrive.
    #[response(status = 408)]
    TooSlow(Problem),
    /// The request body is too large.
    #[response(status = 413)]
    TooLarge(Problem),
    /// The request's content type is not JSON.
    #[response(status = 415)]
    UnsupportedMediaType(Problem),
    /// Too many requests or failed attempts of this network. Retry after `Retry-After` seconds.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    TooManyRequests(Problem),
}

/// The error responses of every device operation.
#[derive(IntoResponses)]
pub enum DeviceRefusals {
    /// The request is malformed, or the proof does not verify.
    #[response(status = 400)]
    BadRequest(Problem),
    /// The page's origin is not trusted. In binding also: the identity is suspended, or the kind of
    /// passkey is not allowed.
    #[response(status = 403)]
    Forbidden(Problem),
    /// A resource in the path does not exist, or the link's token is invalid.
    #[response(status = 404)]
    NotFound(Problem),
    /// The request body took too long to arrive.
    #[response(status = 408)]
    TooSlow(Problem),
    /// The request body is too large.
    #[response(status = 413)]
    TooLarge(Problem),
    /// Too many requests or failed attempts of this network. Retry after `Retry-After` seconds.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    TooManyRequests(Problem),
    /// The server failed. The message states if the outcome of the request is unknown.
    #[response(status = 500)]
    Internal(Problem),
    /// The server is overloaded. Retry after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    Unavailable(Problem),
}

/// The additional error response of operations that require the link's token as bearer token.
#[derive(IntoResponses)]
pub enum WithoutLink {
    /// The bearer token is missing.
    #[response(status = 401)]
    Unauthorized(Problem),
}

/// The additional error response of operations on a link.
#[derive(IntoResponses)]
pub enum EndedLink {
    /// The link was used, has expired or was revoked, or the passkey is already bound.
    #[response(status = 409)]
    Conflict(Problem),
}

/// The schema of the shared error responses. utoipa does not collect the schemas of responses that
/// are declared apart from their operation.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Shared;

/// The server URL of a document: a development server's.
pub struct Address {
    pub url: &'static str,
    /// The setting that defines the URL in production.
    pub setting: &'static str,
}

/// Completes a collected document: adds its head and examples, and publishes its custom verbs.
pub fn finish(title: &str, address: &Address, mut collected: OpenApi) -> OpenApi {
    collected.merge(Shared::openapi());
    let info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .build();
    let mut paths = Paths::new();
    for (route, item) in collected.paths.paths {
        paths.paths.insert(verb::published(&route), item);
    }
    let mut components = collected.components.unwrap_or_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    let Address { url, setting } = address;
    let server = ServerBuilder::new().url(*url).description(Some(format!(
        "A development server. Replace it with the value of `{setting}`."
    )));
    let mut document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([server.build()]))
        .paths(paths)
        .components(Some(components))
        .build();
    examples::add(&mut document);
    document
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::http::router::{management_document, public_document};

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                let reference = members.get("$ref").and_then(Value::as_str);
                found.extend(reference.map(str::to_owned));
                members.values().for_each(|inner| references(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_of_the_documents_leads_somewhere() {
        for document in [management_document(), public_document()] {
            let document = serde_json::to_value(document).unwrap();
            let mut found = Vec::new();
            references(&document, &mut found);
            assert!(!found.is_empty());
            for reference in found {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
        }
    }
}
