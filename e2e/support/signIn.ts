import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Application } from '@keymoor/api-client';
import type { Realm } from './directory.ts';
import { type Answer, expectStatus, ok, request } from './http.ts';
import { type SoftwareKey, signInClaims } from './softwareKey.ts';

/** A sign-in that `/authorize` has started. */
export interface Started {
  /** Where the application's page is sent: `…/bi-authenticate?request=…`. */
  url: string;
  transactionId: string;
  nonce: string;
  /** Where proofs go. */
  endpoint: string;
  codeVerifier: string;
}

/** The requests of one application's sign-ins, as a client library and an SDK make them. */
export class SignIns {
  readonly realm: Realm;
  readonly application: Application;
  readonly issuer: string;

  constructor(realm: Realm, application: Application) {
    this.realm = realm;
    this.application = application;
    this.issuer = `${realm.authUrl}/applications/${application.id}`;
  }

  get redirectUri(): string {
    return this.application.protocol_config.redirect_uris[0] ?? '';
  }

  authorize(parameters: Record<string, string>): Promise<Answer> {
    return request('GET', `${this.issuer}/authorize?${new URLSearchParams(parameters)}`);
  }

  async start(more: Record<string, string> = {}): Promise<Started> {
    const codeVerifier = randomBytes(32).toString('base64url');
    const answer = await this.authorize({
      response_type: 'code',
      client_id: this.application.protocol_config.client_id,
      redirect_uri: this.redirectUri,
      scope: 'openid',
      state: 'state-of-the-test',
      code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    });
    expectStatus(answer, 302);
    const url = answer.headers.get('location') ?? '';
    const claims = requestClaims(url);
    const { transaction_id: transactionId, nonce } = claims.authn.action.prove;
    return {
      url,
      transactionId,
      nonce,
      endpoint: `${claims.authn.base_url}${new URL(this.issuer).pathname}/bi-authenticate`,
      codeVerifier,
    };
  }

  /** Posts a software key's proof; `changes` replace claims of an honest one. */
  prove(started: Started, key: SoftwareKey, identityId: string, changes: Record<string, unknown> = {}): Promise<Answer> {
    return postProof(started.endpoint, { Jwt: key.signInProof({ ...this.claims(started, identityId), ...changes }) });
  }

  claims(started: Started, identityId: string): Record<string, unknown> {
    const subject = `CN=${identityId}, OU=${this.realm.id}, O=${this.realm.management.init.tenant_id}`;
    return signInClaims(subject, started.endpoint, started.transactionId, started.nonce);
  }

  /** Signs in as far as the code. */
  async code(key: SoftwareKey, identityId: string): Promise<{ started: Started; code: string }> {
    const started = await this.start();
    const answer = ok<{ type: string; code: string }>(await this.prove(started, key, identityId));
    assert.equal(answer.type, 'allow', JSON.stringify(answer));
    return { started, code: answer.code };
  }

  /** Exchanges a code; `changes` replace parameters of an honest request. */
  redeem({ codeVerifier }: Started, code: string, changes: Record<string, string> = {}): Promise<Answer> {
    return this.token({
      grant_type: 'authorization_code',
      client_id: this.application.protocol_config.client_id,
      code,
      redirect_uri: this.redirectUri,
      code_verifier: codeVerifier,
      ...changes,
    });
  }

  token(parameters: Record<string, string>): Promise<Answer> {
    return request('POST', `${this.issuer}/token`, { body: new URLSearchParams(parameters) });
  }
}

/** Posts the `claims` form field as SDKs do. */
export function postProof(endpoint: string, proof: object, headers: Record<string, string> = {}): Promise<Answer> {
  return request('POST', endpoint, {
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: `claims=${encodeURIComponent(JSON.stringify(proof))}`,
  });
}

/** What the request JWT of a sign-in URL says; its signature is for SDKs to verify. */
export function requestClaims(url: string): any {
  const jwt = new URL(url).searchParams.get('request') ?? '';
  return decodeJwt(jwt);
}

export function decodeJwt(jwt: string): any {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}
