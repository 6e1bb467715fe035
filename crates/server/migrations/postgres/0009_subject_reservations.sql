-- Fields that applications are about to use as subject, while the realm is searched for identities
-- that share a value. Nearly always empty. A clean-up removes what a dead process left.
CREATE TABLE subject_reservations (
  tenant_id       BIGINT NOT NULL,
  realm_id        BIGINT NOT NULL,
  application_id  TEXT   NOT NULL,
  subject_field   TEXT   NOT NULL,
  created_at      BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, application_id, subject_field, created_at),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms ON DELETE CASCADE
);
