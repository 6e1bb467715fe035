-- The first schema.
--
-- Every key starts with tenant_id (then realm_id where there is one), so that isolation is part
-- of each query and the tables can be distributed by tenant. Unique constraints are named unique
-- indexes, because that name is what both databases report. Times are microseconds since 1970.
-- Codes, tokens and events are kept in the order of their keys (WITHOUT ROWID): their rows are
-- small and found by the whole key, whose last part begins with the time, so that those of a realm
-- are appended. With a rowid each would have an index besides.

CREATE TABLE tenants (
  tenant_id     INTEGER NOT NULL PRIMARY KEY,
  display_name  TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE realms (
  tenant_id       INTEGER NOT NULL REFERENCES tenants,
  realm_id        INTEGER NOT NULL,
  display_name    TEXT    NOT NULL,
  folded_name     TEXT    NOT NULL,
  classification  TEXT    NOT NULL,
  is_admin        INTEGER NOT NULL CHECK (is_admin IN (0, 1)),
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id)
) STRICT;
CREATE UNIQUE INDEX realms_name ON realms (tenant_id, folded_name);
CREATE UNIQUE INDEX realms_admin ON realms (tenant_id) WHERE is_admin;

-- Exact totals for directory lists, kept by the write that changes them. Lists of a tenant
-- (realms) use realm 0.
CREATE TABLE directory_totals (
  tenant_id  INTEGER NOT NULL,
  realm_id   INTEGER NOT NULL,
  directory  TEXT    NOT NULL,
  total      INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, directory)
) STRICT;

CREATE TABLE identities (
  tenant_id              INTEGER NOT NULL,
  realm_id               INTEGER NOT NULL,
  identity_id            INTEGER NOT NULL,
  display_name           TEXT    NOT NULL,
  status                 TEXT    NOT NULL,
  username               TEXT    NOT NULL,
  folded_username        TEXT    NOT NULL,
  primary_email_address  TEXT,
  external_id            TEXT,
  traits                 TEXT    NOT NULL,
  user_handle            BLOB    NOT NULL,
  created_at             INTEGER NOT NULL,
  updated_at             INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, identity_id),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms
) STRICT;
CREATE UNIQUE INDEX identities_username ON identities (tenant_id, realm_id, folded_username);
-- Filters of the list of identities; with the id, in the order of its pages.
CREATE INDEX identities_display_name ON identities (tenant_id, realm_id, display_name, identity_id);
CREATE INDEX identities_email ON identities (tenant_id, realm_id, primary_email_address, identity_id);
CREATE INDEX identities_external_id ON identities (tenant_id, realm_id, external_id, identity_id);

CREATE TABLE authenticator_configs (
  tenant_id                INTEGER NOT NULL,
  realm_id                 INTEGER NOT NULL,
  authenticator_config_id  TEXT    NOT NULL,
  display_name             TEXT,
  config                   TEXT    NOT NULL,
  is_managed               INTEGER NOT NULL CHECK (is_managed IN (0, 1)),
  created_at               INTEGER NOT NULL,
  updated_at               INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, authenticator_config_id),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms
) STRICT;

CREATE TABLE resource_servers (
  tenant_id           INTEGER NOT NULL,
  realm_id            INTEGER NOT NULL,
  resource_server_id  TEXT    NOT NULL,
  display_name        TEXT    NOT NULL,
  identifier          TEXT    NOT NULL,
  scopes              TEXT    NOT NULL,
  is_managed          INTEGER NOT NULL CHECK (is_managed IN (0, 1)),
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, resource_server_id),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms
) STRICT;
CREATE UNIQUE INDEX resource_servers_identifier ON resource_servers (tenant_id, realm_id, identifier);

CREATE TABLE applications (
  tenant_id                INTEGER NOT NULL,
  realm_id                 INTEGER NOT NULL,
  application_id           TEXT    NOT NULL,
  display_name             TEXT    NOT NULL,
  classification           TEXT    NOT NULL,
  is_managed               INTEGER NOT NULL CHECK (is_managed IN (0, 1)),
  resource_server_id       TEXT,
  authenticator_config_id  TEXT,
  client_id                TEXT    NOT NULL,
  client_secret_hash       BLOB,
  client_secret_sealed     BLOB,
  protocol_config          TEXT    NOT NULL,
  created_at               INTEGER NOT NULL,
  updated_at               INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, application_id),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms,
  FOREIGN KEY (tenant_id, realm_id, resource_server_id) REFERENCES resource_servers,
  FOREIGN KEY (tenant_id, realm_id, authenticator_config_id) REFERENCES authenticator_configs
) STRICT;
CREATE UNIQUE INDEX applications_client_id ON applications (tenant_id, realm_id, client_id);
CREATE INDEX applications_authenticator_config ON applications (tenant_id, realm_id, authenticator_config_id);

CREATE TABLE signing_keys (
  tenant_id           INTEGER NOT NULL,
  realm_id            INTEGER NOT NULL,
  kid                 TEXT    NOT NULL,
  algorithm           TEXT    NOT NULL,
  private_key_sealed  BLOB    NOT NULL,
  created_at          INTEGER NOT NULL,
  retired_at          INTEGER,
  PRIMARY KEY (tenant_id, realm_id, kid),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms
) STRICT;
-- At most one key per algorithm signs at a time, whoever creates it first.
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (tenant_id, realm_id, algorithm) WHERE retired_at IS NULL;

