-- Events in the order in which they were committed.
--
-- The writer is the only one, so that the next position of a log (a realm's events, or the tenant's
-- with realm 0) is the last one and 1. Older events have position 0 and are ordered by their ids.
CREATE TABLE events_in_order (
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
  position        INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, realm_id, position, event_id)
) STRICT, WITHOUT ROWID;
INSERT INTO events_in_order
  SELECT tenant_id, realm_id, event_id, kind, outcome, actor, identity_id, resource_id,
    correlation_id, details, created_at, 0
  FROM events ORDER BY tenant_id, realm_id, event_id;
DROP TABLE events;
ALTER TABLE events_in_order RENAME TO events;

-- PostgreSQL needs this one, see there.
CREATE TABLE event_epochs (
  tenant_id  INTEGER NOT NULL PRIMARY KEY,
  epoch      INTEGER NOT NULL,
  cluster    INTEGER NOT NULL
) STRICT;
INSERT INTO event_epochs VALUES (0, 0, 0);
