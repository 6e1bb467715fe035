//! The pages that a browser shows for a binding link that can't be used here.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;

use crate::base::context::Context;
use crate::base::error::{Ending, Error};
use crate::base::refusal::Refusal;
use crate::http::problem;
use crate::pages::hosted::message;

/// Returns a page that explains why the link doesn't work and what to do.
pub(super) fn dead_link(ctx: &Context, error: Error) -> Response {
    let (why, error) = Refusal::of(error);
    let retry_after = problem::retry_after(&error);
    let (title, what, next) = words(&error);
    let (status, _) = problem::problem(error);
    let mut response = message(ctx, status, title, what, next);
    response.extensions_mut().insert(why);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Returns a page for a valid link that only the application can use.
pub(super) fn open_in_application(ctx: &Context) -> Response {
    message(
        ctx,
        StatusCode::OK,
        "Open this link in the app",
        "This link adds a passkey. Only the app that requested it can use the link.",
        "Go back to the app on this device and continue there.",
    )
}

/// Title, what happened, what to do.
fn words(error: &Error) -> (&'static str, &'static str, &'static str) {
    const ASK: &str = "Ask the sender for a new link.";
    match error {
        Error::Ended { ending, .. } => match ending {
            Ending::Complete => (
                "This link has already been used",
                "It was used to add a passkey.",
                "If you added it, go back to the app and sign in. If you didn’t, contact the sender of the link.",
            ),
            Ending::Expired => (
                "This link has expired",
                "Links that add a passkey are valid for a limited time.",
                ASK,
            ),
            Ending::Revoked => (
                "This link was revoked",
                "It can no longer add a passkey.",
                ASK,
            ),
        },
        Error::Forbidden(_) => (
            "This account is suspended",
            "You can’t add a passkey to a suspended account.",
            "Contact the app’s support.",
        ),
        Error::UntrustedOrigin => (
            "This page isn’t allowed to use the link",
            "Only the app that requested the link can use it.",
            "Go back to the app on this device and continue there.",
        ),
        Error::NotFound(_) => (
            "This link doesn’t work",
            "It is incomplete, or this server didn’t create it.",
            "Open the full link from your email again, or ask for a new one.",
        ),
        Error::TooManyRequests { .. } => (
            "Too many attempts",
            "Your network opened too many invalid links.",
            "Wait a minute and try again.",
        ),
        _ => (
            "Something went wrong",
            "We couldn’t open this link.",
            "Try again in a moment.",
        ),
    }
}
