-- What happened in a realm, a day (UTC, in days since 1970). Counted from the events, after their
-- commit, so that sign-in and binding don't pay for it.
CREATE TABLE statistics (
  tenant_id  INTEGER NOT NULL,
  realm_id   INTEGER NOT NULL,
  day        INTEGER NOT NULL,
  figure     TEXT    NOT NULL,
  number     INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, realm_id, day, figure),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The place in the realm's log up to which events are counted. It changes in the write that changes
-- the numbers.
CREATE TABLE statistics_places (
  tenant_id  INTEGER NOT NULL,
  realm_id   INTEGER NOT NULL,
  position   INTEGER NOT NULL,
  event_id   TEXT    NOT NULL,
  PRIMARY KEY (tenant_id, realm_id),
  FOREIGN KEY (tenant_id, realm_id) REFERENCES realms ON DELETE CASCADE
) STRICT;

-- The API of existing tenants gets the new scope, and so does the client that may read the events.
UPDATE resource_servers SET scopes = json_insert(scopes, '$[#]', 'statistics:read') WHERE is_managed;
UPDATE applications SET protocol_config = json_set(protocol_config, '$.allowed_scopes',
  (protocol_config ->> '$.allowed_scopes') || ' statistics:read')
  WHERE is_managed AND resource_server_id IS NOT NULL
    AND ' ' || (protocol_config ->> '$.allowed_scopes') || ' ' LIKE '% events:read %';
