//! The span and the log line of every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::response::Response;
use tracing::Instrument as _;

use crate::app::App;
use crate::http::refused::Sender;
use crate::http::source::{self, CORRELATION_ID};
use crate::http::{link, verb};

/// Adds the [`Source`](crate::base::context::Source) and the span to every request, and the
/// correlation id to every response. `is_client_in_path`: the application that the path names is the
/// client.
pub async fn trace(
    app: &App,
    is_client_in_path: bool,
    mut request: Request,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let source = source::of(app, &request);
    // Without the query, because queries contain tokens.
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        path = link::without_token(verb::requested(&request).path()),
        correlation_id = source.correlation_id,
    );
    let echo = HeaderValue::from_str(&source.correlation_id);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let sender = Sender::of(&source, &request, is_client_in_path);
    request.extensions_mut().insert(source);
    let started = Instant::now();
    let mut response = async {
        let response = answer(request).await;
        let took = started.elapsed();
        app.metrics
            .answered(route, &method, response.status(), took);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if !sender.logged(app, &response, micros) {
            tracing::info!(status = response.status().as_u16(), micros, "answered");
        }
        response
    }
    .instrument(span)
    .await;
    if let Ok(value) = echo {
        response.headers_mut().insert(&CORRELATION_ID, value);
    }
    response
}
