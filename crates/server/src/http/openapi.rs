//! The API documents: what every operation shares.

use keymoor_types::verb;
use utoipa::IntoResponses;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, Paths};

use crate::http::problem::Problem;

/// The security scheme of the management API.
pub const BEARER: &str = "bearer";

/// The refusals that any management operation can give.
#[derive(IntoResponses)]
pub enum Refusals {
    /// The request is malformed or a parameter is wrong.
    #[response(status = 400)]
    BadRequest(#[to_schema] Problem),
    /// The bearer token is missing or not valid.
    #[response(status = 401)]
    Unauthorized(#[to_schema] Problem),
    /// The token lacks the scope, or is another tenant's.
    #[response(status = 403)]
    Forbidden(#[to_schema] Problem),
    /// Something in the path or body does not exist.
    #[response(status = 404)]
    NotFound(#[to_schema] Problem),
    /// The state of the thing, or a neighbour, forbids it.
    #[response(status = 409)]
    Conflict(#[to_schema] Problem),
    /// Our fault. The message says so if it is not known whether the request was carried out.
    #[response(status = 500)]
    Internal(#[to_schema] Problem),
    /// Overloaded; try again after `Retry-After` seconds.
    #[response(status = 503)]
    Unavailable(#[to_schema] Problem),
}

/// Gives a collected document its head, and its paths the published spelling.
pub fn finish(title: &str, collected: OpenApi) -> OpenApi {
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
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .build()
}
