//! The console's page, and the one that an administrator's binding link opens.

use askama::Template;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Result};
use crate::base::reason::Reason;
use crate::base::refusal::Refusal;
use crate::http::auth::Anonymous;
use crate::pages::assets;
use crate::pages::hosted::message;

/// Returns the routes of the console's pages, below the path of its public URL.
pub fn routes(app: &App) -> Router<App> {
    let base = app.config.console_url.path();
    let routes = Router::new()
        .route(&format!("{base}/bind"), get(bind))
        .route(&format!("{base}/{{*page}}"), get(below));
    match base {
        // The sign-in server's own start page is there.
        "" => routes,
        base => routes.route(base, get(console)),
    }
}

#[derive(Template)]
#[template(path = "console.html")]
struct ConsolePage<'a> {
    stylesheets: &'a [&'a str],
    script: &'a str,
    /// The path of the console's URL.
    base: &'a str,
    /// The host and port that the SDK may call.
    auth_host: &'a str,
}

async fn below(anonymous: Anonymous, Path(page): Path<String>) -> Result<Response> {
    // The page's router knows the rest. Any other address may be that of a broken link.
    let first = page.split('/').next().unwrap_or_default();
    if !matches!(first, "realms" | "sessions" | "sign-in") {
        return Err(Error::not_found(Kind::ROUTE, ""));
    }
    console(anonymous).await
}

/// Every address of the console is the same page.
async fn console(Anonymous(ctx): Anonymous) -> Result<Response> {
    let Some(script) = assets::path("console/src/main.tsx") else {
        return Ok(console_missing(&ctx));
    };
    let config = &ctx.app.config;
    let page = ConsolePage {
        stylesheets: &assets::stylesheets("console/src/main.tsx"),
        script,
        base: config.console_url.path(),
        auth_host: config.auth_url.authority(),
    };
    let html = page.render().map_err(Error::internal)?;
    let headers = [
        (CONTENT_SECURITY_POLICY, policy(config.auth_url.origin())),
        (CACHE_CONTROL, "no-store".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    Ok((headers, Html(html)).into_response())
}

fn console_missing(ctx: &Context) -> Response {
    let page = message(
        ctx,
        StatusCode::SERVICE_UNAVAILABLE,
        "The console is missing",
        "This server was built without web assets.",
        "Rebuild the server with `cargo xtask build`. The management API works without the console.",
    );
    (Extension(Refusal::from(Reason::Unavailable)), page).into_response()
}

#[derive(Template)]
#[template(path = "console_bind.html")]
struct BindPage<'a> {
    stylesheet: &'a str,
    script: &'a str,
    /// The host and port that the SDK may call.
    auth_host: &'a str,
    /// Where the console is, if this server has it.
    console: Option<&'a str>,
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
        console: assets::path("console/src/main.tsx").map(|_| ctx.app.config.console_url.path()),
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
