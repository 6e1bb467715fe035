import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  type Application,
  type AuthenticationMethod,
  type Credential,
  type CredentialBindingJob,
  clientCredentials,
  createClient,
  type Identity,
  type ManagementApi,
  type NewCredentialBindingJob,
} from '@keymoor/api-client';
import { type Answer, request } from './http.ts';
import type { Init } from './keymoor.ts';

/** A binding link taken apart. */
export interface Link {
  url: string;
  /** The job's URL, to which `:getInfo` and `:bind` are appended. */
  job: string;
  identityId: string;
  token: string;
}

/** The management API of one tenant, by one token. */
export class Management {
  readonly init: Init;
  readonly token: string;
  readonly api: ManagementApi;

  private constructor(init: Init, token: string) {
    this.init = init;
    this.token = token;
    this.api = createClient({ baseUrl: init.api_url, tenantId: init.tenant_id, token });
  }

  /** Gets a token by client credentials; all scopes unless some are named. */
  static async of(init: Init, scope?: string): Promise<Management> {
    const { client_id: clientId, client_secret: clientSecret, token_endpoint: tokenEndpoint } = init.management;
    const token = clientCredentials({ tokenEndpoint, clientId, clientSecret, ...(scope && { scope }) });
    return new Management(init, await token());
  }

  get url(): string {
    return `${this.init.api_url}/v1/tenants/${this.init.tenant_id}`;
  }

  /**
   * Sends what the client would not.
   *
   * @param path - Below the tenant.
   */
  send(method: string, path: string, body?: unknown): Promise<Answer> {
    return request(method, this.url + path, {
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  async realm(displayName = unique('Realm')): Promise<Realm> {
    const { id } = await this.api.createRealm({ realm: { display_name: displayName } });
    return new Realm(this, id);
  }
}

/** Makes what tests need in one realm. */
export class Realm {
  readonly management: Management;
  readonly api: ManagementApi;
  readonly id: string;
  readonly path: string;
  /** Where the realm's sign-in and binding URLs start. */
  readonly authUrl: string;

  constructor(management: Management, id: string) {
    this.management = management;
    this.api = management.api;
    this.id = id;
    this.path = `/realms/${id}`;
    this.authUrl = `${management.init.auth_url}/v1/tenants/${management.init.tenant_id}${this.path}`;
  }

  send(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.management.send(method, this.path + path, body);
  }

  /** An embedded config that leads to `invokeUrl`; it allows both kinds of key unless `methods` says which. */
  async config(invokeUrl: string, methods?: readonly AuthenticationMethod['type'][]): Promise<string> {
    const authentication_methods = methods?.map((type) => ({ type }));
    const { id } = await this.api.createAuthenticatorConfig({
      realm_id: this.id,
      authenticator_config: {
        config: { type: 'embedded', invoke_url: invokeUrl, ...(authentication_methods && { authentication_methods }) },
      },
    });
    return id;
  }

  /** A public OpenID Connect client with PKCE. */
  application(configId: string, redirectUri: string): Promise<Application> {
    return this.api.createApplication({
      realm_id: this.id,
      application: {
        display_name: 'Test application',
        authenticator_config_id: configId,
        protocol_config: {
          type: 'oidc',
          confidentiality: 'public',
          grant_type: ['authorization_code'],
          redirect_uris: [redirectUri],
          pkce: 's256',
          token_configuration: { expires_after: 3_600, token_signing_algorithm: 'ES256', subject_field: 'id' },
        },
      },
    });
  }

  identity(email?: string, username = unique('user')): Promise<Identity> {
    return this.api.createIdentity({
      realm_id: this.id,
      identity: {
        display_name: 'Ada L.',
        traits: { type: 'traits_v0', username, ...(email && { primary_email_address: email }) },
      },
    });
  }

  setStatus(identityId: string, status: Identity['status']): Promise<Identity> {
    return this.api.updateIdentity({ realm_id: this.id, identity_id: identityId, identity: { status } });
  }

  /** A job that returns its link. */
  async link(
    configId: string,
    identityId: string,
    more: Partial<NewCredentialBindingJob> = {},
  ): Promise<Link & { jobId: string }> {
    const { credential_binding_link, credential_binding_job } = await this.api.createCredentialBindingJob({
      realm_id: this.id,
      identity_id: identityId,
      job: { delivery_method: 'RETURN', authenticator_config_id: configId, ...more },
    });
    assert(credential_binding_link);
    return { ...parseLink(credential_binding_link), jobId: credential_binding_job.id };
  }

  /** A job that mails its link. */
  async mail(configId: string, identityId: string): Promise<CredentialBindingJob> {
    const { credential_binding_job } = await this.api.createCredentialBindingJob({
      realm_id: this.id,
      identity_id: identityId,
      job: { delivery_method: 'EMAIL', authenticator_config_id: configId },
    });
    return credential_binding_job;
  }

  job({ id, identity_id }: Pick<CredentialBindingJob, 'id' | 'identity_id'>): Promise<CredentialBindingJob> {
    return this.api.getCredentialBindingJob({ realm_id: this.id, identity_id, credential_binding_job_id: id });
  }

  revokeJob({ jobId, identityId }: Link & { jobId: string }): Promise<CredentialBindingJob> {
    return this.api.setCredentialBindingJobRevoked({
      realm_id: this.id,
      identity_id: identityId,
      credential_binding_job_id: jobId,
    });
  }

  credentials(identityId: string): Promise<Credential[]> {
    return Array.fromAsync(this.api.listCredentials({ realm_id: this.id, identity_id: identityId }));
  }

  revokeCredential(identityId: string, credentialId: string): Promise<Credential> {
    return this.api.revokeCredential({ realm_id: this.id, identity_id: identityId, credential_id: credentialId });
  }
}

/** @param url - What the API returned, or a mail contained. */
export function parseLink(url: string): Link {
  const [job = '', query = ''] = url.split(/[:/]invokeAuthenticator\?/);
  return {
    url,
    job,
    identityId: /\/identities\/([^/]+)\//.exec(job)?.[1] ?? '',
    token: new URLSearchParams(query).get('token') ?? '',
  };
}

/** A name that no other test uses. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(5).toString('hex')}`;
}
