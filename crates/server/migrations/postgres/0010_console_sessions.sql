-- Sessions of the console. The cookie has the id and a secret. The session lives as long as
-- the access token that its sign-in yielded.
CREATE TABLE console_sessions (
  tenant_id      BIGINT  NOT NULL,
  realm_id       BIGINT  NOT NULL,
  session_id     BIGINT  NOT NULL,
  secret_hash    BYTEA   NOT NULL,
  identity_id    BIGINT  NOT NULL,
  application_id TEXT    NOT NULL,
  token_id       BYTEA   NOT NULL,
  ip             TEXT    NOT NULL,
  user_agent     TEXT    NOT NULL,
  created_at     BIGINT  NOT NULL,
  active_at      BIGINT  NOT NULL,
  expires_at     BIGINT  NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, session_id),
  FOREIGN KEY (tenant_id, realm_id, identity_id) REFERENCES identities ON DELETE CASCADE
);
CREATE INDEX console_sessions_identity ON console_sessions (tenant_id, realm_id, identity_id, session_id);
CREATE INDEX console_sessions_expiry ON console_sessions (expires_at);
-- A realm has one console.
CREATE UNIQUE INDEX applications_console ON applications (tenant_id, realm_id) WHERE is_managed AND classification = 'console';
