import {
  type CreateCredentialBindingJobResponse,
  type DeliveryMethod,
  KeymoorApiError,
  type ManagementApi,
} from '@keymoor/api-client';
import type { Provisioned } from './provision.ts';

/** A passkey of an account, as the page shows it. */
export interface AccountPasskey {
  id: string;
  created: string;
  /** Whether the device's own authenticator holds the key; else the browser does. */
  inDevice: boolean;
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
      const { id } = await this.#api.createIdentity({
        realm_id: this.#keymoor.realmId,
        identity: {
          display_name: name,
          traits: { type: 'traits_v0', username, primary_email_address: email },
        },
      });
      return id;
    } catch (error) {
      if (error instanceof KeymoorApiError && error.code === 'conflict') return undefined;
      throw error;
    }
  }

  async find(username: string): Promise<string | undefined> {
    const filter = `traits.username eq ${JSON.stringify(username)}`;
    const { identities } = await this.#api.listIdentities({ realm_id: this.#keymoor.realmId, filter });
    return identities[0]?.id;
  }

  /**
   * A link that binds a passkey to the account. Whoever holds it becomes the account: give it to nobody but a person
   * who has just created the account or has signed in to it.
   */
  async bindingLink(account: string): Promise<string> {
    const { credential_binding_link } = await this.#createBindingJob(account, 'RETURN');
    if (!credential_binding_link) throw new Error('the binding job returned no link');
    return credential_binding_link;
  }

  /** Sends such a link to the account's own address. This is safe for anybody to ask for. */
  async mailBindingLink(account: string): Promise<void> {
    await this.#createBindingJob(account, 'EMAIL');
  }

  async passkeys(account: string): Promise<AccountPasskey[]> {
    const passkeys: AccountPasskey[] = [];
    const credentials = this.#api.listCredentials({ realm_id: this.#keymoor.realmId, identity_id: account });
    for await (const { id, state, csr_type, create_time } of credentials) {
      if (state === 'ACTIVE') passkeys.push({ id, created: create_time, inDevice: csr_type !== 'JWT' });
    }
    return passkeys;
  }

  /** Makes a passkey useless wherever it is. */
  async revokePasskey(account: string, passkey: string): Promise<void> {
    await this.#api.revokeCredential({
      realm_id: this.#keymoor.realmId,
      identity_id: account,
      credential_id: passkey,
    });
  }

  #createBindingJob(account: string, delivery: DeliveryMethod): Promise<CreateCredentialBindingJobResponse> {
    return this.#api.createCredentialBindingJob({
      realm_id: this.#keymoor.realmId,
      identity_id: account,
      job: {
        delivery_method: delivery,
        authenticator_config_id: this.#keymoor.authenticatorConfigId,
        post_binding_redirect_uri: this.#afterBinding,
      },
    });
  }
}
