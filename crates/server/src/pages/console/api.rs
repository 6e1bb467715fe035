//! What the console's page calls: its session, and the management API with the session's rights.

use axum::extract::{Path, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use keymoor_types::{SessionId, Timestamp};
use serde::Serialize;

use super::caller::{self, SignedIn};
use crate::app::App;
use crate::base::error::{self, Error, Kind};
use crate::http::auth::Anonymous;
use crate::http::json::Lenient;
use crate::pages::assets;
use crate::slices::sessions::model::Session;
use crate::slices::sessions::ops::{self, Answer};

/// Where the calls are, below the console's public path.
pub fn prefix(app: &App) -> String {
    format!("{}/api", app.config.console_url.path())
}

/// The calls with a body that no API document describes.
pub fn posts(prefix: &str) -> [String; 1] {
    [format!("{prefix}/sign-in/finish")]
}

pub fn routes(app: &App, management: Router<App>) -> Router<App> {
    let management = management.layer(from_fn_with_state(app.clone(), caller::with_rights));
    let own = Router::new()
        .route("/sign-in", post(start))
        .route("/sign-in/finish", post(finish))
        .route("/session", get(session))
        .route("/sign-out", post(sign_out))
        .route("/sessions", get(sessions))
        .route("/sessions/{session_id}/end", post(end));
    Router::new().nest(&prefix(app), management.merge(own))
}

#[derive(Serialize)]
struct Started {
    url: String,
    flow: String,
    tenant: String,
    realm_id: String,
}

async fn start(Anonymous(ctx): Anonymous, request: Request) -> error::Result<Json<Started>> {
    caller::require_own_page(request.headers())?;
    let ops::SignIn {
        url,
        flow,
        tenant,
        realm_id,
    } = ops::start(&ctx).await?;
    Ok(Json(Started {
        url,
        flow,
        tenant,
        realm_id,
    }))
}

/// Ends the session that the browser had, so that nobody who knew its id knows the new one.
async fn finish(
    State(app): State<App>,
    Anonymous(ctx): Anonymous,
    request: Request,
) -> error::Result<Response> {
    let (parts, body) = request.into_parts();
    let before = caller::session(&app, &parts, false).await?.ok();
    let request = Request::from_parts(parts, body);
    let Lenient(answer) =
        <Lenient<Answer> as axum::extract::FromRequest<_>>::from_request(request, &app).await?;
    let key = ops::finish(&ctx, &answer, before.as_ref()).await?;
    let cookie = caller::set_cookie(&app.config, Some(&key))?;
    Ok((
        AppendHeaders([(SET_COOKIE, cookie)]),
        Json(serde_json::json!({})),
    )
        .into_response())
}

#[derive(Serialize)]
struct SessionView {
    tenant_id: String,
    admin_realm_id: String,
    identity_id: String,
    display_name: String,
    username: String,
    auth_url: String,
    api_url: String,
    expire_time: Timestamp,
    /// Changes when the server serves another build of the page.
    build: &'static str,
}

/// A browser without a cookie is told so without an error, which it would report to the developer.
async fn session(
    State(app): State<App>,
    headers: HeaderMap,
    signed_in: Result<SignedIn, Response>,
) -> Response {
    match signed_in {
        Ok(signed_in) => Json(view(signed_in)).into_response(),
        Err(refused)
            if refused.status() == StatusCode::UNAUTHORIZED
                && !caller::has_cookie(&app.config, &headers) =>
        {
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refused) => refused,
    }
}

fn view(SignedIn { ctx, session }: SignedIn) -> SessionView {
    let config = &ctx.app.config;
    SessionView {
        tenant_id: session.tenant_id.to_string(),
        admin_realm_id: session.realm_id.to_string(),
        identity_id: session.identity_id.to_string(),
        auth_url: config.auth_url.as_str().to_owned(),
        api_url: config.api_url.as_str().to_owned(),
        expire_time: session.expires_at,
        build: assets::path("console/src/main.tsx").unwrap_or_default(),
        display_name: session.display_name,
        username: session.username,
    }
}

async fn sign_out(SignedIn { ctx, session }: SignedIn) -> error::Result<Response> {
    ops::end(&ctx, &session).await?;
    let cookie = caller::set_cookie(&ctx.app.config, None)?;
    Ok((
        AppendHeaders([(SET_COOKIE, cookie)]),
        Json(serde_json::json!({})),
    )
        .into_response())
}

#[derive(Serialize)]
struct OwnSession {
    id: String,
    is_current: bool,
    ip: String,
    user_agent: String,
    create_time: Timestamp,
    active_time: Timestamp,
}

async fn sessions(SignedIn { ctx, session }: SignedIn) -> error::Result<Json<serde_json::Value>> {
    let found = ops::list(&ctx, &session).await?;
    let view = |other: Session| OwnSession {
        is_current: other.id == session.id,
        id: other.id.to_string(),
        ip: other.ip,
        user_agent: other.user_agent,
        create_time: other.created_at,
        active_time: other.active_at,
    };
    let views: Vec<OwnSession> = found.into_iter().map(view).collect();
    Ok(Json(serde_json::json!({ "sessions": views })))
}

async fn end(
    SignedIn { ctx, session }: SignedIn,
    Path(id): Path<String>,
) -> error::Result<Json<serde_json::Value>> {
    let unknown = |_| Error::not_found(Kind::new("Session", "session"), &id);
    let other: SessionId = id.parse().map_err(unknown)?;
    ops::end_other(&ctx, &session, other).await?;
    Ok(Json(serde_json::json!({})))
}
