-- Events in the order in which they were committed.
--
-- Transactions don't commit in the order of anything that they write, so a reader that remembers
-- the last id or number of a sequence loses events of transactions that commit later. An event's
-- position is its transaction's id. Every transaction below pg_snapshot_xmin has ended, so events
-- below that position are complete, and none appears there later. Older events have position 0 and
-- are ordered by their ids. The default serves nodes of an older version.
ALTER TABLE events ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ALTER COLUMN position
  SET DEFAULT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT);
ALTER TABLE events DROP CONSTRAINT events_pkey,
  ADD CONSTRAINT events_pkey PRIMARY KEY (tenant_id, realm_id, position, event_id);

-- Transaction ids start again in another cluster, such as one that a dump is restored to. The epoch
-- goes up when the cluster is another one, and counts more than any transaction id. One row, of
-- tenant 0, holds for the database.
CREATE TABLE event_epochs (
  tenant_id  BIGINT NOT NULL PRIMARY KEY,
  epoch      BIGINT NOT NULL,
  cluster    BIGINT NOT NULL
);
INSERT INTO event_epochs SELECT 0, 0, system_identifier FROM pg_control_system();
