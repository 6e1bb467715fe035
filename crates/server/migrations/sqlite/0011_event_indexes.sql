-- Finds the events about an identity, and those of a flow.
--
-- The keys of such an index are scattered. With the day before them (UTC, in days since 1970), only
-- the part of the current day is written to. A reader asks day by day.
ALTER TABLE events ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
UPDATE events SET day = created_at / 86400000000;
CREATE INDEX events_identity ON events (tenant_id, realm_id, day, identity_id, position, event_id)
  WHERE identity_id IS NOT NULL;
CREATE INDEX events_flow ON events (tenant_id, realm_id, day, correlation_id, position, event_id)
  WHERE correlation_id >= '';

-- The API of existing tenants gets the new scope.
UPDATE resource_servers SET scopes = json_insert(scopes, '$[#]', 'events:read') WHERE is_managed;
UPDATE applications SET protocol_config = json_set(protocol_config, '$.allowed_scopes',
  (protocol_config ->> '$.allowed_scopes') || ' events:read')
  WHERE is_managed;
