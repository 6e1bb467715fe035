//! The page that a browser shows for a sign-in that can't start.

use axum::http::StatusCode;
use axum::response::Response;

use crate::base::context::Context;
use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::base::refusal::Refusal;
use crate::http::problem;
use crate::pages::hosted::message;

/// Returns a page that explains why the authorization request failed.
pub(super) fn cannot_start(ctx: &Context, failure: Failure) -> Response {
    const TITLE: &str = "Sign-in couldn’t start";
    const BACK: &str =
        "Go back to the app and try again. If the problem continues, contact the app’s support.";
    let (why, failure) = Refusal::of_failure(failure);
    let mut page = match failure {
        Failure::Refused(told) | Failure::Because(_, told) => {
            let what = format!(
                "The app sent an invalid sign-in request: {}.",
                told.description
            );
            message(ctx, StatusCode::BAD_REQUEST, TITLE, &what, BACK)
        }
        Failure::Failed(error) => {
            let what = match &error {
                Error::NotFound(_) => "This app doesn’t exist on this server.",
                _ => "The server failed to process the request.",
            };
            let (status, _) = problem::problem(error);
            message(ctx, status, TITLE, what, BACK)
        }
    };
    page.extensions_mut().insert(why);
    page
}
