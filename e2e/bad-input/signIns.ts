import assert from 'node:assert/strict';
import { oauthError, ok, refused, request } from '../support/http.ts';
import { postProof, SignIns, type Started } from '../support/signIn.ts';
import { type Ceremony, SoftwareAuthenticator } from '../support/softwareAuthenticator.ts';
import { bind, SoftwareKey, subjectOf } from '../support/softwareKey.ts';
import { type Attacked, type Case, ORIGIN } from './attacked.ts';

type Claims = Record<string, unknown>;

/** What may be wrong with the claims of an otherwise honest proof. */
const WRONG_CLAIMS: Record<string, (honest: Claims) => Claims> = {
  'another nonce': () => ({ bi_non: 'another' }),
  'another transaction': () => ({ bi_tid: 'A'.repeat(32) }),
  'another audience': () => ({ aud: ['https://evil.example/bi-authenticate'] }),
  'another subject': ({ sub }) => ({ sub: String(sub).replace(/CN=\w+/, 'CN=0000000000000001') }),
  'an expiry in the past': ({ iat }) => ({ exp: Number(iat) - 1 }),
  'a start in the future': ({ iat }) => ({ nbf: Number(iat) + 3_600 }),
};

const WRONG_CEREMONIES: Record<string, Partial<Ceremony>> = {
  'an origin that is not trusted': { origin: 'https://evil.example' },
  'another relying party': { rpId: 'example' },
  'no user verification': { userVerified: false },
  'a frame of another origin': { crossOrigin: true },
  'the type of a registration': { type: 'webauthn.create' },
};

const REFUSED_CLAIMS: Case[] = Object.entries(WRONG_CLAIMS).map(([what, change]) => ({
  name: `c3_a_sign_in_proof_is_refused_with_${what.replaceAll(' ', '_')}`,
  run: async ({ person, signIns }) => {
    const { identity, key } = await person();
    const started = await signIns.start();
    const changes = change(signIns.claims(started, identity.id));
    refused(await signIns.prove(started, key, identity.id, changes), 400);
    ok(await signIns.prove(started, key, identity.id));
  },
}));

const REFUSED_CEREMONIES: Case[] = Object.entries(WRONG_CEREMONIES).map(([what, wrong]) => ({
  name: `c3_an_assertion_is_refused_with_${what.replaceAll(' ', '_')}`,
  run: async (on) => {
    const link = await on.freshLink();
    const authenticator = new SoftwareAuthenticator();
    const challenge = { sub: subjectOf(link), token: link.token };
    ok(await bind(link, authenticator.register(challenge, { origin: ORIGIN }), 'WEBAUTHN'));
    const started = await on.signIns.start();
    const claims = on.signIns.claims(started, link.identityId);
    const prove = (ceremony: Ceremony) =>
      postProof(started.endpoint, { WebAuthn: authenticator.assert(claims, ceremony) });
    refused(await prove({ origin: ORIGIN, ...wrong }), 400);
    assert.equal(ok<{ type: string }>(await prove({ origin: ORIGIN })).type, 'allow');
    refused(await prove({ origin: ORIGIN }), 400);
  },
}));

