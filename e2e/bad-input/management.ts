import assert from 'node:assert/strict';
import { Management, type Realm, unique } from '../support/directory.ts';
import { type Answer, ok, refused, request, violates } from '../support/http.ts';
import type { Attacked, Case } from './attacked.ts';

const DANGEROUS_URLS = [
  'javascript:alert(1)',
  'data:text/html,x',
  'blob:https://app.example/x',
  'file:///etc/passwd',
  'vbscript:x',
  'about:blank',
  'view-source:https://app.example',
  'intent://app.example#Intent;end',
  'mailto:ada@app.example',
  'localhost:3000',
  'https://*.app.example',
  'https://user:password@app.example',
  '/relative',
  `https://app.example/${'x'.repeat(2_048)}`,
  '',
];

/** Every field that holds a URL, as a request that sets it. */
const URL_FIELDS: Record<string, (on: Attacked, url: string) => Promise<Answer>> = {
  'authenticator_config.config.invoke_url': ({ realm }, url) =>
    realm.send('POST', '/authenticator-configs', {
      authenticator_config: { config: { type: 'embedded', invoke_url: url } },
    }),
  'application.protocol_config.redirect_uris': ({ realm, configId }, url) =>
    realm.send('POST', '/applications', {
      application: {
        display_name: 'A',
        authenticator_config_id: configId,
        protocol_config: {
          type: 'oidc',
          confidentiality: 'public',
          grant_type: ['authorization_code'],
          redirect_uris: [url],
          pkce: 's256',
          token_configuration: { expires_after: 3_600 },
        },
      },
    }),
  'job.post_binding_redirect_uri': async ({ realm, configId }, url) =>
    createJob(realm, configId, (await realm.identity()).id, 'RETURN', { post_binding_redirect_uri: url }),
};

const IDENTITY = () => ({
  display_name: 'Ada L.',
  traits: { type: 'traits_v0', username: unique('user') },
});

/** Bodies of `POST …/identities` that are refused, and the field that the refusal names. */
const IDENTITIES: Record<string, [body: (identity: ReturnType<typeof IDENTITY>) => object, field: string]> = {
  'an unknown field': [(identity) => ({ identity: { ...identity, colour: 'red' } }), 'identity.colour'],
  'an unknown field beside the envelope': [(identity) => ({ identity, colour: 'red' }), 'colour'],
  'an unknown trait': [
    ({ traits, ...identity }) => ({ identity: { ...identity, traits: { ...traits, colour: 'red' } } }),
    'identity.traits.colour',
  ],
  'a wrong type': [(identity) => ({ identity: { ...identity, display_name: 7 } }), 'identity.display_name'],
  'a missing field': [({ traits }) => ({ identity: { traits } }), 'identity.display_name'],
  'no envelope': [(identity) => identity, 'display_name'],
  'an empty name': [(identity) => ({ identity: { ...identity, display_name: '' } }), 'identity.display_name'],
  'a name that turns text around': [
    (identity) => ({ identity: { ...identity, display_name: 'a\u202eb' } }),
    'identity.display_name',
  ],
  'a name that is too long': [
    (identity) => ({ identity: { ...identity, display_name: 'a'.repeat(65) } }),
    'identity.display_name',
  ],
};

const REFUSED_IDENTITIES: Case[] = Object.entries(IDENTITIES).map(([what, [body, field]]) => ({
  name: `an_identity_with_${what.replaceAll(' ', '_')}_is_refused_by_the_name_of_the_field`,
  run: async ({ realm }) => {
    const identity = IDENTITY();
    violates(await realm.send('POST', '/identities', body(identity)), field);
    ok(await realm.send('POST', '/identities', { identity }));
  },
}));

const REFUSED_URLS: Case[] = Object.entries(URL_FIELDS).map(([field, set]) => ({
  name: `d5_${field}_takes_no_dangerous_url`,
  run: async (on) => {
    for (const url of DANGEROUS_URLS) {
      const answer = await set(on, url);
      const detail = refused(answer, 400)?.['field_violations'] as { field: string }[];
      assert(detail[0]?.field.startsWith(field), `${url.slice(0, 60)}: ${JSON.stringify(answer.body)}`);
    }
    ok(await set(on, 'https://app.example/fine'));
    if (!field.startsWith('application')) ok(await set(on, 'acme://fine'));
  },
}));

