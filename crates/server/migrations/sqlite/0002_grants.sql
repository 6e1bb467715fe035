-- What identifies people to applications, what a grant rests on, and the order of revocations.

-- The field of `protocol_config` that becomes the subject, so that it can be searched by.
ALTER TABLE applications ADD COLUMN subject_field TEXT NOT NULL DEFAULT 'id';
UPDATE applications SET subject_field = COALESCE(
  json_extract(protocol_config, '$.token_configuration.subject_field'), 'id');
CREATE INDEX applications_subject_field ON applications (tenant_id, realm_id, subject_field)
  WHERE subject_field <> 'id';

-- Addresses are compared in this form. SQL folds ASCII only, so an older address with other letters
-- gets its exact form when it is set again.
ALTER TABLE identities ADD COLUMN folded_email_address TEXT;
UPDATE identities SET folded_email_address = lower(primary_email_address)
  WHERE primary_email_address IS NOT NULL;
CREATE INDEX identities_folded_email ON identities (tenant_id, realm_id, folded_email_address)
  WHERE folded_email_address IS NOT NULL;

-- Goes up when everything that was granted to the identity is revoked. A code is valid in the epoch
-- in which it was issued.
ALTER TABLE identities ADD COLUMN grant_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE authorization_codes ADD COLUMN grant_epoch INTEGER NOT NULL DEFAULT 0;

-- The passkey that a token rests on. NULL for older tokens, which are revoked with any passkey of
-- their identity.
ALTER TABLE issued_tokens ADD COLUMN credential_id INTEGER;
-- Covers what a revocation reads, since SQLite would scan the realm's tokens otherwise.
CREATE INDEX issued_tokens_identity
  ON issued_tokens (tenant_id, realm_id, identity_id, credential_id, expires_at)
  WHERE identity_id IS NOT NULL;

-- The tenant's generation that the revocation started, so that nodes read only newer rows. A node
-- of an older version leaves it at -1.
ALTER TABLE revoked_tokens ADD COLUMN revision INTEGER NOT NULL DEFAULT -1;
UPDATE revoked_tokens SET revision = 0;
CREATE INDEX revoked_tokens_revision ON revoked_tokens (tenant_id, revision);
