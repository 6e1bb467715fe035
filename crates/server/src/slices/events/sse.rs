//! A stream of events to one client, as server-sent events (WHATWG HTML, section 9.2).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::stream;
use keymoor_types::{Seconds, Timestamp};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::feeds::{Permit, Subscription};
use super::filter::Filter;
use super::log;
use super::model::{Place, Recorded};
use super::view::EventView;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::refs::RealmRef;
use crate::base::scope::Scope;
use crate::db::Rx;
use crate::http::auth::{Allowed, InSession};
use crate::http::list::reject_unknown;
use crate::slices::realms;

/// A client and proxies learn this often that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The caller's rights are checked this often, and before an event if a second has passed.
const RECHECK: Duration = Duration::from_secs(10);
/// How many events a stream that is behind reads from the table at a time.
const BATCH: i64 = 200;

const LAST_EVENT_ID: &str = "last-event-id";

/// A caller whose rights can be checked again.
pub(super) struct Caller<S> {
    pub(super) ctx: Context,
    parts: Parts,
    session: Option<InSession>,
    checked_at: Timestamp,
    scope: std::marker::PhantomData<fn() -> S>,
}

impl<S: Scope> FromRequestParts<App> for Caller<S> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let session = parts.extensions.get::<InSession>().cloned();
        let Allowed { ctx, .. } = Allowed::<S>::from_request_parts(parts, app).await?;
        Ok(Self {
            checked_at: ctx.now,
            ctx,
            parts: parts.clone(),
            session,
            scope: std::marker::PhantomData,
        })
    }
}

impl<S: Scope> Caller<S> {
    /// Rejects other parameters than these.
    pub(super) fn require_known(&self, known: &[&str]) -> Result<()> {
        reject_unknown(self.parts.uri.query(), |name| known.contains(&name))
    }

    /// Returns the place after the last event that the client has got.
    pub(super) fn last_event_id(&self) -> Result<Option<Place>> {
        let Some(value) = self.parts.headers.get(LAST_EVENT_ID) else {
            return Ok(None);
        };
        let place = value.to_str().ok().and_then(|text| text.parse().ok());
        let why = "not the id of a message of this stream";
        place
            .map(Some)
            .ok_or_else(|| Error::invalid("Last-Event-ID", why))
    }

    /// Whether the caller may still read.
    async fn may_go_on(&mut self) -> bool {
        let app = self.ctx.app.clone();
        self.checked_at = app.now();
        if let Some(session) = &self.session {
            if !(session.check)().await {
                return false;
            }
            self.parts.extensions.insert(session.clone());
        }
        Allowed::<S>::from_request_parts(&mut self.parts, &app)
            .await
            .is_ok()
    }

    async fn may_get_an_event(&mut self) -> bool {
        self.ctx.app.now() < self.checked_at + Seconds(1) || self.may_go_on().await
    }
}

/// A realm's events after a place: from the table up to where the feed begins, then from the feed.
pub(super) struct Reading {
    realm: RealmRef,
    /// The place after the last event that was read.
    place: Place,
    subscription: Subscription,
    waiting: VecDeque<Arc<Recorded>>,
    _permit: Permit,
}

impl Reading {
    /// # Errors
    /// `NotFound` for the realm; `TooManyRequests`; `Invalid` for a place that the log hasn't.
    pub(super) async fn start(
        ctx: &Context,
        realm: RealmRef,
        after: Option<Place>,
    ) -> Result<Self> {
        let app = &ctx.app;
        app.db
            .read(async |rx| realms::ops::require(rx, realm).await)
            .await?;
        let permit = app.feeds.permit(ctx.actor.to_string())?;
        let subscription = app.feeds.subscribe(realm).await?;
        if after.is_some_and(|after| after > subscription.from) {
            let end = app.db.read(async |rx| log::end(rx, realm).await).await?;
            if after.is_some_and(|after| after > end) {
                let why = "not the id of a message of this stream";
                return Err(Error::invalid("Last-Event-ID", why));
            }
        }
        Ok(Self {
            realm,
            place: after.unwrap_or(subscription.from),
            subscription,
            waiting: VecDeque::new(),
            _permit: permit,
        })
    }

