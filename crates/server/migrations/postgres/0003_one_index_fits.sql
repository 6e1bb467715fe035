-- For each statement exactly one index fits.
--
-- Without statistics, and for small tables with them, PostgreSQL finds indexes that start with the
-- same columns equally good, and may read a whole realm through the wrong one. So each index
-- besides a primary key has a condition that holds for every row but only the statements it is
-- made for state. A test explains the statements.

DROP INDEX realms_name;
CREATE UNIQUE INDEX realms_name ON realms (tenant_id, folded_name) WHERE folded_name >= '';

DROP INDEX identities_username;
CREATE UNIQUE INDEX identities_username ON identities (tenant_id, realm_id, folded_username)
  WHERE folded_username >= '';
DROP INDEX identities_display_name;
CREATE INDEX identities_display_name ON identities (tenant_id, realm_id, display_name, identity_id)
  WHERE display_name >= '';
DROP INDEX identities_email;
CREATE INDEX identities_email ON identities (tenant_id, realm_id, primary_email_address, identity_id)
  WHERE primary_email_address IS NOT NULL;
DROP INDEX identities_external_id;
CREATE INDEX identities_external_id ON identities (tenant_id, realm_id, external_id, identity_id)
  WHERE external_id IS NOT NULL;

DROP INDEX resource_servers_identifier;
CREATE UNIQUE INDEX resource_servers_identifier ON resource_servers (tenant_id, realm_id, identifier)
  WHERE identifier >= '';

DROP INDEX applications_client_id;
CREATE UNIQUE INDEX applications_client_id ON applications (tenant_id, realm_id, client_id)
  WHERE client_id >= '';
DROP INDEX applications_authenticator_config;
CREATE INDEX applications_authenticator_config ON applications (tenant_id, realm_id, authenticator_config_id)
  WHERE authenticator_config_id IS NOT NULL;

DROP INDEX binding_jobs_id;
CREATE UNIQUE INDEX binding_jobs_id ON binding_jobs (tenant_id, realm_id, binding_job_id)
  WHERE binding_job_id >= 0;

DROP INDEX credentials_key;
CREATE UNIQUE INDEX credentials_key ON credentials (tenant_id, realm_id, key_thumbprint)
  WHERE length(key_thumbprint) > 0;
DROP INDEX credentials_id;
CREATE UNIQUE INDEX credentials_id ON credentials (tenant_id, realm_id, credential_id)
  WHERE credential_id >= 0;

DROP INDEX issued_tokens_expires_at;
CREATE INDEX issued_tokens_expires_at ON issued_tokens (expires_at) WHERE length(token_id) > 0;
DROP INDEX revoked_tokens_expires_at;
CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (expires_at) WHERE length(token_id) > 0;
