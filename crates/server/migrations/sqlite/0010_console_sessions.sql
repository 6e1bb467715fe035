-- Sessions of the console. The cookie has the id and a secret. The session lives as long as
-- the access token that its sign-in yielded.
CREATE TABLE console_sessions (
  tenant_id      INTEGER NOT NULL,
  realm_id       INTEGER NOT NULL,
  session_id     INTEGER NOT NULL,
  secret_hash    BLOB    NOT NULL,
  identity_id    INTEGER NOT NULL,
  application_id TEXT    NOT NULL,
  token_id       BLOB    NOT NULL,
  ip             TEXT    NOT NULL,
  user_agent     TEXT    NOT NULL,
  created_at     INTEGER NOT NULL,
  active_at      INTEGER NOT NULL,
  expires_at     INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, session_id),
  FOREIGN KEY (tenant_id, realm_id, identity_id) REFERENCES identities ON DELETE CASCADE
) STRICT;
CREATE INDEX console_sessions_identity ON console_sessions (tenant_id, realm_id, identity_id, session_id);
CREATE INDEX console_sessions_expiry ON console_sessions (expires_at);
-- A realm has one console.
CREATE UNIQUE INDEX applications_console ON applications (tenant_id, realm_id) WHERE is_managed AND classification = 'console';
