//! Reads the whole request body before the request is processed.
//!
//! An operation reads the time after the last byte has arrived. Otherwise a client could open a
//! request in time and complete it a day later.
//!
//! Anybody can send half a body, so what arrives is charged to a budget ([`crate::base::budget`])
//! before it is kept. An operation without a body reads none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use utoipa::openapi::{OpenApi, PathItem};

use crate::base::budget::{Budget, Charge};
use crate::base::error::{Error, Result};
use crate::base::reason::Reason;

/// The maximum size of a body. The largest requests, WebAuthn attestations with certificates, have
/// a few kB.
const MAX_BYTES: usize = 64 * 1024;

/// The maximum time from the head of a request to the end of its body.
const MAX_TIME: Duration = Duration::from_secs(10);

/// What a request uses besides its headers and its body: tasks, streams and their buffers.
const REQUEST_BYTES: usize = 8 * 1024;

/// What each header uses besides its name and value.
const HEADER_BYTES: usize = 128;

/// The operations that have a body, by path. No other body is read.
#[derive(Clone, Default)]
pub struct Operations(Arc<HashMap<String, Vec<Method>>>);

impl Operations {
    /// Returns the operations whose documentation has a request body.
    pub fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        Self(Arc::new(
            paths
                .map(|(path, item)| (path.clone(), with_body(item)))
                .filter(|(_, methods)| !methods.is_empty())
                .collect(),
        ))
    }

    /// Returns the same operations below another path.
    pub fn below(self, prefix: &str) -> Self {
        let below =
            |(path, methods): (&String, &Vec<Method>)| (format!("{prefix}{path}"), methods.clone());
        Self(Arc::new(self.0.iter().map(below).collect()))
    }

    /// Adds POST requests with a body at these paths, which are not documented.
    pub fn with_posts(self, paths: &[String]) -> Self {
        let mut operations = (*self.0).clone();
        for path in paths {
            operations
                .entry(path.clone())
                .or_default()
                .push(Method::POST);
        }
        Self(Arc::new(operations))
    }

    fn have_body(&self, request: &Request) -> bool {
        let path = request.extensions().get::<MatchedPath>();
        path.and_then(|path| self.0.get(path.as_str()))
            .is_some_and(|methods| methods.contains(request.method()))
    }
}

fn with_body(item: &PathItem) -> Vec<Method> {
    let operations = [
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    let has_body = |(method, operation): (Method, &Option<_>)| {
        let operation: &utoipa::openapi::path::Operation = operation.as_ref()?;
        operation.request_body.is_some().then_some(method)
    };
    operations.into_iter().filter_map(has_body).collect()
}

/// Returns the request with its body in memory, and what that uses until the charge is dropped.
///
/// # Errors
/// `TooLarge`, `TooSlow`, or `Malformed` for an incomplete body. `TooManyRequests` or `Unavailable`
/// if too many others are unfinished.
pub async fn finished(
    request: Request,
    operations: &Operations,
    unfinished: &Budget,
    ip: IpAddr,
) -> Result<(Request, Charge)> {
    let mut charge = unfinished.charge(ip);
    let has_body = operations.have_body(&request);
    let (parts, body) = request.into_parts();
    if !has_body || body.is_end_stream() {
        return Ok((Request::from_parts(parts, Body::empty()), charge));
    }
    grow(&mut charge, REQUEST_BYTES + size(&parts.headers))?;
    let bytes = tokio::time::timeout(MAX_TIME, read(body, &mut charge))
        .await
        .map_err(|_| Error::TooSlow)??;
    Ok((Request::from_parts(parts, Body::from(bytes)), charge))
}

/// Uses `bytes` more. In the log, a used-up share is no rate limit: the client may have failed at
/// nothing.
fn grow(charge: &mut Charge, bytes: usize) -> Result<()> {
    charge.grow(bytes).map_err(|error| match error {
        limited @ Error::TooManyRequests { .. } => limited.because(Reason::Unavailable),
        other => other,
    })
}

fn size(headers: &HeaderMap) -> usize {
    let sizes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + HEADER_BYTES);
    sizes.sum()
}

