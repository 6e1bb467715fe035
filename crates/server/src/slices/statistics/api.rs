//! The management endpoint of statistics.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Day, Figure, MAX_DAYS};
use super::ops;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::refs::RealmRef;
use crate::base::scope;
use crate::http::auth::Allowed;
use crate::http::json::Reply;
use crate::http::list::reject_unknown;
use crate::http::openapi::Refusals;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read))
}

const DEFAULT_DAYS: i64 = 30;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct StatisticsQuery {
    /// The number of days including today, 1 to 366. 30 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 366, example = 30)]
    days: Option<String>,
}

/// The number of days that are asked for.
struct Days(i64);

impl FromRequestParts<App> for Days {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        reject_unknown(parts.uri.query(), |name| name == "days")?;
        let wrong = || Error::invalid("days", "not a number from 1 to 366");
        let Query(StatisticsQuery { days }) = Query::from_request_parts(parts, app)
            .await
            .map_err(|_| wrong())?;
        let Some(days) = days else {
            return Ok(Self(DEFAULT_DAYS));
        };
        let days = days.parse().ok();
        days.filter(|days| (1..=MAX_DAYS).contains(days))
            .map(Self)
            .ok_or_else(wrong)
    }
}

/// What happened in a realm.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
struct StatisticsView {
    /// A day each, oldest first. The last one is today.
    days: Vec<DayView>,
}

/// The figures of a day.
#[derive(Serialize, ToSchema)]
#[schema(as = StatisticsOfDay)]
struct DayView {
    /// The day in UTC.
    #[schema(examples("2026-03-01"))]
    date: String,
    sign_ins: SignInsView,
    new_passkeys: PasskeysView,
    ended_credential_binding_jobs: JobsView,
}

/// Sign-ins by what came of them.
#[derive(Serialize, ToSchema)]
#[schema(as = StatisticsOfSignIns)]
struct SignInsView {
    /// The passkey was right, and the application got a code.
    #[schema(examples(412))]
    allowed: i64,
    /// The passkey was right, and policy, a revocation or a suspension refused.
    #[schema(examples(3))]
    denied: i64,
    /// The proof for an existing identity was invalid or used before. Proofs for unknown identities
    /// aren't counted.
    #[schema(examples(7))]
    failed: i64,
}

/// New passkeys by kind.
#[derive(Serialize, ToSchema)]
#[schema(as = StatisticsOfNewPasskeys)]
struct PasskeysView {
    /// Software keys.
    #[serde(rename = "JWT")]
    #[schema(examples(1))]
    jwt: i64,
    /// WebAuthn credentials whose options the device created.
    #[serde(rename = "WEBAUTHN")]
    #[schema(examples(2))]
    webauthn: i64,
    /// WebAuthn credentials whose options the server created.
    #[serde(rename = "FIDO2")]
    #[schema(examples(21))]
    fido2: i64,
}

/// Binding jobs by how they ended. A job whose link is sent again after it expired can end twice.
#[derive(Serialize, ToSchema)]
#[schema(as = StatisticsOfEndedCredentialBindingJobs)]
struct JobsView {
    #[serde(rename = "COMPLETE")]
    #[schema(examples(24))]
    complete: i64,
    #[serde(rename = "EXPIRED")]
    #[schema(examples(2))]
    expired: i64,
    #[serde(rename = "REVOKED")]
    #[schema(examples(1))]
    revoked: i64,
}

impl From<Day> for DayView {
    fn from(day: Day) -> Self {
        Self {
            date: day.date(),
            sign_ins: SignInsView {
                allowed: day.number(Figure::SignInsAllowed),
                denied: day.number(Figure::SignInsDenied),
                failed: day.number(Figure::SignInsFailed),
            },
            new_passkeys: PasskeysView {
                jwt: day.number(Figure::PasskeysJwt),
                webauthn: day.number(Figure::PasskeysWebAuthn),
                fido2: day.number(Figure::PasskeysFido2),
            },
            ended_credential_binding_jobs: JobsView {
                complete: day.number(Figure::JobsComplete),
                expired: day.number(Figure::JobsExpired),
                revoked: day.number(Figure::JobsRevoked),
            },
        }
    }
}

/// Reads what happened in a realm, a day each. An extension of the published API.
///
/// Days are those of UTC. Events are counted in the background once a minute. The response also
/// includes up to 20,000 newer ones, so under heavy load it can lack those of the last minute.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/statistics",
    operation_id = "GetStatistics",
    tag = "Events",
    params(RealmRef, StatisticsQuery),
    responses((status = 200, body = StatisticsView), Refusals),
    security(("bearer" = ["statistics:read"])),
)]
async fn read(
    Allowed { ctx, .. }: Allowed<scope::statistics::Read>,
    at: RealmRef,
    Days(days): Days,
) -> Result<Reply<StatisticsView>> {
    let days = ops::read(&ctx, at, days).await?;
    Ok(Reply(StatisticsView {
        days: days.into_iter().map(Into::into).collect(),
    }))
}
