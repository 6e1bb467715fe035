//! The API documents: what every operation shares.

use keymoor_types::verb;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, Paths, ServerBuilder};
use utoipa::{IntoResponses, OpenApi as _};

use crate::http::examples;
use crate::http::problem::Problem;

/// The security scheme of the management API.
pub const BEARER: &str = "bearer";

/// The refusals that any management operation can give.
#[derive(IntoResponses)]
pub enum Refusals {
    /// The request is malformed or a parameter is wrong.
    #[response(status = 400)]
    BadRequest(Problem),
    /// The bearer token is missing or not valid.
    #[response(status = 401)]
    Unauthorized(Problem),
    /// The token lacks the scope, or is another tenant's, or the thing is not the caller's to change.
    #[response(status = 403)]
    Forbidden(Problem),
    /// Something in the path or body does not exist.
    #[response(status = 404)]
    NotFound(Problem),
    /// The body took too long to arrive.
    #[response(status = 408)]
    TooSlow(Problem),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(Problem),
    /// Our fault. The message says so if it is not known whether the request was carried out.
    #[response(status = 500)]
    Internal(Problem),
    /// Overloaded; try again after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    Unavailable(Problem),
}

/// What an operation refuses besides, because of how things are.
#[derive(IntoResponses)]
pub enum Conflicting {
    /// The state of the thing, or a neighbour, forbids it.
    #[response(status = 409)]
    Conflict(Problem),
}

/// What an operation refuses besides that reads JSON.
#[derive(IntoResponses)]
pub enum NotJson {
    /// The body says that it is something other than JSON.
    #[response(status = 415)]
    UnsupportedMediaType(Problem),
}

/// The refusals that any operation of a device can give.
#[derive(IntoResponses)]
pub enum DeviceRefusals {
    /// The request is malformed, or the proof does not verify.
    #[response(status = 400)]
    BadRequest(Problem),
    /// The page's origin is not trusted; or, in binding, the identity is suspended or the kind of
    /// passkey not allowed.
    #[response(status = 403)]
    Forbidden(Problem),
    /// Something in the path does not exist, or the link's token is not the job's.
    #[response(status = 404)]
    NotFound(Problem),
    /// The body took too long to arrive.
    #[response(status = 408)]
    TooSlow(Problem),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(Problem),
    /// Too many failed attempts from this network; try again after `Retry-After` seconds.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    TooManyRequests(Problem),
    /// Our fault. The message says so if it is not known whether the request was carried out.
    #[response(status = 500)]
    Internal(Problem),
    /// Overloaded; try again after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds to wait")))]
    Unavailable(Problem),
}

/// What an operation refuses besides that wants a link's token in its header.
#[derive(IntoResponses)]
pub enum WithoutLink {
    /// There is no bearer token.
    #[response(status = 401)]
    Unauthorized(Problem),
}

/// What an operation on a link refuses besides.
#[derive(IntoResponses)]
pub enum EndedLink {
    /// The link was used, has expired or was withdrawn; or the passkey is bound already.
    #[response(status = 409)]
    Conflict(Problem),
}

/// Collecting follows no response that is declared apart from its operation, so what the
/// refusals refer to is told here.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Shared;

/// An address that a document is of, as of a server with the settings of development.
pub struct Address {
    pub url: &'static str,
    /// The setting that gives it.
    pub setting: &'static str,
}

/// Gives a collected document its head and its examples, and its paths the published spelling.
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