/// Copies the body into one buffer. A list of its chunks could use many times their size.
async fn read(mut body: Body, charge: &mut Charge) -> Result<Bytes> {
    let announced = body.size_hint().lower();
    if announced > MAX_BYTES as u64 {
        return Err(Error::TooLarge);
    }
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let incomplete = |_| Error::Malformed("the body could not be read".to_owned());
        // Trailers are ignored.
        let Ok(chunk) = frame.map_err(incomplete)?.into_data() else {
            continue;
        };
        if read.is_empty() && body.is_end_stream() && chunk.len() <= MAX_BYTES {
            grow(charge, chunk.len())?;
            return Ok(chunk);
        }
        let length = read.len() + chunk.len();
        if length > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        if length > read.capacity() {
            let capacity = length.next_power_of_two();
            grow(charge, capacity - read.capacity())?;
            read.reserve_exact(capacity - read.len());
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.into())
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;
    use crate::testing::TestApp;

    fn body(chunks: Vec<Vec<u8>>) -> Body {
        let frames = chunks
            .into_iter()
            .map(|chunk| Ok::<_, Error>(Frame::data(chunk.into())));
        Body::new(StreamBody::new(stream::iter(
            frames.collect::<Vec<Result<Frame<Bytes>>>>(),
        )))
    }

    fn charge(budget: &Budget) -> Charge {
        budget.charge("203.0.113.9".parse().unwrap())
    }

    /// A body that never ends.
    fn unfinished() -> Body {
        let first = stream::iter([Ok::<_, Error>(Frame::data(Bytes::from_static(b"{")))]);
        Body::new(StreamBody::new(first.chain(stream::pending())))
    }

    fn request(method: Method, path: &str, body: Body) -> Request {
        let request = Request::builder().method(method).uri(path);
        request.body(body).unwrap()
    }

    #[tokio::test]
    async fn d13_operations_without_a_body_read_none() {
        let test = TestApp::sqlite().await;
        let list = test.realm_path("/identities");
        let job = test.realm_path(
            "/identities/0000000000000001/credential-binding-jobs/0000000000000002:revoke",
        );
        for (method, path, status) in [
            (Method::GET, list.as_str(), 401),
            (Method::DELETE, &test.realm_path("/identities/1"), 401),
            (Method::POST, &job, 401),
            (Method::PUT, &list, 405),
            (Method::POST, "/healthz", 405),
            (Method::GET, "/nowhere", 404),
            (Method::POST, "/nowhere", 404),
        ] {
            let asked = test.management(request(method.clone(), path, unfinished()));
            let answer = tokio::time::timeout(MAX_TIME / 2, asked).await;
            let answer = answer.unwrap_or_else(|_| panic!("{method} {path} waits for a body"));
            assert_eq!(answer.status, status, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn d13_a_network_with_many_unfinished_bodies_is_refused_before_it_is_read() {
        let test = TestApp::sqlite().await;
        let path = test.realm_path("/identities");
        let mut waiting = Box::pin(test.management(request(Method::POST, &path, unfinished())));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(test.app.unfinished.total() >= REQUEST_BYTES);
        drop(waiting);
        assert_eq!(test.app.unfinished.total(), 0);

        let mut others = test.app.unfinished.charge(IpAddr::from([127, 0, 0, 1]));
        others.grow(32 << 20).unwrap();
        let refused = test
            .management(request(Method::POST, &path, unfinished()))
            .await;
        refused.refused(429);
        assert_eq!(refused.header("retry-after"), "10");
        let read = test
            .management(request(Method::GET, &path, unfinished()))
            .await;
        read.refused(401);
        let mut rest = test.app.unfinished.charge(IpAddr::from([203, 0, 113, 9]));
        rest.grow(33 << 20).unwrap_err();
        rest.grow(20 << 20).unwrap();
        drop(others);
        let whole = request(Method::POST, &path, Body::from("{}"));
        test.management(whole).await.refused(401);
    }

    #[tokio::test]
    async fn d13_chunks_of_one_byte_use_no_more_than_twice_their_number() {
        let budget = Budget::new(1 << 20);
        let mut charge = charge(&budget);
        let read = read(body(vec![vec![b'x']; 40_000]), &mut charge)
            .await
            .unwrap();
        assert_eq!(read.len(), 40_000);
        assert_eq!(budget.total(), 65_536);
        drop(charge);
        assert_eq!(budget.total(), 0);
    }

    #[tokio::test]
    async fn d13_a_body_beyond_the_budget_or_the_maximum_is_refused() {
        let budget = Budget::new(64 << 10);
        let half = body(vec![vec![0; 1_000]; 40]);
        let refused = read(half, &mut charge(&budget)).await;
        assert!(matches!(refused, Err(Error::Because(_))), "{refused:?}");
        assert_eq!(budget.total(), 0);
        let budget = Budget::new(1 << 20);
        for chunks in [
            vec![vec![0; MAX_BYTES + 1]],
            vec![vec![0; MAX_BYTES], vec![0]],
        ] {
            let refused = read(body(chunks), &mut charge(&budget)).await;
            assert!(matches!(refused, Err(Error::TooLarge)));
        }
        let most = read(body(vec![vec![0; MAX_BYTES]]), &mut charge(&budget)).await;
        assert_eq!(most.unwrap().len(), MAX_BYTES);
    }
}
