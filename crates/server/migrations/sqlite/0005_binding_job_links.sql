-- A job's link can be replaced. SQLite can't drop a NOT NULL, so the table is written again.
CREATE TABLE binding_jobs_new (
  tenant_id                  INTEGER NOT NULL,
  realm_id                   INTEGER NOT NULL,
  identity_id                INTEGER NOT NULL,
  binding_job_id             INTEGER NOT NULL,
  delivery_method            TEXT    NOT NULL,
  state                      TEXT    NOT NULL,
  token_hash                 BLOB    NOT NULL,
  token_sealed               BLOB,
  authenticator_config_id    TEXT,
  snapshot                   TEXT    NOT NULL,
  post_binding_redirect_uri  TEXT,
  failed_proofs              INTEGER NOT NULL,
  credential_id              INTEGER,
  expires_at                 INTEGER NOT NULL,
  created_at                 INTEGER NOT NULL,
  updated_at                 INTEGER NOT NULL,
  -- Tells the mails of earlier links from the current one's.
  link_number                INTEGER NOT NULL DEFAULT 1,
  link_created_at            INTEGER NOT NULL DEFAULT 0,
  -- The config that was sent with the job, in place of the id of a stored one.
  inline_config              TEXT,
  -- Whether the sweep has looked at the job after its expiry. The index has no column that binding
  -- changes, so that binding need not update it.
  expiry_swept               INTEGER NOT NULL DEFAULT 0 CHECK (expiry_swept IN (0, 1)),
  PRIMARY KEY (tenant_id, realm_id, identity_id, binding_job_id),
  FOREIGN KEY (tenant_id, realm_id, identity_id) REFERENCES identities ON DELETE CASCADE
) STRICT;
INSERT INTO binding_jobs_new
SELECT tenant_id, realm_id, identity_id, binding_job_id, delivery_method, state, token_hash,
  token_sealed, authenticator_config_id, snapshot, post_binding_redirect_uri, failed_proofs,
  credential_id, expires_at, created_at, updated_at, 1, created_at, NULL,
  state IN ('COMPLETE', 'REVOKED')
FROM binding_jobs;
DROP TABLE binding_jobs;
ALTER TABLE binding_jobs_new RENAME TO binding_jobs;
CREATE UNIQUE INDEX binding_jobs_id ON binding_jobs (tenant_id, realm_id, binding_job_id)
  WHERE binding_job_id >= 0;
CREATE INDEX binding_jobs_sealed ON binding_jobs (link_created_at) WHERE token_sealed IS NOT NULL;
CREATE INDEX binding_jobs_expiry ON binding_jobs (expires_at) WHERE NOT expiry_swept;
