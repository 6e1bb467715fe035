//! The service that handles a listener's requests.

use axum::Router;
use axum::extract::Request;
use tower::Layer as _;
use tower::util::{MapRequest, MapRequestLayer};

/// A router behind a function that rewrites each request before routing.
pub type Service = MapRequest<Router, fn(Request) -> Request>;

/// Serves `routes` without changing requests.
pub fn plain(routes: Router) -> Service {
    let unchanged: fn(Request) -> Request = |request| request;
    MapRequestLayer::new(unchanged).layer(routes)
}
