import assert from 'node:assert/strict';
import type { Realm } from '../support/directory.ts';
import { type Answer, ok, refused, request } from '../support/http.ts';
import { bindSoftwareKey, getInfo } from '../support/softwareKey.ts';
import { until } from '../support/until.ts';
import { type Case, type JobLink, stillBinds } from './attacked.ts';

/** Links that must not work: wrong, dead, or somebody else's. */
export const LINKS: Case[] = [
  {
    name: 'a3_a_wrong_token_and_an_unknown_job_get_the_same_404',
    run: async (on) => {
      const link = await on.freshLink();
      const wrong = withToken(link, `${link.token.slice(0, -4)}AAAA`);
      const unknown = { ...link, job: link.job.replace(link.jobId, '0000000000000001') };
      assert.deepEqual(await answers(wrong, 404), await answers(unknown, 404));
      await stillBinds(on, link);
    },
  },
  {
    name: 'a3_a_used_link_is_complete',
    run: async (on) => {
      const link = await on.freshLink();
      ok((await bindSoftwareKey(link)).answer);
      await isDead(link, 'complete');
      assert.equal((await on.realm.credentials(link.identityId)).length, 1);
    },
  },
  {
    name: 'a3_an_expired_link_is_expired',
    run: async ({ realm, configId }) => {
      const identity = await realm.identity();
      const link = await realm.link(configId, identity.id, { expires_in: 1 });
      const job = { id: link.jobId, identity_id: identity.id };
      await until(async () => (await realm.job(job)).state === 'EXPIRED', 'EXPIRED');
      await isDead(link, 'expired');
      refused(await revokeEnded(realm, link), 409);
    },
  },
  {
    name: 'a3_a_revoked_link_is_revoked_and_cannot_be_revoked_again',
    run: async ({ realm, freshLink }) => {
      const link = await freshLink();
      assert.equal((await realm.revokeJob(link)).state, 'REVOKED');
      refused(await revokeEnded(realm, link), 409);
      await isDead(link, 'revoked');
    },
  },
  {
    name: 'a3_a_link_of_a_suspended_identity_waits_until_it_is_active_again',
    run: async (on) => {
      const link = await on.freshLink();
      await on.realm.setStatus(link.identityId, 'suspended');
      await answers(link, 403);
      await on.realm.setStatus(link.identityId, 'active');
      await stillBinds(on, link);
    },
  },
  {
    name: 'a_job_answers_to_its_own_identity_realm_and_tenant_only',
    run: async (on) => {
      const link = await on.freshLink();
      const other = await on.realm.identity();
      const { init } = on.realm.management;
      for (const [part, replacement] of [
        [link.identityId, other.id],
        [on.realm.id, on.neighbour.id],
        [init.tenant_id, on.foreign.management.init.tenant_id],
      ] as const) {
        await answers({ ...link, job: link.job.replace(part, replacement) }, 404);
      }
      await stillBinds(on, link);
    },
  },
  {
    name: 'a_person_with_a_dead_link_gets_a_page_that_says_so',
    run: async ({ freshLink }) => {
      const link = await freshLink();
      ok((await bindSoftwareKey(link)).answer);
      const { status, headers, body } = await request('GET', link.url, { headers: { accept: 'text/html' } });
      assert.equal(status, 409);
      assert.match(headers.get('content-type') ?? '', /^text\/html/);
      assert.match(body, /already been used/);
      assert.equal(body.includes(link.token), false);
    },
  },
  {
    name: 'd4_answers_that_follow_from_a_token_are_kept_by_nobody',
    run: async ({ freshLink }) => {
      const link = await freshLink();
      for (const accept of ['application/json', 'text/html']) {
        const { headers } = await request('GET', link.url, { headers: { accept } });
        assert.equal(headers.get('cache-control'), 'no-store');
        assert.equal(headers.get('referrer-policy'), 'no-referrer');
        assert.match(headers.get('vary') ?? '', /accept/i);
      }
    },
  },
  {
    name: 'binding_without_a_token_is_401',
    run: async ({ freshLink }) => {
      const { job } = await freshLink();
      refused(await request('POST', `${job}:getInfo`), 401);
      refused(await request('POST', `${job}:bind`, { body: '{"type":"JWT","raw":""}' }), 401);
    },
  },
];

/** Tries to revoke a job that has ended. */
function revokeEnded(realm: Realm, { identityId, jobId }: JobLink): Promise<Answer> {
  return realm.send('POST', `/identities/${identityId}/credential-binding-jobs/${jobId}:revoke`);
}

function withToken(link: JobLink, token: string): JobLink {
  return { ...link, token, url: link.url.replace(link.token, token) };
}

/** What the link's three calls say, once each was refused with this status. */
async function answers(link: JobLink, status: number): Promise<unknown[]> {
  const url = `${link.job}:invokeAuthenticator?token=${link.token}`;
  const all = [
    await request('GET', url, { headers: { accept: 'application/json' } }),
    await getInfo(link),
    (await bindSoftwareKey(link)).answer,
  ];
  for (const answer of all) refused(answer, status);
  return all.map(({ body }) => ({ ...body, details: body.details?.map((detail: object) => ({ ...detail, id: '' })) }));
}

async function isDead(link: JobLink, why: string): Promise<void> {
  for (const answer of (await answers(link, 409)) as { details: { description: string }[] }[]) {
    assert.equal(answer.details[0]?.description, why);
  }
}

