import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { ok, refused, violates } from '../support/http.ts';
import { type Ceremony, SoftwareAuthenticator } from '../support/softwareAuthenticator.ts';
import { base64url, bind, bindSoftwareKey, SoftwareKey, subjectOf } from '../support/softwareKey.ts';
import { type Attacked, type Case, type JobLink, ORIGIN, stillBinds } from './attacked.ts';

const MAX_FAILED_PROOFS = 10;

/** Proofs by a software key that prove nothing. */
const FORGED: Record<string, (key: SoftwareKey, subject: string, token: string) => string> = {
  'is signed by another key': (key, subject, token) =>
    key.bindingProof(subject, token, { jwk: new SoftwareKey().jwk }),
  'is over another token': (key, subject) => key.bindingProof(subject, 'another-token'),
  'is about another identity': (key, subject, token) =>
    key.bindingProof(subject.replace(/CN=\w+/, 'CN=0000000000000001'), token),
  'is about another realm': (key, subject, token) =>
    key.bindingProof(subject.replace(/OU=\w+/, 'OU=0000000000000001'), token),
  'was changed after it was signed': (key, subject, token) => {
    const [header, , signature] = key.bindingProof(subject, 'another-token').split('.');
    return `${header}.${base64url({ sub: subject, token })}.${signature}`;
  },
  'says more than it should': (key, subject, token) => key.bindingProof(subject, token, {}, { admin: true }),
  'has alg none and no signature': (key, subject, token) =>
    key.bindingProof(subject, token, { alg: 'none' }).replace(/[^.]*$/, ''),
  'has alg none and a signature': (key, subject, token) => key.bindingProof(subject, token, { alg: 'none' }),
  'has alg HS256, keyed with the public key': (key, subject, token) => {
    const signed = `${base64url({ alg: 'HS256', jwk: key.jwk })}.${base64url({ sub: subject, token })}`;
    return `${signed}.${createHmac('sha256', JSON.stringify(key.jwk)).update(signed).digest('base64url')}`;
  },
  'has alg RS256 and an RSA key': (_, subject, token) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const header = { alg: 'RS256', jwk: publicKey.export({ format: 'jwk' }) };
    const signed = `${base64url(header)}.${base64url({ sub: subject, token })}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
  },
  'says RS256 of an ES256 signature': (key, subject, token) => key.bindingProof(subject, token, { alg: 'RS256' }),
  'names a key elsewhere by jku': (key, subject, token) =>
    key.bindingProof(subject, token, { jku: 'https://evil.example/keys' }),
  'names a certificate elsewhere by x5u': (key, subject, token) =>
    key.bindingProof(subject, token, { x5u: 'https://evil.example/chain' }),
  'brings a certificate in x5c': (key, subject, token) => key.bindingProof(subject, token, { x5c: ['AAAA'] }),
  'has a critical extension': (key, subject, token) => key.bindingProof(subject, token, { crit: ['exp'], exp: 1 }),
  'has a point off the curve': (key, subject, token) =>
    key.bindingProof(subject, token, { jwk: { ...key.jwk, y: key.jwk.x } }),
  'brings a private key': (key, subject, token) =>
    key.bindingProof(subject, token, { jwk: key.privateKey.export({ format: 'jwk' }) }),
  'brings no key': (key, subject, token) => key.bindingProof(subject, token, { jwk: null }),
  'is no JWS': () => 'proof',
};

type Registration = (authenticator: SoftwareAuthenticator, challenge: Challenge) => string;
interface Challenge {
  sub: string;
  token: string;
}

/** WebAuthn registrations that must not be taken. */
const REGISTRATIONS: Record<string, Registration> = {
  'comes from an origin that is not trusted': honestBut({ origin: 'https://evil.example' }),
  'comes from a subdomain of a trusted origin': honestBut({ origin: 'https://x.app.example', rpId: 'app.example' }),
  'comes from another port of a trusted origin': honestBut({ origin: `${ORIGIN}:8443` }),
  'is for another relying party': honestBut({ origin: ORIGIN, rpId: 'example' }),
  'is without user verification': honestBut({ origin: ORIGIN, userVerified: false }),
  'is without user presence': honestBut({ origin: ORIGIN, userPresent: false }),
  'is from a frame of another origin': honestBut({ origin: ORIGIN, crossOrigin: true }),
  'is an assertion': honestBut({ origin: ORIGIN, type: 'webauthn.get' }),
  'answers the challenge of another token': (authenticator, { sub }) =>
    authenticator.register({ sub, token: 'another-token' }, { origin: ORIGIN }),
  'answers the challenge of another identity': (authenticator, { token }) =>
    authenticator.register({ sub: 'CN=I, OU=R, O=T', token }, { origin: ORIGIN }),
  'answers a challenge with another member': (authenticator, challenge) =>
    authenticator.register({ ...challenge, admin: true }, { origin: ORIGIN }),
  'is no registration': () => '{}',
};

function honestBut(ceremony: Ceremony): Registration {
  return (authenticator, challenge) => authenticator.register(challenge, ceremony);
}

const FORGERIES: Case[] = Object.entries(FORGED).map(([what, forge]) => ({
  name: `b1_a_proof_at_binding_is_refused_that_${what.replaceAll(' ', '_')}`,
  run: async (on) => {
    const link = await on.freshLink();
    violates(await bind(link, forge(new SoftwareKey(), subjectOf(link), link.token)), 'raw');
    await stillBinds(on, link);
  },
}));

const REFUSED_REGISTRATIONS: Case[] = Object.entries(REGISTRATIONS).map(([what, register]) => ({
  name: `b2_a_registration_is_refused_that_${what.replaceAll(' ', '_')}`,
  run: async (on) => {
    const link = await on.freshLink();
    violates(await bindWebAuthn(link, register), 'raw');
    ok(await bindWebAuthn(link, honestBut({ origin: ORIGIN })));
  },
}));

export const PROOFS: Case[] = [
  ...FORGERIES,
  ...REFUSED_REGISTRATIONS,
  {
    name: 'b4_a_key_is_bound_once_in_a_realm',
    run: async (on) => {
      const { key } = await on.person();
      const link = await on.freshLink();
      refused(await bind(link, key.bindingProof(subjectOf(link), link.token)), 409);
      await stillBinds(on, link);
    },
  },
  {
    name: 'a4_ten_failed_proofs_with_the_right_token_revoke_a_job_and_wrong_tokens_do_not',
    run: async (on) => {
      const link = await on.freshLink();
      for (let wrong = 0; wrong <= MAX_FAILED_PROOFS; wrong++) {
        refused((await bindSoftwareKey({ ...link, token: 'wrong' })).answer, 404);
      }
      for (let failed = 0; failed < MAX_FAILED_PROOFS; failed++) violates(await bind(link, 'proof'), 'raw');
      assert.equal(refused((await bindSoftwareKey(link)).answer, 409)?.['description'], 'revoked');
      assert.equal(await stateOf(on, link), 'REVOKED');
    },
  },
  {
    name: 'd2_a_page_of_another_origin_binds_nothing',
    run: async (on) => {
      const link = await on.freshLink();
      const proof = new SoftwareKey().bindingProof(subjectOf(link), link.token);
      refused(await bind(link, proof, 'JWT', { origin: 'https://evil.example' }), 403);
      assert.equal(await stateOf(on, link), 'LINK_SENT');
      await stillBinds(on, link);
    },
  },
];

function bindWebAuthn(link: JobLink, register: Registration) {
  const challenge = { sub: subjectOf(link), token: link.token };
  return bind(link, register(new SoftwareAuthenticator(), challenge), 'WEBAUTHN');
}

async function stateOf({ realm }: Attacked, link: JobLink): Promise<string> {
  return (await realm.job({ id: link.jobId, identity_id: link.identityId })).state;
}