CREATE TABLE binding_jobs (
  tenant_id                  INTEGER NOT NULL,
  realm_id                   INTEGER NOT NULL,
  identity_id                INTEGER NOT NULL,
  binding_job_id             INTEGER NOT NULL,
  delivery_method            TEXT    NOT NULL,
  state                      TEXT    NOT NULL,
  token_hash                 BLOB    NOT NULL,
  token_sealed               BLOB,
  authenticator_config_id    TEXT    NOT NULL,
  snapshot                   TEXT    NOT NULL,
  post_binding_redirect_uri  TEXT,
  failed_proofs              INTEGER NOT NULL,
  credential_id              INTEGER,
  expires_at                 INTEGER NOT NULL,
  created_at                 INTEGER NOT NULL,
  updated_at                 INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, identity_id, binding_job_id),
  FOREIGN KEY (tenant_id, realm_id, identity_id) REFERENCES identities ON DELETE CASCADE
) STRICT;
-- For lists over all identities of a realm.
CREATE UNIQUE INDEX binding_jobs_id ON binding_jobs (tenant_id, realm_id, binding_job_id);
-- For erasing sealed tokens that outlived their day; nearly always empty.
CREATE INDEX binding_jobs_sealed ON binding_jobs (created_at) WHERE token_sealed IS NOT NULL;

CREATE TABLE credentials (
  tenant_id           INTEGER NOT NULL,
  realm_id            INTEGER NOT NULL,
  identity_id         INTEGER NOT NULL,
  credential_id       INTEGER NOT NULL,
  binding_job_id      INTEGER NOT NULL,
  state               TEXT    NOT NULL,
  csr_type            TEXT    NOT NULL,
  jwk                 TEXT    NOT NULL,
  key_thumbprint      BLOB    NOT NULL,
  webauthn_id         BLOB,
  rp_id               TEXT,
  aaguid              BLOB,
  attestation_format  TEXT,
  attestation_level   TEXT    NOT NULL,
  sign_count          INTEGER NOT NULL,
  backup_eligible     INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
  backup_state        INTEGER NOT NULL CHECK (backup_state IN (0, 1)),
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, identity_id, credential_id),
  FOREIGN KEY (tenant_id, realm_id, identity_id) REFERENCES identities ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX credentials_key ON credentials (tenant_id, realm_id, key_thumbprint);
CREATE UNIQUE INDEX credentials_webauthn_id ON credentials (tenant_id, realm_id, webauthn_id) WHERE webauthn_id IS NOT NULL;
CREATE UNIQUE INDEX credentials_id ON credentials (tenant_id, realm_id, credential_id);

-- One row per completed sign-in transaction. The transaction id is the key, so inserting it is
-- what makes a transaction single-use; the code carries the id, so that redeeming needs no
-- second index on a random value.
CREATE TABLE authorization_codes (
  tenant_id             INTEGER NOT NULL,
  realm_id              INTEGER NOT NULL,
  transaction_id        BLOB    NOT NULL,
  code_hash             BLOB    NOT NULL,
  application_id        TEXT    NOT NULL,
  identity_id           INTEGER NOT NULL,
  credential_id         INTEGER NOT NULL,
  grant_facts           TEXT    NOT NULL,
  authenticated_at      INTEGER NOT NULL,
  expires_at            INTEGER NOT NULL,
  keep_until            INTEGER NOT NULL,
  redeemed_at           INTEGER,
  access_token_id       BLOB,
  access_token_expires  INTEGER,
  PRIMARY KEY (tenant_id, realm_id, transaction_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX authorization_codes_keep_until ON authorization_codes (keep_until);

-- One row per access token that was issued and holds. Token ids start with the time, so that the
-- rows of an application are appended; the row is its own index.
CREATE TABLE issued_tokens (
  tenant_id       INTEGER NOT NULL,
  realm_id        INTEGER NOT NULL,
  application_id  TEXT    NOT NULL,
  token_id        BLOB    NOT NULL,
  identity_id     INTEGER,
  scopes          TEXT    NOT NULL,
  suffix          TEXT    NOT NULL,
  issued_at       INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, application_id, token_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX issued_tokens_expires_at ON issued_tokens (expires_at);

CREATE TABLE revoked_tokens (
  tenant_id   INTEGER NOT NULL,
  realm_id    INTEGER NOT NULL,
  token_id    BLOB    NOT NULL,
  expires_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, token_id)
) STRICT;
CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (expires_at);

-- Goes up with each revocation. Nodes reread it, and the tenant's list only when it has changed.
CREATE TABLE revocation_generations (
  tenant_id   INTEGER NOT NULL PRIMARY KEY,
  generation  INTEGER NOT NULL
) STRICT;

-- Written in the transaction of what they record. Tenant-wide events use realm 0.
CREATE TABLE events (
  tenant_id       INTEGER NOT NULL,
  realm_id        INTEGER NOT NULL,
  event_id        TEXT    NOT NULL,
  kind            TEXT    NOT NULL,
  outcome         TEXT    NOT NULL,
  actor           TEXT    NOT NULL,
  identity_id     INTEGER,
  resource_id     TEXT,
  correlation_id  TEXT    NOT NULL,
  details         TEXT    NOT NULL,
  created_at      INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, event_id)
) STRICT, WITHOUT ROWID;

-- Work that waits for a write to be durable. Claiming a row moves its run_at to the end of the lease.
CREATE TABLE outbox (
  tenant_id   INTEGER NOT NULL,
  realm_id    INTEGER NOT NULL,
  message_id  TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  payload     TEXT    NOT NULL,
  attempts    INTEGER NOT NULL,
  run_at      INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, message_id)
) STRICT;
CREATE INDEX outbox_due ON outbox (run_at);
