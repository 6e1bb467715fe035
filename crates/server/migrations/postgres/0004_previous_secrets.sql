-- The secret that a rotation replaced, for as long as it still works.
ALTER TABLE applications ADD COLUMN previous_secret_hash BYTEA;
ALTER TABLE applications ADD COLUMN previous_secret_expires_at BIGINT;