export const MANAGEMENT: Case[] = [
  ...REFUSED_IDENTITIES,
  ...REFUSED_URLS,
  {
    name: 'a_body_that_is_no_json_is_malformed_and_one_of_another_type_is_415',
    run: async ({ realm }) => {
      for (const body of ['', '{', '[]]', 'identity=x']) {
        assert.match(bodyOf(await realm.send('POST', '/identities', body), 400).message, /^invalid request/);
      }
      const url = `${realm.management.url}${realm.path}/identities`;
      const headers = { authorization: `Bearer ${realm.management.token}` };
      for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml']) {
        refused(await request('POST', url, { headers: { ...headers, 'content-type': type }, body: 'x=1' }), 415);
      }
    },
  },
  {
    name: 'an_oversized_body_is_413',
    run: async ({ realm }) => {
      const identity = { ...IDENTITY(), display_name: 'a'.repeat(1_000_000) };
      refused(await realm.send('POST', '/identities', { identity }), 413);
    },
  },
  {
    name: 'an_id_that_is_none_is_404_like_an_unknown_one',
    run: async ({ realm, configId }) => {
      for (const id of ['x', '0000000000000001', '00000000-0000-7000-8000-000000000001', '%00', "';--"]) {
        for (const path of [
          `/identities/${id}`,
          `/identities/${id}/credentials`,
          `/identities/${id}/credential-binding-jobs`,
          `/applications/${id}`,
          `/authenticator-configs/${id}`,
          `/resource-servers/${id}`,
        ]) {
          refused(await realm.send('GET', path), 404);
        }
        refused(await createJob(realm, configId, id, 'RETURN'), 404);
        refused(await realm.management.send('GET', `/realms/${id}`), 404);
      }
    },
  },
  {
    name: 'a_job_for_a_config_that_is_not_there_names_the_field',
    run: async ({ realm, neighbour }) => {
      const { id } = await realm.identity();
      const configs = ['', 'x', '00000000-0000-7000-8000-000000000001', await neighbour.config('https://app.example')];
      for (const config of configs) violates(await createJob(realm, config, id, 'RETURN'), 'job.authenticator_config_id');
    },
  },
  {
    name: 'a_link_cannot_be_mailed_to_nobody',
    run: async ({ realm, configId }) => {
      const { id } = await realm.identity();
      const answer = await createJob(realm, configId, id, 'EMAIL');
      assert.deepEqual(
        [refused(answer, 422)?.['resource_type'], answer.body.message],
        ['Identity', 'Identity missing email address'],
      );
    },
  },
  {
    name: 'e2_a_username_is_taken_in_every_spelling',
    run: async ({ realm, neighbour }) => {
      const username = unique('User');
      await realm.identity(undefined, username);
      const identity = { ...IDENTITY(), traits: { type: 'traits_v0', username: username.toUpperCase() } };
      const answer = await realm.send('POST', '/identities', { identity });
      refused(answer, 409);
      assert.equal(answer.body.message, 'username already exists');
      ok(await neighbour.send('POST', '/identities', { identity }));
    },
  },
  {
    name: 'd6_a_page_size_below_zero_and_a_page_token_of_elsewhere_are_refused',
    run: async ({ realm, neighbour }) => {
      for (const at of [realm, neighbour]) for (let count = 0; count < 2; count++) await at.identity();
      for (const size of ['-1', 'many', '1.5']) {
        violates(await realm.send('GET', `/identities?page_size=${size}`), 'page_size');
      }
      const page = ok<{ next_page_token: string }>(await realm.send('GET', '/identities?page_size=1'));
      const token = encodeURIComponent(page.next_page_token);
      ok(await realm.send('GET', `/identities?page_token=${token}`));
      violates(await neighbour.send('GET', `/identities?page_token=${token}`), 'page_token');
      violates(await realm.send('GET', `/identities/-/credentials?page_token=${token}`), 'page_token');
      violates(await realm.send('GET', '/identities?page_token=x'), 'page_token');
      const filter = encodeURIComponent('traits.username eq "x"');
      refused(await realm.send('GET', `/identities?page_token=${token}&filter=${filter}`), 400);
      refused(await realm.send('GET', `/identities?filter=${encodeURIComponent('colour eq "red"')}`), 400);
      ok(await realm.send('GET', '/identities?page_size=1000000'));
    },
  },
  {
    name: 'the_management_api_takes_management_tokens_only',
    run: async (on) => {
      const { identity, key } = await on.person();
      const { started, code } = await on.signIns.code(key, identity.id);
      const tokens = ok<{ access_token: string; id_token: string }>(await on.signIns.redeem(started, code));
      const url = `${on.realm.management.url}${on.realm.path}/identities`;
      refused(await request('GET', url), 401);
      for (const token of ['x', 'a.b.c', code, tokens.access_token, tokens.id_token]) {
        refused(await request('GET', url, { headers: { authorization: `Bearer ${token}` } }), 401);
      }
      const cookie = await request('GET', url, { headers: { cookie: `token=${on.realm.management.token}` } });
      refused(cookie, 401);
    },
  },
  {
    name: 'a_token_without_the_scope_is_403',
    run: async ({ keymoor, realm }) => {
      const reader = await Management.of(keymoor.init, 'identities:read');
      ok(await reader.send('GET', `${realm.path}/identities`));
      refused(await reader.send('POST', `${realm.path}/identities`, { identity: IDENTITY() }), 403);
      refused(await reader.send('GET', `${realm.path}/applications`), 403);
    },
  },
  {
    name: 'another_tenants_token_reaches_nothing_here',
    run: async ({ realm, foreign }) => {
      const { id } = await realm.identity();
      const headers = { authorization: `Bearer ${foreign.management.token}` };
      for (const path of ['', `${realm.path}`, `${realm.path}/identities`, `${realm.path}/identities/${id}`]) {
        refused(await request('GET', realm.management.url + path, { headers }), 403);
      }
      refused(await foreign.management.send('GET', realm.path), 404);
    },
  },
  {
    name: 'what_keymoor_made_for_itself_cannot_be_changed_or_deleted',
    run: async ({ realm }) => {
      const { management } = realm;
      const { admin_realm_id, management: own } = management.init;
      const path = `/realms/${admin_realm_id}/applications/${own.application_id}`;
      for (const [method, body] of [['PATCH', { application: { display_name: 'X' } }], ['DELETE', undefined]] as const) {
        const { status } = await management.send(method, path, body);
        assert([403, 409].includes(status), `${method}: ${status}`);
      }
      ok(await management.send('GET', path));
    },
  },
];

function createJob(
  realm: Realm,
  configId: string,
  identityId: string,
  delivery: 'RETURN' | 'EMAIL',
  more: object = {},
): Promise<Answer> {
  return realm.send('POST', `/identities/${identityId}/credential-binding-jobs`, {
    job: { delivery_method: delivery, authenticator_config_id: configId, ...more },
  });
}

function bodyOf(answer: Answer, status: number): { message: string } {
  refused(answer, status);
  return answer.body;
}
