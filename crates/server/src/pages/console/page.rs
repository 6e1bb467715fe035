//! The page that an administrator's binding link opens: a button that calls our SDK.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::reason::Reason;
use crate::base::refusal::Refusal;
use crate::http::auth::Anonymous;
use crate::pages::assets;
use crate::pages::hosted::message;

/// Returns the routes of the console's pages, below the path of its public URL.
pub fn routes(app: &App) -> Router<App> {
    let bind_path = format!("{}/bind", app.config.console_url.path());
    Router::new().route(&bind_path, get(bind))
}

#[derive(Template)]
#[template(path = "console_bind.html")]
struct BindPage<'a> {
    stylesheet: &'a str,
    script: &'a str,
    /// The host and port that the SDK may call.
    auth_host: &'a str,
}

async fn bind(Anonymous(ctx): Anonymous) -> Result<Response> {
    let built = assets::path("pages/src/page.css").zip(assets::path("pages/src/consoleBind.ts"));
    let mut response = match built {
        Some((stylesheet, script)) => bind_page(&ctx, stylesheet, script)?,
        None => scripts_missing(&ctx),
    };
    // The page's URL contains the link's token, so caches and referrers must not record it.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

fn bind_page(ctx: &Context, stylesheet: &str, script: &str) -> Result<Response> {
    let auth_url = &ctx.app.config.auth_url;
    let page = BindPage {
        stylesheet,
        script,
        auth_host: auth_url.authority(),
    };
    let html = page.render().map_err(Error::internal)?;
    let policy = policy(auth_url.origin());
    Ok(([(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response())
}

/// Allows our own scripts and styles, and calls to our origin and `auth_origin`. Blocks framing.
fn policy(auth_origin: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' {auth_origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

fn scripts_missing(ctx: &Context) -> Response {
    let page = message(
        ctx,
        StatusCode::SERVICE_UNAVAILABLE,
        "This page is incomplete",
        "This server was built without the page's scripts. Your link is still valid.",
        "Rebuild the server with `cargo xtask build`, then open the link again.",
    );
    (Extension(Refusal::from(Reason::Unavailable)), page).into_response()
}