    /// Waits for the next event.
    async fn next(&mut self, app: &App) -> Result<Option<Arc<Recorded>>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.place = event.place();
                return Ok(Some(event));
            }
            if self.place < self.subscription.from {
                self.catch_up(app).await?;
                continue;
            }
            match self.subscription.events.recv().await {
                // A client may know more than the feed did when it was joined.
                Ok(event) if event.place() <= self.place => {}
                Ok(event) => {
                    self.place = event.place();
                    return Ok(Some(event));
                }
                Err(RecvError::Lagged(_)) => {
                    self.subscription = app.feeds.subscribe(self.realm).await?;
                }
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    /// Reads events that the feed had sent before this stream listened, or while it was too slow.
    async fn catch_up(&mut self, app: &App) -> Result<()> {
        let (realm, place) = (self.realm, self.place);
        let read = async |rx: &mut Rx| log::after(rx, realm, place, BATCH).await;
        let events = app.db.read(read).await?;
        if events.is_empty() {
            self.place = self.subscription.from;
        }
        self.waiting = events.into_iter().map(Arc::new).collect();
        Ok(())
    }
}

struct Streaming<S> {
    caller: Caller<S>,
    reading: Reading,
    filter: Filter,
    closing: watch::Receiver<bool>,
    heartbeat: Instant,
    recheck: Instant,
}

/// Returns the stream as a response.
pub(super) fn response<S: Scope + 'static>(
    caller: Caller<S>,
    reading: Reading,
    filter: Filter,
) -> Response {
    let now = Instant::now();
    let streaming = Streaming {
        closing: caller.ctx.app.feeds.closing(),
        caller,
        reading,
        filter,
        // The first message tells the client that it listens, even if there are events for it.
        heartbeat: now,
        recheck: now + RECHECK,
    };
    let messages = stream::unfold(streaming, async |mut streaming| {
        let message = streaming.message().await?;
        Some((Ok::<_, Infallible>(message), streaming))
    });
    let mut response = Response::new(Body::from_stream(messages));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // nginx would hold messages back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

impl<S: Scope> Streaming<S> {
    /// Returns the next message. `None`: the stream ends.
    async fn message(&mut self) -> Option<Bytes> {
        let app = self.caller.ctx.app.clone();
        let mut closing = self.closing.clone();
        loop {
            if self.heartbeat <= Instant::now() {
                self.heartbeat = Instant::now() + HEARTBEAT;
                return Some(self.alive());
            }
            tokio::select! {
                biased;
                () = told(&mut closing) => return None,
                () = sleep_until(self.recheck) => {
                    self.recheck = Instant::now() + RECHECK;
                    if !self.caller.may_go_on().await {
                        return None;
                    }
                }
                () = sleep_until(self.heartbeat) => {}
                event = self.reading.next(&app) => {
                    let event = event
                        .inspect_err(|error| tracing::warn!(%error, "a stream of events ends"))
                        .ok()??;
                    if !self.caller.may_get_an_event().await {
                        return None;
                    }
                    if self.filter.matches(&event) {
                        return Some(message(&event));
                    }
                }
            }
        }
    }

    /// Returns a message without data. Its id spares a client that reconnects the events that it
    /// doesn't want.
    fn alive(&self) -> Bytes {
        Bytes::from(format!(": alive\nid: {}\n\n", self.reading.place))
    }
}

/// Waits until the server stops.
async fn told(closing: &mut watch::Receiver<bool>) {
    let _told = closing.wait_for(|&closing| closing).await;
}

fn message(event: &Recorded) -> Bytes {
    let view = EventView::from(event.clone());
    let json = serde_json::to_string(&view).expect("an event is plain data");
    Bytes::from(format!(
        "id: {}\nevent: event\ndata: {json}\n\n",
        event.place()
    ))
}
