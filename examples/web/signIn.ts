import * as oidc from 'openid-client';
import type { Provisioned } from './provision.ts';

/** Who signed in, as Keymoor says. */
export interface Account {
  id: string;
  name: string;
  /** Everything in the ID token. */
  claims: Record<string, unknown>;
}

/** A sign-in that a browser has begun; what comes back must match it. */
export interface PendingSignIn {
  state: string;
  nonce: string;
  codeVerifier: string;
}

/** Sign-in by OpenID Connect: nothing here is special to Keymoor, any client library does it. */
export class SignIn {
  readonly #config: oidc.Configuration;
  readonly #redirectUri: string;

  private constructor(config: oidc.Configuration, redirectUri: string) {
    this.#config = config;
    this.#redirectUri = redirectUri;
  }

  static async discover({ issuer, clientId, clientSecret }: Provisioned, origin: string): Promise<SignIn> {
    const config = await oidc.discovery(new URL(issuer), clientId, {}, oidc.ClientSecretBasic(clientSecret), {
      // Without https for development on one machine only.
      execute: issuer.startsWith('http://localhost:') ? [oidc.allowInsecureRequests] : [],
    });
    return new SignIn(config, `${origin}/callback`);
  }

  /** @returns What to remember for this browser, and where to send it. */
  async begin(): Promise<{ pending: PendingSignIn; url: URL }> {
    const pending = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      codeVerifier: oidc.randomPKCECodeVerifier(),
    };
    const url = oidc.buildAuthorizationUrl(this.#config, {
      redirect_uri: this.#redirectUri,
      scope: 'openid profile email',
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { pending, url };
  }

  /**
   * Checks the answer and exchanges its code for who signed in.
   *
   * @param search - The query with which the browser came back.
   * @throws When it answers none of `candidates`, says no, or proves false.
   */
  async finish(search: string, candidates: readonly PendingSignIn[]): Promise<Account> {
    const answer = new URL(this.#redirectUri + search);
    const pending = candidates.find(({ state }) => state === answer.searchParams.get('state'));
    if (!pending) throw new Error('this browser began no such sign-in');
    const tokens = await oidc.authorizationCodeGrant(this.#config, answer, {
      pkceCodeVerifier: pending.codeVerifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims() as oidc.IDToken;
    const { name } = await oidc.fetchUserInfo(this.#config, tokens.access_token, claims.sub);
    return { id: claims.sub, name: name ?? claims.sub, claims };
  }
}
