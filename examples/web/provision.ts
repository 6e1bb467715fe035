import type { ManagementApi } from './managementApi.ts';

/** What this application has in Keymoor, and what it needs to know of it. */
export interface Provisioned {
  /** Path of the realm below the tenant: where the accounts of this application live. */
  realmPath: string;
  authenticatorConfigId: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
}

interface Named {
  id: string;
  display_name: string;
}

interface OidcApplication extends Named {
  protocol_config: { client_id: string; client_secret: string };
}

const NAME = 'Saltmarsh Library';

/**
 * Makes what is missing and corrects what differs, so that every start may call it. Most applications do this once,
 * by the management API from their deployment.
 *
 * @param origin - Of this application, as browsers see it.
 */
export async function provision(api: ManagementApi, issuerBase: string, origin: string): Promise<Provisioned> {
  // A realm is a directory of its own: another application's users are not ours.
  const realm = await ensure(api, '/realms', 'realm', { display_name: NAME });
  const realmPath = `/realms/${realm.id}`;

  // Where binding links and sign-ins lead to (`/bind` and `/bi-authenticate` are appended), and whose pages may make
  // and use passkeys.
  const config = await ensure(api, `${realmPath}/authenticator-configs`, 'authenticator_config', {
    display_name: NAME,
    config: { type: 'embedded', invocation_type: 'automatic', invoke_url: origin, trusted_origins: [origin] },
  });

  const application = await ensure<OidcApplication>(api, `${realmPath}/applications`, 'application', {
    display_name: NAME,
    authenticator_config_id: config.id,
    protocol_config: {
      type: 'oidc',
      confidentiality: 'confidential',
      grant_type: ['authorization_code'],
      redirect_uris: [`${origin}/callback`],
      pkce: 's256',
      token_configuration: { expires_after: 3_600, subject_field: 'id' },
    },
  });

  return {
    realmPath,
    authenticatorConfigId: config.id,
    issuer: `${issuerBase}${realmPath}/applications/${application.id}`,
    clientId: application.protocol_config.client_id,
    clientSecret: application.protocol_config.client_secret,
  };
}

/** The object of that name, as wanted. Requests wrap it in an envelope; lists hold the envelope's plural. */
async function ensure<T extends Named>(
  api: ManagementApi,
  path: string,
  envelope: 'realm' | 'authenticator_config' | 'application',
  wanted: { display_name: string; [member: string]: unknown },
): Promise<T> {
  const list = await api.call<Record<string, T[]>>('GET', `${path}?page_size=200`);
  const existing = list[`${envelope}s`]?.find(({ display_name }) => display_name === wanted.display_name);
  const body = { [envelope]: wanted };
  return existing ? api.call<T>('PATCH', `${path}/${existing.id}`, body) : api.call<T>('POST', path, body);
}
