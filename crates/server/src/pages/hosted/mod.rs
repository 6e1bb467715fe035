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

/// Renders the page for an error of this status, at an address that has no page of its own for it.
pub fn refused(ctx: &Context, status: StatusCode) -> Response {
    let (title, what, next) = match status {
        StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED => (
            "This page doesn’t exist",
            "The address is incomplete or wrong.",
            "If you followed a link from an email, open the full link again or ask for a new one. Otherwise go back to the app.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "This address isn’t a page",
            "Only apps use it.",
            "Go back to the app and continue there.",
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            "Too many attempts",
            "Your network sent too many requests.",
            "Wait a minute and try again.",
        ),
        status if status.is_client_error() => (
            "This page can’t be shown",
            "Your browser sent a request that the server doesn’t accept.",
            "Go back to the app and try again.",
        ),
        _ => (
            "Something went wrong",
            "The server failed to show this page.",
            "Try again in a moment.",
        ),
    };
    message(ctx, status, title, what, next)
}
