import { randomBytes } from 'node:crypto';
import { type Answer, ok, request } from './http.ts';
import type { Init } from './keymoor.ts';

export interface Identity {
  id: string;
  display_name: string;
  traits: { type: 'traits_v0'; username: string; primary_email_address?: string };
}

export interface Job {
  id: string;
  identity_id: string;
  state: string;
  credential_id?: string;
  delivery_method: string;
  expire_time: string;
  create_time: string;
}

export interface Credential {
  id: string;
  identity_id: string;
  state: 'ACTIVE' | 'REVOKED';
  csr_type: 'JWT' | 'WEBAUTHN' | 'FIDO2';
  jwk_json: string;
  jwk_thumbprint: string;
}

export interface Application {
  id: string;
  authenticator_config_id: string;
  protocol_config: { client_id: string; client_secret?: string; redirect_uris: string[] };
}

export interface CreatedJob {
  credential_binding_job: Job;
  credential_binding_link: string;
}

/** A binding link taken apart. */
export interface Link {
  url: string;
  /** The job's URL, to which `:getInfo` and `:bind` are appended. */
  job: string;
  identityId: string;
  token: string;
}

/** Calls the management API of one tenant. */
export class Management {
  readonly init: Init;
  readonly token: string;

  private constructor(init: Init, token: string) {
    this.init = init;
    this.token = token;
  }

  /** Gets a token by client credentials; all scopes unless some are named. */
  static async of(init: Init, scope?: string): Promise<Management> {
    const { client_id, client_secret, token_endpoint } = init.management;
    const answer = await request('POST', token_endpoint, {
      headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) }),
    });
    return new Management(init, ok<{ access_token: string }>(answer).access_token);
  }

  get url(): string {
    return `${this.init.api_url}/v1/tenants/${this.init.tenant_id}`;
  }

  /** @param path - Below the tenant. */
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
    const realm = ok<{ id: string }>(await this.send('POST', '/realms', { realm: { display_name: displayName } }));
    return new Realm(this, realm.id);
  }
}

/** Makes what tests need in one realm. */
export class Realm {
  readonly management: Management;
  readonly id: string;
  readonly path: string;
  /** Where the realm's sign-in and binding URLs start. */
  readonly authUrl: string;

  constructor(management: Management, id: string) {
    this.management = management;
    this.id = id;
    this.path = `/realms/${id}`;
    this.authUrl = `${management.init.auth_url}/v1/tenants/${management.init.tenant_id}${this.path}`;
  }

  send(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.management.send(method, this.path + path, body);
  }

  /** An embedded config that leads to `invokeUrl`; it allows both kinds of key unless `methods` says which. */
  async config(invokeUrl: string, methods?: string[], more: object = {}): Promise<string> {
    const authentication_methods = methods?.map((type) => ({ type }));
    const config = { type: 'embedded', invoke_url: invokeUrl, ...(methods && { authentication_methods }), ...more };
    const answer = await this.send('POST', '/authenticator-configs', { authenticator_config: { config } });
    return ok<{ id: string }>(answer).id;
  }

  /** A public OpenID Connect client with PKCE, unless `protocol` says otherwise. */
  async application(configId: string, redirectUri: string, protocol: object = {}): Promise<Application> {
    const answer = await this.send('POST', '/applications', {
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
          ...protocol,
        },
      },
    });
    return ok<Application>(answer);
  }

  async identity(email?: string, username = unique('user')): Promise<Identity> {
    const answer = await this.send('POST', '/identities', {
      identity: {
        display_name: 'Ada L.',
        traits: { type: 'traits_v0', username, ...(email && { primary_email_address: email }) },
      },
    });
    return ok<Identity>(answer);
  }

  /** A job that returns its link. */
  async link(configId: string, identityId: string, more: object = {}): Promise<Link & { jobId: string }> {
    const created = ok<CreatedJob>(await this.createJob(configId, identityId, 'RETURN', more));
    return { ...parseLink(created.credential_binding_link), jobId: created.credential_binding_job.id };
  }

  /** A job that mails its link. */
  async mail(configId: string, identityId: string): Promise<Job> {
    return ok<CreatedJob>(await this.createJob(configId, identityId, 'EMAIL')).credential_binding_job;
  }

  createJob(configId: string, identityId: string, delivery: 'RETURN' | 'EMAIL', more: object = {}): Promise<Answer> {
    return this.send('POST', `/identities/${identityId}/credential-binding-jobs`, {
      job: { delivery_method: delivery, authenticator_config_id: configId, ...more },
    });
  }

  async job({ id, identity_id }: Pick<Job, 'id' | 'identity_id'>): Promise<Job> {
    return ok<Job>(await this.send('GET', `/identities/${identity_id}/credential-binding-jobs/${id}`));
  }

  async credentials(identityId: string): Promise<Credential[]> {
    const answer = await this.send('GET', `/identities/${identityId}/credentials`);
    return ok<{ credentials: Credential[] }>(answer).credentials;
  }
}

/** @param url - What the API returned, or a mail contained. */
export function parseLink(url: string): Link {
  const [job = '', query = ''] = url.split(':invokeAuthenticator?');
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
