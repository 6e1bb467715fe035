import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { clientCredentials, createClient, KeymoorApiError, type ManagementApi } from '@keymoor/api-client';
import { DATABASES } from '../support/databases.ts';
import { unique } from '../support/directory.ts';
import { Keymoor } from '../support/keymoor.ts';

for (const database of DATABASES) {
  describe(`@keymoor/api-client on ${database}`, () => {
    let keymoor: Keymoor;
    let api: ManagementApi;
    let realm_id: string;
    before(async () => {
      keymoor = await Keymoor.start({ database });
      const { api_url, tenant_id, management } = keymoor.init;
      const token = clientCredentials({
        tokenEndpoint: management.token_endpoint,
        clientId: management.client_id,
        clientSecret: management.client_secret,
      });
      api = createClient({ baseUrl: api_url, tenantId: tenant_id, token });
      realm_id = (await api.createRealm({ realm: { display_name: unique('Realm') } })).id;
    });
    after(() => keymoor?.[Symbol.asyncDispose]());

    function newIdentity(email: string) {
      const traits = { type: 'traits_v0', username: unique('user'), primary_email_address: email } as const;
      return api.createIdentity({ realm_id, identity: { display_name: 'Ada L.', traits } });
    }

    test('a list is followed through its pages, with its filter, and passes over items once', async () => {
      const [family, other] = ['family@example.com', 'other@example.com'];
      for (const email of [family, other, family, family, family]) await newIdentity(email);
      const filter = `traits.primary_email_address eq ${JSON.stringify(family)}`;
      const all = await Array.fromAsync(api.listIdentities({ realm_id, filter }));
      assert.equal(all.length, 4);
      const paged = await Array.fromAsync(api.listIdentities({ realm_id, filter, skip: 1, page_size: 1 }));
      assert.deepEqual(paged, all.slice(1));
      const { identities, total_size } = await api.listIdentities({ realm_id, filter, page_size: 2 });
      assert.deepEqual([identities, total_size], [all.slice(0, 2), 4]);
    });

    test('an object is created, read, changed and deleted', async () => {
      const { id: identity_id } = await newIdentity('ada@example.com');
      await api.updateIdentity({ realm_id, identity_id, identity: { display_name: 'Ada Lovelace' } });
      assert.equal((await api.getIdentity({ realm_id, identity_id })).display_name, 'Ada Lovelace');
      assert.equal(await api.deleteIdentity({ realm_id, identity_id }), undefined);
      await assert.rejects(api.getIdentity({ realm_id, identity_id }), { status: 404, code: 'not_found' });
    });

    test('an error names the field', async () => {
      const created = api.createRealm({ realm: { display_name: '' } });
      const error: unknown = await created.catch((error) => error);
      assert(error instanceof KeymoorApiError);
      assert.deepEqual([error.status, error.code], [400, 'bad_request']);
      const [detail] = error.details;
      assert(detail?.type === 'FieldViolations');
      assert.deepEqual(detail.field_violations.map(({ field }) => field), ['realm.display_name']);
    });

    test('a revoked token is replaced', async () => {
      const { admin_realm_id, management } = keymoor.init;
      const at = { realm_id: admin_realm_id, application_id: management.application_id };
      const [used, ...others] = await Array.fromAsync(api.listTokens(at));
      assert(used);
      assert.deepEqual(others, []);
      await api.revokeToken({ ...at, token_id: used.id });
      const [replacement] = await Array.fromAsync(api.listTokens(at));
      assert.notEqual(replacement?.id, used.id);
    });
  });
}
