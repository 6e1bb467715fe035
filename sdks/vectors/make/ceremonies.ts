/** Scenarios: what an SDK sends, what it gets, and what is left on the device. */
import { AUTH, JKU, KEY_SET, jwt, NOW, remove } from './signed.ts';

type Json = Record<string, any>;
const JOB = `${AUTH}/v1/tenants/T/realms/R/identities/I/credential-binding-jobs/J`;
const LINK = `${JOB}:invokeAuthenticator?token=X`;
const APP_LINK = 'acme://bind?api_base_url=https%3A%2F%2Fauth.example&tenant_id=T&realm_id=R&identity_id=I&job_id=J&token=X';
const SUB = 'CN=I, OU=R, O=T';
const SIGN_IN = `${AUTH}/v1/tenants/T/realms/R/applications/A/bi-authenticate`;
const CREATE = { keystore: 'create' };
const SIGN = { keystore: 'sign' };

const info = (): Json => ({
  tenant: { display_name: 'Acme' }, realm: { display_name: 'Customers' },
  identity: { display_name: 'User One', traits: { type: 'traits_v0', username: 'user1', primary_email_address: 'user1@example.org' } },
  theme: { logo_url_light: '', logo_url_dark: '', support_url: '' },
  authenticator_config: { tenant_id: 'T', realm_id: 'R', config: { type: 'embedded' } },
  post_binding_redirect_uri: 'https://app.example/done',
});
const credential = (): Json => ({ id: 'credential-1', state: 'ACTIVE', create_time: '2026-11-21T00:00:00.000Z', update_time: '2026-11-21T00:00:00.000Z' });
const refusal = (status: number, description?: string, resource_type = 'CredentialBindingJob') => ({
  status, json: { code: 'refused', message: 'refused', ...(description && { details: [{ type: 'ResourceInfo', resource_type, id: 'J', description }] }) },
});
type Answer = Json | 'none';
const ok = (json: Json) => ({ status: 200, json });
const getInfo = (answer: Answer = ok(info())) => ({
  expect: { method: 'POST', url: `${JOB}:getInfo`, headers: { authorization: 'Bearer X' }, text: '' }, answer,
});
const bind = (answer: Answer = ok(credential()), key = 'key1') => ({
  expect: {
    method: 'POST', url: `${JOB}:bind`, headers: { authorization: 'Bearer X', 'content-type': 'application/json' },
    json: { type: 'JWT', raw: { $jws: { header: { alg: 'ES256', jwk: { $jwk: key } }, claims: { sub: SUB, token: 'X' }, signedBy: key } } },
  },
  answer,
});
const BOUND = {
  passkeyId: 'credential-1', created: '2026-11-21T00:00:00.000Z', tenant: { id: 'T', displayName: 'Acme' }, realm: { id: 'R', displayName: 'Customers' },
  identity: { id: 'I', username: 'user1', displayName: 'User One', email: 'user1@example.org' }, postBindingRedirectUri: 'https://app.example/done',
};
const binding = (exchange: object[], outcome: object, url = LINK) => ({ call: { method: 'bindPasskey', url }, exchange, ...outcome });
const BIND = binding([getInfo(), CREATE, SIGN, bind()], { result: BOUND });
const listing = (...passkeyIds: string[]) => ({ call: { method: 'getPasskeys' }, exchange: [], result: { passkeyIds } });
const keySet = { expect: { method: 'GET', url: JKU }, answer: ok(KEY_SET) };
const proof = (answer: Answer, transaction = 'TX', nonce = 'sealed.nonce', key = 'key1') => ({
  expect: {
    method: 'POST', url: SIGN_IN, headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-correlation-id': 'correlation 1' },
    form: {
      claims: {
        Jwt: {
          $jws: {
            header: { alg: 'ES256', kid: { $thumbprint: key } },
            claims: {
              iss: { $any: 'string' }, sub: SUB, aud: [SIGN_IN], iat: NOW, exp: NOW + 4_200, nbf: NOW - 4_200, jti: { $any: 'string' },
              bi_tid: transaction, bi_non: nonce, bi_prf: 'W10=', bi_pol_ver: 'v3', flow_type: 'embedded',
            },
            signedBy: key,
          },
        },
      },
    },
  },
  answer,
});
const ALLOW = (): Json => ({ type: 'allow', code: 'the code', message: 'welcome' });
const SIGNED_IN = { redirectUrl: 'https://app.example/callback?iss=https%3A%2F%2Fauth.example&code=the+code&state=state+%26+more', message: 'welcome' };
const signInUrl = (request = jwt()) => `https://app.example/bi-authenticate?request=${request}`;
const signIn = (exchange: object[], outcome: object, { url = signInUrl(), passkey = '$1' } = {}) => ({
  call: { method: 'authenticate', url, passkey }, exchange, ...outcome,
});

