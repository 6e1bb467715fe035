//! The statements: those of a bind and of a sign-in in shape and number, and a read by key.

use aws_lc_rs::digest::{SHA256, digest};
use clap::ValueEnum;
use serde::Serialize;

/// What is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Claim a job, insert a credential with a random unique key, record two events.
    Bind,
    /// Insert a code, record two events.
    SignIn,
    /// One credential by its key.
    Read,
}

impl Work {
    pub(crate) const ALL: [Self; 3] = [Self::Bind, Self::SignIn, Self::Read];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::SignIn => "sign_in",
            Self::Read => "read",
        }
    }
}

pub(crate) const TENANT: i64 = 1;

/// Rows that are there before anything is measured.
pub(crate) const JOBS: i64 = 10_000;
pub(crate) const CREDENTIALS: i64 = 50_000;

/// What a job's snapshot, a key or an event's details are like in size.
pub(crate) const TEXT: &str = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

pub(crate) const SCHEMA: [&str; 6] = [
    "CREATE TABLE bench_jobs (tenant_id BIGINT NOT NULL, job_id BIGINT NOT NULL, state TEXT NOT NULL,
        snapshot TEXT NOT NULL, expires_at BIGINT NOT NULL, credential_id BIGINT, PRIMARY KEY (tenant_id, job_id))",
    "CREATE TABLE bench_credentials (tenant_id BIGINT NOT NULL, credential_id BIGINT NOT NULL, jwk TEXT NOT NULL,
        thumbprint BYTEA NOT NULL, PRIMARY KEY (tenant_id, credential_id))",
    "CREATE UNIQUE INDEX bench_credentials_key ON bench_credentials (tenant_id, thumbprint)",
    "CREATE TABLE bench_codes (tenant_id BIGINT NOT NULL, transaction_id BIGINT NOT NULL, hash BYTEA NOT NULL,
        facts TEXT NOT NULL, expires_at BIGINT NOT NULL, PRIMARY KEY (tenant_id, transaction_id))",
    "CREATE INDEX bench_codes_expires_at ON bench_codes (expires_at)",
    "CREATE TABLE bench_events (tenant_id BIGINT NOT NULL, event_id BIGINT NOT NULL, kind TEXT NOT NULL,
        details TEXT NOT NULL, PRIMARY KEY (tenant_id, event_id))",
];

// Parameters first appear in the order of their numbers, so that bare rusqlite, which numbers them
// by appearance, binds them alike.
pub(crate) const INSERT_JOB: &str =
    "INSERT INTO bench_jobs (tenant_id, job_id, snapshot, state, expires_at)
    VALUES ($1, $2, $3, 'LINK_OPENED', 1)";
pub(crate) const CLAIM: &str = "UPDATE bench_jobs SET credential_id = $1
    WHERE tenant_id = $2 AND job_id = $3 AND state = 'LINK_OPENED' AND expires_at > 0";
pub(crate) const INSERT_CREDENTIAL: &str =
    "INSERT INTO bench_credentials (tenant_id, credential_id, jwk, thumbprint)
    VALUES ($1, $2, $3, $4)";
pub(crate) const INSERT_CODE: &str = "INSERT INTO bench_codes (tenant_id, transaction_id, facts, hash, expires_at)
    SELECT $1, $2, $3, $4, $5
    WHERE EXISTS (SELECT 1 FROM bench_jobs WHERE tenant_id = $1 AND job_id = 1 AND state = 'LINK_OPENED')
    ON CONFLICT (tenant_id, transaction_id) DO NOTHING";
pub(crate) const INSERT_EVENT: &str =
    "INSERT INTO bench_events (tenant_id, event_id, details, kind)
    VALUES ($1, $2, $3, 'AuthenticationTransaction')";
pub(crate) const READ: &str =
    "SELECT jwk, thumbprint FROM bench_credentials WHERE tenant_id = $1 AND credential_id = $2";

/// Bytes that are as good as random to an index, and the same in every run.
pub(crate) fn scattered(id: i64) -> [u8; 32] {
    let hash = digest(&SHA256, &id.to_be_bytes());
    hash.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
