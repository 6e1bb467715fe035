//! Custom verbs: `/jobs/J:bind` becomes `/jobs/J/~bind` before axum's router looks at the path.
//!
//! axum 0.8 allows one parameter per path segment and no suffix after it. Handlers are therefore
//! declared as `…/{job_id}/~bind`, and the API documents restore the colon. Delete this file when
//! axum supports suffixes.

use axum::extract::Request;
use axum::http::Uri;
use keymoor_types::verb;

/// The URI of a request before its verb was rewritten.
#[derive(Clone)]
struct Requested(Uri);

/// Rewrites the verb of `request`, if its last path segment has one.
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
    let path = verb::as_segment(uri.path())?;
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    format!("{path}{query}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewritten_request_keeps_its_query() {
        let uri: Uri = "/jobs/J:getInfo?x=1:2".parse().unwrap();
        assert_eq!(rewritten(&uri).unwrap(), "/jobs/J/~getInfo?x=1:2");
    }
}
