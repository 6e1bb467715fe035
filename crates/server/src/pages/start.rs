//! The root of the sign-in address: a page for people who open it in a browser.

use axum::Router;
use axum::http::header::VARY;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::app::App;
use crate::base::error::{Error, Kind};
use crate::http::accept::reads_html;
use crate::http::auth::Anonymous;
use crate::pages::hosted::message;

pub fn routes() -> Router<App> {
    Router::new().route("/", get(start).fallback(unknown))
}

/// Shows browsers what this server is. Other clients get the error of an unknown route.
async fn start(Anonymous(ctx): Anonymous, headers: HeaderMap) -> Response {
    let mut response = if reads_html(&headers) {
        message(
            &ctx,
            StatusCode::OK,
            "This is a sign-in server",
            "Apps use it to sign people in with passkeys. There is nothing to do on this page.",
            "Open the app that you want to sign in to, or the full link that it sent you.",
        )
    } else {
        unknown().await.into_response()
    };
    let vary = HeaderValue::from_static("Accept");
    response.headers_mut().insert(VARY, vary);
    response
}

async fn unknown() -> Error {
    Error::not_found(Kind::ROUTE, "")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Method, Request};

    use crate::testing::{Answer, TestApp};

    async fn ask(test: &TestApp, method: Method, accept: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri("/");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        test.auth(request.body(Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn browsers_get_a_page_at_the_root_and_other_clients_an_error_in_json() {
        const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let test = TestApp::sqlite().await;
        let page = ask(&test, Method::GET, Some(BROWSER)).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("vary"), "Accept");
        let policy = page.header("content-security-policy");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        assert!(
            page.text.contains("<h1>This is a sign-in server</h1>"),
            "{}",
            page.text
        );
        for accept in [None, Some("application/json"), Some("*/*")] {
            let refused = ask(&test, Method::GET, accept).await;
            refused.refused(404);
            assert_eq!(refused.header("vary"), "Accept");
        }
        ask(&test, Method::POST, Some(BROWSER)).await.refused(404);
        let management = Request::get("/").header("accept", BROWSER);
        let management = management.body(Body::empty()).unwrap();
        assert_eq!(test.management(management).await.status, 404);
    }
}
