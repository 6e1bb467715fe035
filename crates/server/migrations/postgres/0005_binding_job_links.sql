-- A job's link can be replaced. The number tells the mails of earlier links from the current one's.
ALTER TABLE binding_jobs ADD COLUMN link_number BIGINT NOT NULL DEFAULT 1;
-- A node of an older version leaves it at 0.
ALTER TABLE binding_jobs ADD COLUMN link_created_at BIGINT NOT NULL DEFAULT 0;
UPDATE binding_jobs SET link_created_at = created_at;
DROP INDEX binding_jobs_sealed;
CREATE INDEX binding_jobs_sealed ON binding_jobs (link_created_at) WHERE token_sealed IS NOT NULL;

-- The config that was sent with the job, in place of the id of a stored one.
ALTER TABLE binding_jobs ADD COLUMN inline_config TEXT;
ALTER TABLE binding_jobs ALTER COLUMN authenticator_config_id DROP NOT NULL;

-- Whether the sweep has looked at the job after its expiry. The index has no column that binding
-- changes, so that binding need not update it.
ALTER TABLE binding_jobs ADD COLUMN expiry_swept BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE binding_jobs SET expiry_swept = TRUE WHERE state IN ('COMPLETE', 'REVOKED');
CREATE INDEX binding_jobs_expiry ON binding_jobs (expires_at) WHERE NOT expiry_swept;
