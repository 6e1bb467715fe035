//! Pages of our own that people see in a browser, and what every one of them shares.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse as _, Response};

use crate::base::context::Context;
use crate::base::error::Error;
use crate::pages::assets;

/// Pages load nothing but our own stylesheet, run nothing, and can't be framed.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    /// Missing if the server was built without its pages' styles.
    stylesheet: Option<&'a str>,
    title: &'a str,
    what: &'a str,
    next: &'a str,
    correlation_id: &'a str,
}

/// A page that says what happened and what to do next.
pub fn message(ctx: &Context, status: StatusCode, title: &str, what: &str, next: &str) -> Response {
    let page = Message {
        stylesheet: assets::path("pages/src/page.css"),
        title,
        what,
        next,
        correlation_id: &ctx.source.correlation_id,
    };
    match page.render() {
        Ok(html) => (status, [(CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response(),
        Err(error) => Error::internal(error).into_response(),
    }
}
