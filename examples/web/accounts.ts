import { type ManagementApi, ManagementError } from './managementApi.ts';
import type { Provisioned } from './provision.ts';

/** A passkey of an account, as the page shows it. */
export interface AccountPasskey {
  id: string;
  created: string;
  /** Whether the device's own authenticator holds the key; else the browser does. */
  inDevice: boolean;
}

interface Credential {
  id: string;
  state: 'ACTIVE' | 'REVOKED';
  csr_type: 'JWT' | 'WEBAUTHN' | 'FIDO2';
  create_time: string;
}

/** What this application asks of the management API. An account is an identity of our realm. */
export class Accounts {
  readonly #api: ManagementApi;
  readonly #keymoor: Provisioned;
  readonly #afterBinding: string;

  /** @param afterBinding - Where a page goes once a passkey is bound. */
  constructor(api: ManagementApi, keymoor: Provisioned, afterBinding: string) {
    this.#api = api;
    this.#keymoor = keymoor;
    this.#afterBinding = afterBinding;
  }

  /** @returns The new account's id, or nothing if the username is taken. */
  async create(name: string, username: string, email: string): Promise<string | undefined> {
    try {
      const identity = await this.#api.call<{ id: string }>('POST', this.#identities, {
        identity: {
          display_name: name,
          traits: { type: 'traits_v0', username, primary_email_address: email },
        },
      });
      return identity.id;
    } catch (error) {
      if (error instanceof ManagementError && error.status === 409) return undefined;
      throw error;
    }
  }

  async find(username: string): Promise<string | undefined> {
    const filter = `traits.username eq ${JSON.stringify(username)}`;
    const list = await this.#api.call<{ identities: { id: string }[] }>(
      'GET',
      `${this.#identities}?filter=${encodeURIComponent(filter)}`,
    );
    return list.identities[0]?.id;
  }

  /**
   * A link that binds a passkey to the account. Whoever holds it becomes the account: give it to nobody but a person
   * who has just created the account or has signed in to it.
   */
  async bindingLink(account: string): Promise<string> {
    const job = await this.#createBindingJob(account, 'RETURN');
    return job.credential_binding_link;
  }

  /** Sends such a link to the account's own address. This is safe for anybody to ask for. */
  async mailBindingLink(account: string): Promise<void> {
    await this.#createBindingJob(account, 'EMAIL');
  }

  async passkeys(account: string): Promise<AccountPasskey[]> {
    const { credentials } = await this.#api.call<{ credentials: Credential[] }>(
      'GET',
      `${this.#identities}/${account}/credentials?page_size=200`,
    );
    return credentials
      .filter(({ state }) => state === 'ACTIVE')
      .map(({ id, csr_type, create_time }) => ({ id, created: create_time, inDevice: csr_type !== 'JWT' }));
  }

  /** Makes a passkey useless wherever it is. */
  async revokePasskey(account: string, passkey: string): Promise<void> {
    await this.#api.call('POST', `${this.#identities}/${account}/credentials/${encodeURIComponent(passkey)}:revoke`);
  }

  get #identities(): string {
    return `${this.#keymoor.realmPath}/identities`;
  }

  #createBindingJob(account: string, delivery: 'RETURN' | 'EMAIL'): Promise<{ credential_binding_link: string }> {
    return this.#api.call('POST', `${this.#identities}/${account}/credential-binding-jobs`, {
      job: {
        delivery_method: delivery,
        authenticator_config_id: this.#keymoor.authenticatorConfigId,
        post_binding_redirect_uri: this.#afterBinding,
      },
    });
  }
}
