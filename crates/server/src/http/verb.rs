//! Custom verbs: `/jobs/J:bind` becomes `/jobs/J/~bind` before axum's router looks at the path.
//!
//! axum 0.8 allows one parameter per path segment and no suffix behind it. Handlers are therefore
//! declared as `…/{job_id}/~bind`, and the API documents turn that back into a colon. Delete this
//! file when axum routes suffixes.

use axum::extract::Request;
use axum::http::Uri;

/// Rewrites the verb of `request`, if its last path segment has one.
pub fn split_verb(mut request: Request) -> Request {
    if let Some(uri) = rewritten(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn rewritten(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let segment = path.rfind('/')? + 1;
    let colon = segment + path[segment..].rfind(':')?;
    let (head, verb) = (&path[..colon], &path[colon + 1..]);
    if verb.is_empty() || !verb.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    format!("{head}/~{verb}{query}").parse().ok()
}

/// The published spelling of a route that a handler declares.
pub fn published(route: &str) -> String {
    route.replace("/~", ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(uri: &str) -> String {
        let uri: Uri = uri.parse().unwrap();
        rewritten(&uri).unwrap_or(uri).to_string()
    }

    #[test]
    fn only_a_verb_on_the_last_segment_is_split_off() {
        assert_eq!(rewrite("/jobs/J:bind"), "/jobs/J/~bind");
        assert_eq!(rewrite("/jobs/J:getInfo?x=1"), "/jobs/J/~getInfo?x=1");
        assert_eq!(rewrite("/jobs:batchDelete"), "/jobs/~batchDelete");
        assert_eq!(rewrite("/a:b:bind"), "/a:b/~bind");
        for untouched in [
            "/jobs/J",
            "/jobs/J:",
            "/jobs/J:1",
            "/a:bind/J",
            "/jobs/J:bi%6ed",
        ] {
            assert_eq!(rewrite(untouched), untouched);
        }
    }

    #[test]
    fn published_undoes_the_declared_form() {
        assert_eq!(published("/jobs/{job_id}/~bind"), "/jobs/{job_id}:bind");
    }
}
