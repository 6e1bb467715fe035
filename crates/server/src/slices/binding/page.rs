//! What a person sees who opens a link that leads nowhere.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;

use crate::base::context::Context;
use crate::base::error::{Ending, Error};
use crate::http::problem;
use crate::pages::hosted::message;

/// Says in words why a link does not work, and what to do.
pub(super) fn dead_link(ctx: &Context, error: Error) -> Response {
    problem::log(&error);
    let retry_after = problem::retry_after(&error);
    let (title, what, next) = words(&error);
    let (status, _) = problem::problem(error);
    let mut response = message(ctx, status, title, what, next);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// The link works, but the place where it can be used is an application, not this page.
pub(super) fn open_in_application(ctx: &Context) -> Response {
    message(
        ctx,
        StatusCode::OK,
        "Open this link in the app",
        "This link adds a passkey, and only the app it was made for can do that.",
        "Go back to the app on this device and continue there.",
    )
}

/// Title, what happened, what to do.
fn words(error: &Error) -> (&'static str, &'static str, &'static str) {
    const ASK: &str = "Ask whoever sent it for a new link.";
    match error {
        Error::Ended { ending, .. } => match ending {
            Ending::Complete => (
                "This link was already used",
                "A passkey was added with it.",
                "If that was you, go back to the app and sign in. If not, tell whoever sent you the link.",
            ),
            Ending::Expired => (
                "This link has expired",
                "Links that add a passkey work for a limited time.",
                ASK,
            ),
            Ending::Revoked => (
                "This link was withdrawn",
                "It can no longer add a passkey.",
                ASK,
            ),
        },
        Error::Forbidden(_) => (
            "This account is suspended",
            "Passkeys can't be added to it at the moment.",
            "Contact whoever runs the app.",
        ),
        Error::UntrustedOrigin => (
            "This link was opened by a page that may not",
            "Only the app it was made for can use it.",
            "Go back to the app on this device and continue there.",
        ),
        Error::NotFound(_) => (
            "This link does not work",
            "It is incomplete, or it was never made here.",
            "Open the whole link from your mail again, or ask for a new one.",
        ),
        Error::TooManyRequests { .. } => (
            "Too many attempts",
            "There were too many wrong links from your network.",
            "Wait a minute and try again.",
        ),
        _ => (
            "Something went wrong",
            "We could not open this link.",
            "Try again in a moment.",
        ),
    }
}