export const SIGN_INS: Case[] = [
  ...REFUSED_CLAIMS,
  ...REFUSED_CEREMONIES,
  {
    name: 'c3_a_proof_by_another_key_is_refused',
    run: async ({ person, signIns }) => {
      const [{ identity, key }, started] = [await person(), await signIns.start()];
      const claims = signIns.claims(started, identity.id);
      const stranger = new SoftwareKey();
      for (const proof of [
        stranger.signInProof(claims),
        stranger.signInProof(claims, { kid: key.thumbprint }),
        key.signInProof(claims, { alg: 'none' }),
        key.signInProof(claims, { alg: 'none' }).replace(/[^.]*$/, ''),
        key.signInProof(claims, { jwk: stranger.jwk }),
        'proof',
      ]) {
        refused(await postProof(started.endpoint, { Jwt: proof }), 400);
      }
      refused(await postProof(started.endpoint, { Fax: 'proof' }), 400);
      refused(await request('POST', started.endpoint, { body: new URLSearchParams({ other: 'x' }) }), 400);
      ok(await signIns.prove(started, key, identity.id));
    },
  },
  {
    name: 'c3_a_replayed_proof_and_a_second_proof_for_one_transaction_are_refused',
    run: async ({ person, signIns }) => {
      const [{ identity, key }, started] = [await person(), await signIns.start()];
      const proof = { Jwt: key.signInProof(signIns.claims(started, identity.id)) };
      const { code } = ok<{ code: string }>(await postProof(started.endpoint, proof));
      refused(await postProof(started.endpoint, proof), 400);
      refused(await signIns.prove(started, key, identity.id), 400);
      ok(await signIns.redeem(started, code));
    },
  },
  {
    name: 'c3_a_sign_in_is_answered_at_its_own_application_only',
    run: async (on) => {
      const { identity, key } = await on.person();
      const other = new SignIns(on.realm, await on.realm.application(on.configId, `${ORIGIN}/callback`));
      const started = await on.signIns.start();
      const endpoint = started.endpoint.replace(on.application.id, other.application.id);
      const misled: Started = { ...started, endpoint };
      refused(await other.prove(misled, key, identity.id), 400);
      refused(await other.prove(misled, key, identity.id, { aud: [started.endpoint] }), 400);
      ok(await on.signIns.prove(started, key, identity.id));
    },
  },
  {
    name: 'c4_suspended_people_and_revoked_passkeys_are_denied',
    run: async ({ person, signIns, realm }) => {
      const { identity, key, credentialId } = await person();
      const outcome = async () => ok<{ type: string }>(await signIns.prove(await signIns.start(), key, identity.id)).type;
      await realm.setStatus(identity.id, 'suspended');
      assert.equal(await outcome(), 'deny');
      await realm.setStatus(identity.id, 'active');
      assert.equal(await outcome(), 'allow');
      await realm.revokeCredential(identity.id, credentialId);
      assert.equal(await outcome(), 'deny');
    },
  },
  {
    name: 'c7_a_code_is_worth_nothing_to_another_client_or_with_another_redirect_uri_or_verifier',
    run: async (on) => {
      const { identity, key } = await on.person();
      const other = new SignIns(on.realm, await on.realm.application(on.configId, `${ORIGIN}/callback`));
      const { started, code } = await on.signIns.code(key, identity.id);
      oauthError(await other.redeem(started, code), 400, 'invalid_grant');
      for (const wrong of [
        { redirect_uri: `${ORIGIN}/elsewhere` },
        { code_verifier: 'A'.repeat(43) },
        { code: `${code.slice(0, -4)}AAAA` },
      ]) {
        const { started: again, code: fresh } = await on.signIns.code(key, identity.id);
        oauthError(await on.signIns.redeem(again, fresh, wrong), 400, 'invalid_grant');
      }
    },
  },
  {
    name: 'c7_a_replayed_code_is_refused_and_ends_what_was_issued_from_it',
    run: async ({ person, signIns }) => {
      const { identity, key } = await person();
      const { started, code } = await signIns.code(key, identity.id);
      const { access_token } = ok<{ access_token: string }>(await signIns.redeem(started, code));
      const userinfo = () =>
        request('GET', `${signIns.issuer}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });
      ok(await userinfo());
      oauthError(await signIns.redeem(started, code), 400, 'invalid_grant');
      assert.equal((await userinfo()).status, 401);
    },
  },
  {
    name: 'authorize_sends_nobody_to_a_redirect_uri_that_is_not_registered',
    run: async ({ signIns, application }) => {
      const { client_id } = application.protocol_config;
      for (const wrong of [
        { client_id: 'unknown', redirect_uri: signIns.redirectUri },
        { client_id, redirect_uri: 'https://evil.example/callback' },
        { client_id, redirect_uri: `${signIns.redirectUri}/` },
      ]) {
        const { status, headers } = await signIns.authorize({ response_type: 'code', scope: 'openid', ...wrong });
        assert.equal(status, 400);
        assert.equal(headers.get('location'), null);
      }
    },
  },
  {
    name: 'authorize_tells_the_client_what_is_wrong_by_redirect',
    run: async (on) => {
      const challenge = { code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' };
      assert.equal(await redirectedError(on, {}), 'invalid_request', 'public clients need PKCE');
      assert.equal(await redirectedError(on, { ...challenge, code_challenge_method: 'plain' }), 'invalid_request');
      assert.equal(await redirectedError(on, { ...challenge, response_type: 'token' }), 'unsupported_response_type');
      assert.equal(await redirectedError(on, { ...challenge, prompt: 'none' }), 'login_required');
      assert.equal(await redirectedError(on, { ...challenge, nonce: 'n'.repeat(3_000) }), 'invalid_request');
    },
  },
  {
    name: 'c9_the_token_endpoint_speaks_the_errors_of_oauth',
    run: async ({ signIns, application }) => {
      const { client_id } = application.protocol_config;
      oauthError(await signIns.token({}), 401, 'invalid_client');
      oauthError(await signIns.token({ client_id }), 400, 'invalid_request');
      oauthError(await signIns.token({ client_id, grant_type: 'password' }), 400, 'unsupported_grant_type');
      oauthError(await signIns.token({ client_id, grant_type: 'client_credentials' }), 400, 'unauthorized_client');
      const unknown = await signIns.token({ client_id: 'unknown', grant_type: 'authorization_code', code: 'x' });
      oauthError(unknown, 401, 'invalid_client');
    },
  },
];

async function redirectedError({ signIns, application }: Attacked, parameters: Record<string, string>) {
  const { status, headers, body } = await signIns.authorize({
    response_type: 'code',
    client_id: application.protocol_config.client_id,
    redirect_uri: signIns.redirectUri,
    scope: 'openid',
    state: 'kept',
    ...parameters,
  });
  assert([302, 303].includes(status), `${status} ${JSON.stringify(body)}`);
  const location = new URL(headers.get('location') ?? '');
  assert.equal(location.origin + location.pathname, signIns.redirectUri);
  assert.equal(location.searchParams.get('state'), 'kept');
  assert.equal(location.searchParams.get('iss'), signIns.issuer);
  return location.searchParams.get('error');
}
