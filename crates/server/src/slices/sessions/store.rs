//! Rows of `console_sessions`.

use keymoor_types::Timestamp;

use super::model::{NewSession, Session, SessionRef};
use crate::base::error::Result;
use crate::base::refs::IdentityRef;
use crate::base::secret::Digest;
use crate::db::{Rx, Tx, record};

record!(Session {
    tenant_id,
    realm_id,
    id: "session_id",
    identity_id,
    application_id,
    token_id,
    ip,
    user_agent,
    created_at,
    active_at,
    expires_at,
    display_name,
    username,
    client_id,
    status,
    is_granted,
});

/// Sessions with their owners and tokens.
macro_rules! sessions {
    () => {
        "SELECT s.tenant_id, s.realm_id, s.session_id, s.identity_id, s.application_id, s.token_id, s.ip, s.user_agent,
            s.created_at, s.active_at, s.expires_at, i.display_name, i.username, a.client_id, i.status,
            t.token_id IS NOT NULL AS is_granted
        FROM console_sessions s
        JOIN identities i ON i.tenant_id = s.tenant_id AND i.realm_id = s.realm_id AND i.identity_id = s.identity_id
        JOIN applications a ON a.tenant_id = s.tenant_id AND a.realm_id = s.realm_id
            AND a.application_id = s.application_id
        LEFT JOIN issued_tokens t ON t.tenant_id = s.tenant_id AND t.realm_id = s.realm_id
            AND t.application_id = s.application_id AND t.token_id = s.token_id
        WHERE s.tenant_id = $1 AND s.realm_id = $2 AND "
    };
}

pub async fn insert(tx: &mut Tx, new: &NewSession) -> Result<()> {
    const SQL: &str =
        "INSERT INTO console_sessions (tenant_id, realm_id, session_id, secret_hash, identity_id,
            application_id, token_id, ip, user_agent, created_at, active_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)";
    let values = (
        new.at,
        new.secret_hash,
        new.identity_id,
        new.application_id,
        new.token_id,
        &new.ip,
        &new.user_agent,
        new.now,
        new.expires_at,
    );
    tx.exec(SQL, &values).await.map_err(|error| match &error {
        crate::db::Error::Unique { constraint } if constraint == "console_sessions_pkey" => {
            crate::base::error::Error::Collision
        }
        _ => error.into(),
    })?;
    Ok(())
}

/// Reads the session whose secret has this hash.
pub async fn find(rx: &mut Rx, at: SessionRef, secret: Digest) -> Result<Option<Session>> {
    const SQL: &str = concat!(sessions!(), "s.session_id = $3 AND s.secret_hash = $4");
    Ok(rx.opt(SQL, &(at, secret)).await?)
}

/// Reads the sessions of an administrator that have not ended, the latest first.
pub async fn list(rx: &mut Rx, of: IdentityRef, now: Timestamp) -> Result<Vec<Session>> {
    const SQL: &str = concat!(
        sessions!(),
        "s.identity_id = $3 AND s.expires_at > $4 AND t.token_id IS NOT NULL
        ORDER BY s.session_id DESC LIMIT 100"
    );
    Ok(rx.all(SQL, &(of, now)).await?)
}

/// Records that the session's owner did something.
pub async fn touch(tx: &mut Tx, at: SessionRef, now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE console_sessions SET active_at = $4
        WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3 AND active_at < $4";
    tx.exec(SQL, &(at, now)).await?;
    Ok(())
}

pub async fn delete(tx: &mut Tx, at: SessionRef) -> Result<()> {
    const SQL: &str = "DELETE FROM console_sessions
        WHERE tenant_id = $1 AND realm_id = $2 AND session_id = $3";
    tx.exec(SQL, &at).await?;
    Ok(())
}

/// Deletes up to 100 expired sessions of all tenants, and returns their number.
pub async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM console_sessions WHERE (tenant_id, realm_id, session_id) IN
        (SELECT tenant_id, realm_id, session_id FROM console_sessions
         WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100)";
    Ok(tx.exec(SQL, &now).await?)
}
