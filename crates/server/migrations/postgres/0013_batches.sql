-- Invitations of many identities at once. Each item becomes one binding job, in one transaction.
ALTER TABLE binding_jobs ADD COLUMN batch_id TEXT;
CREATE INDEX binding_jobs_batch ON binding_jobs (tenant_id, realm_id, batch_id, binding_job_id)
  WHERE batch_id IS NOT NULL;
-- The snapshot has it.
ALTER TABLE binding_jobs DROP COLUMN inline_config;

CREATE TABLE batches (
  tenant_id     BIGINT NOT NULL,
  realm_id      BIGINT NOT NULL,
  batch_id      TEXT   NOT NULL,
  template      TEXT   NOT NULL,
  origin        TEXT   NOT NULL,
  created_at    BIGINT NOT NULL,
  updated_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, batch_id),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms ON DELETE CASCADE
);

CREATE TABLE batch_items (
  tenant_id       BIGINT NOT NULL,
  realm_id        BIGINT NOT NULL,
  batch_id        TEXT   NOT NULL,
  n               BIGINT NOT NULL,
  identity        TEXT   NOT NULL,
  state           TEXT   NOT NULL,
  binding_job_id  BIGINT,
  error           TEXT,
  PRIMARY KEY (tenant_id, realm_id, batch_id, n),
  FOREIGN KEY (tenant_id, realm_id, batch_id) REFERENCES batches ON DELETE CASCADE
);
-- The queue.
CREATE INDEX batch_items_pending ON batch_items (tenant_id, realm_id, batch_id, n)
  WHERE state = 'PENDING';
