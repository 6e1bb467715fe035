-- The steps of a binding job. Other kinds of event are not in the index, so that sign-in does not
-- pay for it.
CREATE INDEX events_of_jobs ON events (tenant_id, realm_id, resource_id, event_id)
  WHERE kind IN ('CredentialBindingJobChange', 'EmailStatusChange');
