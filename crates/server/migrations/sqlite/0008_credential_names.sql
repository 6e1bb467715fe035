-- What a passkey is called, when it was last used, and where it was created.

-- Older passkeys get a name that says nothing. It can be changed.
ALTER TABLE credentials ADD COLUMN display_name TEXT NOT NULL DEFAULT 'Passkey';
-- The hour of the last sign-in, so that only the first one of an hour writes it.
ALTER TABLE credentials ADD COLUMN last_used_at INTEGER;
ALTER TABLE credentials ADD COLUMN created_ip TEXT;
ALTER TABLE credentials ADD COLUMN created_user_agent TEXT;

-- Existing tenants' management API gets the new scope.
UPDATE resource_servers SET scopes = json_insert(scopes, '$[#]', 'credentials:update') WHERE is_managed;
UPDATE applications
SET protocol_config = json_set(protocol_config, '$.allowed_scopes',
  json_extract(protocol_config, '$.allowed_scopes') || ' credentials:update')
WHERE is_managed;
