//! Management endpoints of events.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::filter::{self, EventRef, Filter};
use super::ops;
use super::sse::{self, Caller, Reading};
use super::view::EventView;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::paging::Sizes;
use crate::base::refs::{RealmRef, Ref as _};
use crate::base::scope;
use crate::http::auth::Allowed;
use crate::http::json::Reply;
use crate::http::list::{self, Listed, LongListQuery, Paged};
use crate::http::openapi::Refusals;
use crate::http::path::extract;
use crate::http::problem::Problem;

extract!(EventRef);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(stream))
        .routes(routes!(get))
}

/// Selects events. Only those that match every parameter are returned.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// The kind, such as `AuthenticationTransaction`.
    kind: Option<String>,
    /// The outcome, such as `COMPLETE:DENY`.
    outcome: Option<String>,
    /// The identity that the event is about.
    identity_id: Option<String>,
    /// The actor, exactly as events name it.
    actor: Option<String>,
    /// The flow. Every response has its id in the header `X-Correlation-Id`.
    correlation_id: Option<String>,
}

/// A range of times.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct TimeQuery {
    /// The earliest time, in the form of RFC 3339.
    from: Option<String>,
    /// The time before which the events happened, in the form of RFC 3339.
    to: Option<String>,
}

const SELECTORS: &[&str] = &[
    "kind",
    "outcome",
    "identity_id",
    "actor",
    "correlation_id",
    "from",
    "to",
];

type Queried<T> = Result<Query<T>, QueryRejection>;

fn read<T>(query: Queried<T>) -> Result<T> {
    let Query(query) =
        query.map_err(|_| Error::Malformed("the query could not be read".to_owned()))?;
    Ok(query)
}

fn filter(query: EventQuery, times: Option<TimeQuery>) -> Result<Filter> {
    let (from, to) = times.map_or((None, None), |times| (times.from, times.to));
    filter::Asked {
        kind: query.kind,
        outcome: query.outcome,
        identity_id: query.identity_id,
        actor: query.actor,
        correlation_id: query.correlation_id,
        from,
        to,
    }
    .read()
}

impl Listed for EventView {
    const SCHEMA: &'static str = "ListEventsResponse";
    const MEMBER: &'static str = "events";
    const SIZES: Sizes = Sizes::DIRECTORY;
    const SELECTORS: &'static [&'static str] = SELECTORS;
    const COUNTED: bool = false;
}

type EventPage = Paged<EventView>;

/// Lists the events of a realm, newest first.
///
/// The list has no total. With a filter, a page may have fewer events than requested, or none, and a
/// `next_page_token`: read on until there is no token.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/events",
    operation_id = "ListEvents",
    tag = "Events",
    params(RealmRef, EventQuery, TimeQuery, LongListQuery),
    responses((status = 200, body = EventPage), Refusals),
    security(("bearer" = ["events:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::events::Read>,
    at: RealmRef,
    query: Queried<EventQuery>,
    times: Queried<TimeQuery>,
    asked: list::Asked<EventView>,
) -> Result<EventPage> {
    let filter = filter(read(query)?, Some(read(times)?))?;
    let page = ops::list(&ctx, at, filter, &asked).await?;
    Ok(asked.answer(page))
}

/// Reads an event.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/events/{event_id}",
    operation_id = "GetEvent",
    tag = "Events",
    params(EventRef),
    responses((status = 200, body = EventView), Refusals),
    security(("bearer" = ["events:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::events::Read>,
    at: EventRef,
) -> Result<Reply<EventView>> {
    let event = ops::get(&ctx, at).await?;
    Ok(Reply(event.into()))
}

/// Streams the events of a realm as they happen, as server-sent events.
///
/// Each message has the event as JSON in `data`, and an `id`. A client that reconnects sends the
/// last one in the header `Last-Event-ID` and gets every event since. Without it the stream starts
/// now. Binding jobs are watched with `kind=CredentialBindingJobChange`.
///
/// The stream ends when the caller's token expires or loses its rights.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/events/~stream",
    operation_id = "StreamEvents",
    tag = "Events",
    params(
        RealmRef,
        EventQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last message"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = String,
            description = "Messages, until the client or the server ends the stream"),
        (status = 429, description = "The caller has 200 open streams", body = Problem),
        Refusals
    ),
    security(("bearer" = ["events:read"])),
)]
async fn stream(
    caller: Caller<scope::events::Read>,
    at: RealmRef,
    query: Queried<EventQuery>,
) -> Result<Response> {
    caller.require_known(&SELECTORS[..5])?;
    let after = caller.last_event_id()?;
    let filter = filter(read(query)?, None)?;
    let reading = Reading::start(&caller.ctx, at, after).await?;
    Ok(sse::response(caller, reading, filter))
}