interface Left { keysLeft?: number; passkeysLeft?: number; without?: string; allowedDomains?: string[] }
const scenario = (name: string, steps: object[], left: Left = {}) => {
  const { keysLeft = 0, passkeysLeft = 0, allowedDomains = ['auth.example'], without } = left;
  return { name, allowedDomains, now: NOW, ...(without && { without }), steps, keysLeft, passkeysLeft };
};
const ONE = { keysLeft: 1, passkeysLeft: 1 };
const KEY_ONLY = { keysLeft: 1, passkeysLeft: 0 };
const NO_JSON = { status: 200, text: '<html>' };
const REDIRECT = { status: 302, text: '' };
const thrice = (answer: Answer) => [bind(answer), bind(answer), bind(answer)];
const refusedInfo = (name: string, answer: Answer, error: string) => scenario(name, [binding([getInfo(answer)], { error })]);
const refusedBind = (name: string, answer: Answer, error: string) => scenario(name, [binding([getInfo(), CREATE, SIGN, bind(answer)], { error })]);
const lostBind = (name: string, answer: Answer, error: string) => scenario(name, [
  binding([getInfo(), CREATE, SIGN, ...thrice(answer)], { error }), listing(),
  binding([bind()], { result: BOUND }), listing('credential-1'),
], ONE);
const changedInfo = (change: (info: Json) => void) => {
  const changed = info();
  change(changed);
  return ok(changed);
};
const without = (whole: Json, path: string) => {
  remove(whole, path);
  return ok(whole);
};

/** Members of answers that the protocol calls required; those which these SDKs do without are bound all the same. */
const INFO_NEEDED = [
  'tenant', 'tenant.display_name', 'realm', 'realm.display_name', 'identity', 'identity.display_name', 'identity.traits', 'identity.traits.username', 'theme', 'theme.logo_url_light',
  'theme.logo_url_dark', 'authenticator_config', 'authenticator_config.config', 'authenticator_config.config.type',
];
const INFO_SPARED = ['identity.traits.type', 'theme.support_url', 'authenticator_config.tenant_id', 'authenticator_config.realm_id'];
const BIND_NEEDED = ['id', 'state', 'create_time'];
const PROVE = (): Json => ({ type: 'prove', transaction_id: 'TX2', nonce: 'N2', bi_pol_ver: 'v3' });

export const REQUIRED_ANSWERS = [
  ...[...INFO_NEEDED, ...INFO_SPARED].map((path) => `getInfo.${path}`), ...[...BIND_NEEDED, 'update_time'].map((path) => `bind.${path}`),
  ...['type', 'code'].map((path) => `allow.${path}`), ...['transaction_id', 'nonce', 'bi_pol_ver'].map((path) => `prove.${path}`),
];

