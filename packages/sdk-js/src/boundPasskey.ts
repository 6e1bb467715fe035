import type { BindPasskeyResponse, Passkey } from './types.ts';

/** The deprecated names are getters of a class, so that logs and JSON show each value once. */
export class BoundPasskey implements BindPasskeyResponse {
  readonly passkey: Passkey;
  declare readonly postBindingRedirectUri?: string;

  constructor(passkey: Passkey, postBindingRedirectUri: string | undefined) {
    this.passkey = passkey;
    if (postBindingRedirectUri !== undefined) this.postBindingRedirectUri = postBindingRedirectUri;
  }

  get postBindRedirect(): string | undefined {
    return this.postBindingRedirectUri;
  }

  get credential(): Passkey {
    return this.passkey;
  }

  get id(): string {
    return this.passkey.id;
  }
}
