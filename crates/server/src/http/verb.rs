//! Custom verbs: `/jobs/J:bind` becomes `/jobs/J/~bind` before axum's router looks at the path.
//!
//! axum 0.8 allows one parameter per path segment and no suffix after it. Handlers are therefore
//! declared as `…/{job_id}/~bind`, and the API documents restore the colon. Delete this file when
//! axum supports suffixes.
//!
//! A client can't request the inner form, because that would bypass a proxy's rule for `:bind`.

use axum::extract::Request;
use axum::http::Uri;
use keymoor_types::verb;

use crate::http::link;

/// The URI of a request before its path was rewritten.
#[derive(Clone)]
struct Requested(Uri);

/// Rewrites the path of `request` to its routed form, if it has a verb.
pub fn split_verb(mut request: Request) -> Request {
    if let Some(uri) = rewritten(request.uri()) {
        let requested = std::mem::replace(request.uri_mut(), uri);
        request.extensions_mut().insert(Requested(requested));
    }
    request
}

/// Returns the URI as the client sent it.
pub fn requested(request: &Request) -> &Uri {
    let rewritten = request.extensions().get();
    rewritten.map_or(request.uri(), |Requested(uri)| uri)
}

fn rewritten(uri: &Uri) -> Option<Uri> {
    if let Some(routed) = link::routed(uri) {
        return routed.parse().ok();
    }
    let typed = verb::escaped(uri.path());
    let path = match verb::as_segment(typed.as_deref().unwrap_or(uri.path())) {
        Some(path) => path,
        None => typed?,
    };
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    format!("{path}{query}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten_from(uri: &str) -> Option<String> {
        rewritten(&uri.parse().unwrap()).map(|uri| uri.to_string())
    }

    #[test]
    fn a_rewritten_request_keeps_its_query() {
        for (typed, routed) in [
            ("/jobs/J:getInfo?x=1:2", "/jobs/J/~getInfo?x=1:2"),
            ("/jobs/J/~getInfo?x=/~y", "/jobs/J/%7EgetInfo?x=/~y"),
        ] {
            assert_eq!(rewritten_from(typed).as_deref(), Some(routed));
        }
    }

    #[test]
    fn the_inner_form_cannot_be_typed() {
        for (typed, routed) in [
            ("/jobs/J/~bind", "/jobs/J/%7Ebind"),
            ("/jobs/J/~bind/", "/jobs/J/%7Ebind/"),
            ("/jobs/~bind:bind", "/jobs/%7Ebind/~bind"),
            ("/~/~", "/%7E/%7E"),
        ] {
            assert_eq!(rewritten_from(typed).as_deref(), Some(routed));
        }
        for untouched in ["/jobs/J/%7Ebind", "/jobs/J~bind", "/jobs/J"] {
            assert_eq!(rewritten_from(untouched), None, "{untouched}");
        }
    }
}