export const ceremonies = [
  scenario('binding', [BIND, listing('credential-1')], ONE),
  scenario('binding by the form that leads to an app', [binding([getInfo(), CREATE, SIGN, bind()], { result: BOUND }, APP_LINK)], ONE),
  scenario('binding twice replaces', [BIND, binding([getInfo(), CREATE, SIGN, bind(ok({ ...credential(), id: 'credential-2' }), 'key2')], { result: { ...BOUND, passkeyId: 'credential-2' } }), listing('credential-2')], ONE),
  scenario('a link that is none', [binding([], { error: 'invalid_url' }, 'https://auth.example/')]),
  scenario('a sign-in URL instead of a link', [binding([], { error: 'invalid_url' }, signInUrl())]),
  scenario('a link of a foreign host', [binding([], { error: 'disallowed_domain' }, LINK.replace('auth.example', 'evil.example'))]),
  scenario('an app link that names a foreign host', [binding([], { error: 'disallowed_domain' }, APP_LINK.replace('auth.example', 'evil.example'))]),
  scenario('a link without encryption', [binding([], { error: 'disallowed_domain' }, LINK.replace('https', 'http'))]),
  scenario('an app link that names no address', [binding([], { error: 'invalid_url' }, APP_LINK.replace('https%3A%2F%2Fauth.example', 'auth.example'))]),
  refusedInfo('an unknown link', refusal(404), 'link_not_found'),
  refusedInfo('a used link', refusal(409, 'complete'), 'link_complete'),
  refusedInfo('an expired link', refusal(409, 'expired'), 'link_expired'),
  refusedInfo('a revoked link', refusal(409, 'revoked'), 'link_revoked'),
  refusedInfo('a suspended owner', refusal(403), 'user_suspended'),
  refusedInfo('an origin that is not trusted', refusal(403, 'untrusted', 'Origin'), 'untrusted_origin'),
  refusedInfo('too many tries', refusal(429), 'rate_limited'),
  refusedInfo('a malformed request', refusal(400), 'invalid_request'),
  refusedInfo('a server that fails', refusal(500), 'server'),
  refusedInfo('a server without answer', 'none', 'network'),
  refusedInfo('a server that redirects', REDIRECT, 'network'),
  refusedInfo('a server that answers HTML', NO_JSON, 'invalid_response'),
  refusedInfo('a server that answers a list', { status: 200, json: [] }, 'invalid_response'),
  refusedInfo('a server that answers too much', { status: 200, text: `{"a":"${'x'.repeat(65_536)}"}` }, 'invalid_response'),
  refusedInfo('a server that says one thing twice', { status: 200, text: JSON.stringify(info()).replace('{', '{"realm":null,') }, 'invalid_response'),
  refusedInfo('a redirect to a script', changedInfo((info) => (info['post_binding_redirect_uri'] = 'javascript:alert(1)')), 'invalid_response'),
  refusedInfo('a config that takes keys of authenticators only', changedInfo((info) => (info['authenticator_config'].config.authentication_methods = [{ type: 'webauthn_passkey' }])), 'unsupported'),
  refusedInfo('a hosted config without a list', changedInfo((info) => (info['authenticator_config'].config.type = 'hosted_web')), 'unsupported'),
  scenario('a hosted config that takes software keys', [binding([getInfo(changedInfo((info) => (info['authenticator_config'].config = { type: 'hosted_web', authentication_methods: [{ type: 'software_passkey' }] }))), CREATE, SIGN, bind()], { result: BOUND })], ONE),
  scenario('a device without keys', [binding([getInfo(), { ...CREATE, fail: 'unsupported' }], { error: 'unsupported' })]),
  scenario('a key that does not sign', [binding([getInfo(), CREATE, { ...SIGN, fail: 'unsupported' }], { error: 'unsupported' })]),
  scenario('a store that cannot be written', [{ ...binding([], { error: 'storage' }), storeFails: true }]),
  refusedBind('a link that expires before the key is bound', refusal(409, 'expired'), 'link_expired'),
  refusedBind('a link that is used before the key is bound', refusal(409, 'complete'), 'link_complete'),
  refusedBind('a proof that is refused', refusal(400), 'invalid_request'),
  refusedBind('an owner suspended before the key is bound', refusal(403), 'user_suspended'),
  refusedBind('too many proofs', refusal(429), 'rate_limited'),
  scenario('the answer to a key is lost once', [binding([getInfo(), CREATE, SIGN, bind('none'), bind()], { result: BOUND })], ONE),
  lostBind('the answers to a key are lost, and the same link heals it', 'none', 'network'),
  lostBind('the answers to a key are 500, and the same link heals it', refusal(500), 'server'),
  lostBind('the answers to a key are HTML, and the same link heals it', NO_JSON, 'invalid_response'),
  lostBind('the answers to a key are redirects, and the same link heals it', REDIRECT, 'network'),
  scenario('a proxy refuses a key, and the same link heals it', [binding([getInfo(), CREATE, SIGN, bind({ status: 403, text: '<html>' })], { error: 'user_suspended' }), binding([bind()], { result: BOUND })], ONE),
  scenario('a lost key that another one has overtaken is given up', [binding([getInfo(), CREATE, SIGN, ...thrice('none')], { error: 'network' }), binding([bind(refusal(409, 'complete'))], { error: 'link_complete' })]),
  scenario('a lost key that is refused later gives way to another', [binding([getInfo(), CREATE, SIGN, ...thrice('none')], { error: 'network' }), binding([bind(refusal(400)), getInfo(), CREATE, SIGN, bind(ok(credential()), 'key2')], { result: BOUND })], ONE),
  scenario('a lost key is kept while its owner is suspended', [binding([getInfo(), CREATE, SIGN, ...thrice('none')], { error: 'network' }), binding([bind(refusal(403))], { error: 'user_suspended' }), binding([bind()], { result: BOUND })], ONE),
  ...INFO_NEEDED.map((path) => ({ ...refusedInfo(`getInfo without ${path}`, without(info(), path), 'invalid_response'), without: `getInfo.${path}` })),
  ...INFO_SPARED.map((path) => scenario(`getInfo without ${path}`, [binding([getInfo(without(info(), path)), CREATE, SIGN, bind()], { result: BOUND })], { ...ONE, without: `getInfo.${path}` })),
  ...BIND_NEEDED.map((path) => scenario(`an answer to a key without ${path}`, [binding([getInfo(), CREATE, SIGN, bind(without(credential(), path))], { error: 'invalid_response' })], { ...KEY_ONLY, without: `bind.${path}` })),
  scenario('an answer to a key without update_time', [binding([getInfo(), CREATE, SIGN, bind(without(credential(), 'update_time'))], { result: BOUND })], { ...ONE, without: 'bind.update_time' }),

  scenario('signing in', [BIND, signIn([keySet, SIGN, proof(ok(ALLOW()))], { result: SIGNED_IN }), signIn([SIGN, proof(ok(ALLOW()))], { result: SIGNED_IN })], ONE),
  scenario('a second proof is asked for', [BIND, signIn([keySet, SIGN, proof(ok(PROVE())), SIGN, proof(ok(ALLOW()), 'TX2', 'N2')], { result: SIGNED_IN })], ONE),
  scenario('proofs are asked for without end', [BIND, signIn([keySet, SIGN, proof(ok(PROVE())), ...Array.from({ length: 4 }, () => [SIGN, proof(ok(PROVE()), 'TX2', 'N2')]).flat()], { error: 'invalid_response' })], ONE),
  scenario('signing in is denied', [BIND, signIn([keySet, SIGN, proof(ok({ type: 'deny', message: 'no' }))], { error: 'policy_denied' })], ONE),
  scenario('a request that is denied already', [BIND, signIn([keySet], { error: 'policy_denied' }, { url: signInUrl(jwt((_, { authn }) => (authn.action = { deny: { message: 'no' } }))) })], ONE),
  scenario('a request of another realm', [BIND, signIn([keySet], { error: 'invalid_request' }, { url: signInUrl(jwt((_, { authn }) => (authn.rid = 'R2'))) })], ONE),
  scenario('a request without state', [BIND, signIn([keySet, SIGN, proof(ok(ALLOW()))], { result: { ...SIGNED_IN, redirectUrl: 'https://app.example/callback?code=the+code' } }, { url: signInUrl(jwt((_, { authn }) => { authn.redirect_uri = 'https://app.example/callback'; delete authn.state; })) })], ONE),
  scenario('signing in with an unknown passkey', [signIn([keySet], { error: 'passkey_not_found' }, { passkey: 'unknown' })]),
  scenario('signing in with a deleted passkey', [BIND, { call: { method: 'deletePasskey', passkey: '$1' }, exchange: [], result: {} }, signIn([keySet], { error: 'passkey_not_found' }), listing()]),
  scenario('signing in with a key that does not sign', [BIND, signIn([keySet, { ...SIGN, fail: 'unsupported' }], { error: 'unsupported' })], ONE),
  scenario('signing in by a link', [signIn([], { error: 'invalid_url' }, { url: LINK, passkey: 'unknown' })]),
  ...([['a proof that is refused at sign-in', refusal(400), 'invalid_request'], ['an origin that may not sign in', refusal(403), 'untrusted_origin'], ['too many sign-ins', refusal(429), 'rate_limited'],
    ['a server that fails at sign-in', refusal(503), 'server'], ['no answer at sign-in', 'none', 'network'], ['HTML at sign-in', NO_JSON, 'invalid_response'],
    ['an unknown answer at sign-in', ok({ type: 'dance' }), 'invalid_response']] as [string, Answer, string][]).map(([name, answer, error]) => scenario(name, [BIND, signIn([keySet, SIGN, proof(answer)], { error })], ONE)),
  ...['type', 'code'].map((path) => scenario(`an allowing answer without ${path}`, [BIND, signIn([keySet, SIGN, proof(without(ALLOW(), path))], { error: 'invalid_response' })], { ...ONE, without: `allow.${path}` })),
  ...['transaction_id', 'nonce', 'bi_pol_ver'].map((path) => scenario(`a question for another proof without ${path}`, [BIND, signIn([keySet, SIGN, proof(without(PROVE(), path))], { error: 'invalid_response' })], { ...ONE, without: `prove.${path}` })),

  scenario('what a request says', [{ call: { method: 'getAuthenticationContext', url: signInUrl() }, exchange: [keySet], result: { application: { id: 'A', displayName: 'Sample' }, sourceIp: '203.0.113.9' } }]),
  scenario('what no request says', [{ call: { method: 'getAuthenticationContext', url: LINK }, exchange: [], error: 'invalid_url' }]),
  scenario('no passkeys', [listing()]),
  scenario('deleting', [BIND, { call: { method: 'deletePasskey', passkey: '$1' }, exchange: [], result: {} }, listing()]),
  scenario('deleting what is not there', [{ call: { method: 'deletePasskey', passkey: 'unknown' }, exchange: [], result: {} }]),
];

