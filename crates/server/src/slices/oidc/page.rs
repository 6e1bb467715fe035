//! What a person sees whose sign-in can't start.

use axum::http::StatusCode;
use axum::response::Response;

use crate::base::context::Context;
use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::http::problem;
use crate::pages::hosted::message;

/// What a person sees whose browser was sent here with a request that leads nowhere.
pub(super) fn cannot_start(ctx: &Context, failure: Failure) -> Response {
    const TITLE: &str = "This sign-in could not start";
    const BACK: &str =
        "Go back to the app and try again. If it happens again, tell whoever runs the app.";
    match failure {
        Failure::Refused(told) => {
            let what = format!(
                "The app asked for it in a way that can't be answered: {}.",
                told.description
            );
            message(ctx, StatusCode::BAD_REQUEST, TITLE, &what, BACK)
        }
        Failure::Failed(error) => {
            problem::log(&error);
            let what = match &error {
                Error::NotFound(_) => "There is no such app here.",
                Error::Forbidden(_) | Error::UntrustedOrigin => {
                    "The page that asked for it is not part of the app."
                }
                _ => "Something went wrong on our side.",
            };
            let (status, _) = problem::problem(error);
            message(ctx, status, TITLE, what, BACK)
        }
    }
}
