import type { ApplicationRequest, AuthenticatorConfigRequest, ManagementApi } from '@keymoor/api-client';

/** What this application has in Keymoor, and what it needs to know of it. */
export interface Provisioned {
  /** The realm where the accounts of this application live. */
  realmId: string;
  authenticatorConfigId: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
}

const NAME = 'Saltmarsh Library';
const filter = `display_name eq ${JSON.stringify(NAME)}`;

/**
 * Makes what is missing and corrects what differs, so that every start may call it. Most applications do this once,
 * by the management API from their deployment.
 *
 * @param issuerBase - Where the issuers of the tenant start: the sign-in URL and the tenant's path.
 * @param origin - Of this application, as browsers see it.
 */
export async function provision(api: ManagementApi, issuerBase: string, origin: string): Promise<Provisioned> {
  // A realm is a directory of its own: another application's users are not ours.
  const realm = { display_name: NAME };
  const { id: realm_id } = await ensure(
    api.listRealms({ filter }),
    () => api.createRealm({ realm }),
    (realm_id) => api.updateRealm({ realm_id, realm }),
  );

  // Where binding links and sign-ins lead to (`/bind` and `/bi-authenticate` are appended), and whose pages may make
  // and use passkeys.
  const authenticator_config: AuthenticatorConfigRequest = {
    display_name: NAME,
    config: { type: 'embedded', invocation_type: 'automatic', invoke_url: origin, trusted_origins: [origin] },
  };
  const { id: authenticator_config_id } = await ensure(
    api.listAuthenticatorConfigs({ realm_id, filter }),
    () => api.createAuthenticatorConfig({ realm_id, authenticator_config }),
    (authenticator_config_id) => api.updateAuthenticatorConfig({ realm_id, authenticator_config_id, authenticator_config }),
  );

  const application: ApplicationRequest = {
    display_name: NAME,
    authenticator_config_id,
    protocol_config: {
      type: 'oidc',
      confidentiality: 'confidential',
      grant_type: ['authorization_code'],
      redirect_uris: [`${origin}/callback`],
      pkce: 's256',
      token_configuration: { expires_after: 3_600, subject_field: 'id' },
    },
  };
  const { id: application_id, protocol_config } = await ensure(
    api.listApplications({ realm_id, filter }),
    () => api.createApplication({ realm_id, application }),
    (application_id) => api.updateApplication({ realm_id, application_id, application }),
  );

  return {
    realmId: realm_id,
    authenticatorConfigId: authenticator_config_id,
    issuer: `${issuerBase}/realms/${realm_id}/applications/${application_id}`,
    clientId: protocol_config.client_id,
    clientSecret: protocol_config.client_secret ?? '',
  };
}

/** Updates the object that exists, or creates it. */
async function ensure<T extends { id: string }>(
  existing: AsyncIterable<T>,
  create: () => Promise<T>,
  update: (id: string) => Promise<T>,
): Promise<T> {
  for await (const { id } of existing) return update(id);
  return create();
}