const error = (subject: string, status: number, code: string, body?: unknown, name = '') => ({
  name: `${status}${name} about a ${subject}`, subject, status, ...(body === undefined ? {} : { body }), code,
});
const detail = (description: string, resource_type = 'CredentialBindingJob') => ({ code: 'conflict', message: 'conflict', details: [{ type: 'ResourceInfo', resource_type, id: 'J', description }] });
export const errors = [
  ...['link', 'sign-in'].flatMap((subject) => [
    error(subject, 400, 'invalid_request', { code: 'bad_request', message: 'bad' }), error(subject, 401, 'invalid_request'), error(subject, 418, 'invalid_request'), error(subject, 429, 'rate_limited'),
    error(subject, 500, 'server'), error(subject, 503, 'server', { code: 'busy' }), error(subject, 400, 'invalid_request', 'no object', ' with a text'), error(subject, 400, 'invalid_request', { details: [null, 7] }, ' with odd details'),
    error(subject, 400, 'invalid_request', { details: {} }, ' with details that are no list'),
  ]),
  error('link', 404, 'link_not_found'), error('sign-in', 404, 'invalid_request'),
  error('link', 409, 'link_complete', detail('complete'), ' complete'), error('link', 409, 'link_expired', detail('expired'), ' expired'), error('link', 409, 'link_revoked', detail('revoked'), ' revoked'),
  error('link', 409, 'invalid_request', detail('other'), ' for another reason'), error('link', 409, 'invalid_request'), error('sign-in', 409, 'invalid_request', detail('complete'), ' complete'),
  error('link', 403, 'user_suspended'), error('link', 403, 'untrusted_origin', detail('untrusted', 'Origin'), ' with an origin'), error('sign-in', 403, 'untrusted_origin'),
];
