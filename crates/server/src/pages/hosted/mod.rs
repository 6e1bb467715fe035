//! The hosted pages: the message page and its content security policy.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse as _, Response};

use crate::base::context::Context;
use crate::base::error::Error;
use crate::pages::assets;

/// Allows only our own stylesheets and images. Blocks scripts, forms and framing.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    /// `None` if the server was built without the pages' assets.
    stylesheet: Option<&'a str>,
    title: &'a str,
    what: &'a str,
    next: &'a str,
    correlation_id: &'a str,
}

/// Renders a page that states what happened and what to do next.
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
