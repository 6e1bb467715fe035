import assert from 'node:assert/strict';
import type { CreateCredentialBindingJobResponse, CredentialBindingJob } from '@keymoor/api-client';
import { parseLink } from '../support/directory.ts';
import { ok, request } from '../support/http.ts';
import { openPage } from '../support/pages.ts';
import { assertShape, HEX_ID, OPAQUE, printedJob } from './shapes.ts';
import type { Documented } from './documented.ts';

/** One request or call that the documents print, run with this server's ids. */
interface Printed {
  /** Of the section it is printed in. */
  heading: string;
  run(on: Documented): Promise<void>;
}

export const ADD_A_PASSKEY: Printed[] = [
  {
    heading: 'API, RETURN, step 3: request a binding link',
    run: async (on) => {
      const answer = await on.curl(on.jobs(), {
        job: { delivery_method: 'RETURN', authenticator_config_id: on.configId },
      });
      assertLink(ok<CreateCredentialBindingJobResponse>(answer).credential_binding_link, on);
    },
  },
  {
    heading: 'API, RETURN, step 4: give the link to the SDK',
    run: async (on) => {
      const bindingLink = await on.link();
      const message = on.device.waitForEvent('console', (message) => message.type() === 'log');
      await on.device.evaluate(async (bindingLink) => {
        const embedded = await window.sdk.Embedded.initialize();
        const bindResponse = await embedded.bindPasskey(bindingLink);
        console.log(bindResponse);
      }, bindingLink);
      const [logged] = (await message).args();
      const { passkey } = (await logged?.jsonValue()) as { passkey: { passkeyId: string } };
      assert.equal(passkey.passkeyId, (await assertBound(on, bindingLink)).credential_id);
    },
  },
  {
    heading: 'API, EMAIL, step 3: have the link mailed',
    run: async (on) => {
      const answer = await on.curl(on.jobs(), {
        job: {
          delivery_method: 'EMAIL',
          authenticator_config_id: on.configId,
          post_binding_redirect_uri: 'https://app.example/after',
        },
      });
      assert.equal('credential_binding_link' in ok<object>(answer), false);
      assertLink((await on.nextMail()).link, on, '/');
    },
  },
  {
    heading: 'API, EMAIL, step 4: the form of the redirected link',
    run: async (on) => {
      const link = parseLink(await on.link());
      const { status, headers } = await request('GET', link.url);
      assert.equal(status, 302);
      const { init } = on.realm.management;
      const [, jobId] = /credential-binding-jobs\/(.+)$/.exec(link.job) ?? [];
      const parameters = [
        ['api_base_url', init.auth_url],
        ['tenant_id', init.tenant_id],
        ['realm_id', on.realm.id],
        ['identity_id', on.identity.id],
        ['job_id', jobId ?? ''],
        ['token', link.token],
      ];
      const location = new URL(headers.get('location') ?? '');
      assert.equal(location.origin + location.pathname, `${on.invokeUrl}/bind`);
      assert.deepEqual([...location.searchParams], parameters);
    },
  },
];

export const CREATE_PASSKEYS_HOW_TO: Printed[] = [
  {
    heading: 'Method 1, step 1: create a link',
    run: async (on) => {
      const answer = await on.curl(on.jobs(), {
        job: { authenticator_config_id: on.configId, delivery_method: 'RETURN' },
      });
      const body = ok<CreateCredentialBindingJobResponse>(answer);
      assertShape(body, {
        credential_binding_link: OPAQUE,
        credential_binding_job: printedJob(on.ids, 'RETURN'),
      });
      assertLink(body.credential_binding_link, on);
    },
  },
  {
    heading: 'Method 1, step 3: pass the link to the SDK',
    run: async (on) => bindWithPromises(on, await on.link()),
  },
  {
    heading: 'Method 2, step 1: create a link with delivery method EMAIL',
    run: async (on) => {
      const answer = await on.curl(on.jobs(), {
        job: { authenticator_config_id: on.configId, delivery_method: 'EMAIL' },
      });
      assertShape(ok(answer), { credential_binding_job: printedJob(on.ids, 'EMAIL') });
      await on.nextMail();
    },
  },
  {
    heading: 'Method 2, steps 2 and 3: the link in the mail leads to the application, whose handler binds',
    run: async (on) => {
      await on.realm.mail(on.configId, on.identity.id);
      const { link } = await on.nextMail();
      await openPage(on.device, link);
      assert(on.device.url().startsWith(`${on.invokeUrl}/bind?`), on.device.url());
      await bindWithPromises(on, on.device.url(), link);
    },
  },
];

export const BIND_PASSKEY_REFERENCE: Printed[] = [
  {
    heading: 'Dependencies: initialize without options, then check a link',
    run: async (on) => {
      const passkeyBindingLink = await on.link();
      const answer = await on.device.evaluate(async (passkeyBindingLink) => {
        const { Embedded } = window.sdk;
        const embedded = await Embedded.initialize();
        return await embedded.isBindPasskeyUrl(passkeyBindingLink);
      }, passkeyBindingLink);
      assert.equal(answer, true);
    },
  },
  {
    heading: 'Returns: the passkey, and where to go',
    run: async (on) => {
      const link = await on.link({ post_binding_redirect_uri: 'http://example.com' });
      const returned = await on.device.evaluate(async (url) => {
        const embedded = await window.sdk.Embedded.initialize();
        const { passkey, postBindRedirect } = await embedded.bindPasskey(url);
        return { username: passkey.identity.username, postBindRedirect };
      }, link);
      assert.deepEqual(returned, {
        username: on.identity.traits.username,
        postBindRedirect: 'http://example.com',
      });
    },
  },
  {
    heading: 'Example: bind after validating the URL',
    run: async (on) => {
      const link = await on.link();
      await on.device.evaluate(async (passkeyBindingLink) => {
        const embedded = await window.sdk.Embedded.initialize();
        if (await embedded.isBindPasskeyUrl(passkeyBindingLink)) {
          await embedded.bindPasskey(passkeyBindingLink);
        }
      }, link);
      await assertBound(on, link);
    },
  },
  {
    heading: 'Example: create an identity and get its binding URL',
    run: async (on) => {
      const username = on.newUsername();
      const identityResponse = await on.fetch(`${on.printedBase}/identities`, {
        identity: {
          display_name: username,
          traits: { type: 'traits_v0', username, primary_email_address: `${username}@example.com` },
        },
      });
      assert.equal(identityResponse.status, 200);
      const identityResponseJson = (await identityResponse.json()) as { id: string };
      const identityId = identityResponseJson.id;
      assert.match(identityId, HEX_ID);

      const linkResponse = await on.fetch(`${on.printedBase}/identities/${identityId}/credential-binding-jobs`, {
        job: {
          delivery_method: 'RETURN',
          authenticator_config_id: on.configId,
          post_binding_redirect_uri: 'http://example.com',
        },
      });
      assert.equal(linkResponse.status, 200);
      const jsonResponse = (await linkResponse.json()) as CreateCredentialBindingJobResponse;
      const passkeyBindingLink = jsonResponse.credential_binding_link;
      assert.equal(parseLink(passkeyBindingLink ?? '').identityId, identityId);
    },
  },
  {
    heading: 'Example: get the binding URL of an existing identity',
    run: async (on) => {
      const userName = on.identity.traits.username;
      const result = await fetch(`${on.realm.management.url}/realms/${on.realm.id}/identities`, {
        method: 'GET',
        headers: { Authorization: `Bearer ${on.realm.management.token}` },
      });
      assert.equal(result.ok, true);
      const jsonResponse = (await result.json()) as { identities: { id: string; traits: { username: string } }[] };
      const identityMatch = jsonResponse.identities.find((identity) => identity.traits.username == userName);
      assert.equal(identityMatch?.id, on.identity.id);
    },
  },
  {
    heading: 'Example: get the binding URL by e-mail',
    run: async (on) => {
      const response = await on.fetch(`${on.printedBase}/identities/${on.identity.id}/credential-binding-jobs`, {
        job: {
          delivery_method: 'EMAIL',
          authenticator_config_id: on.configId,
          post_binding_redirect_uri: 'http://example.com',
        },
      });
      assert.equal(response.status, 200);
      assert.equal('credential_binding_link' in ((await response.json()) as object), false);
      assertLink((await on.nextMail()).link, on, '/');
    },
  },
  {
    heading: 'Example: the route that intercepts the redirect',
    run: async (on) => {
      const link = await on.link();
      await openPage(on.device, link);
      const bound = await on.device.evaluate(
        () =>
          new Promise((setBindPasskeyResult) => {
            void window.sdk.Embedded.initialize().then((embedded) => {
              if (embedded.isBindPasskeyUrl(window.location.href)) {
                const bindPasskeyUrl = window.location.href;
                embedded
                  .bindPasskey(bindPasskeyUrl)
                  .then((result) => {
                    setBindPasskeyResult(result.credential);
                  })
                  .catch((error) => {
                    setBindPasskeyResult(error.toString());
                  });
              }
            });
          }),
      );
      const { passkeyId } = bound as { passkeyId: string };
      assert.equal(passkeyId, (await assertBound(on, link)).credential_id);
    },
  },
];

export const BINDING_CONCEPT: Printed[] = [
  {
    heading: 'Invisible enrolment: the link goes to the SDK, which applies it',
    run: async (on) => {
      const link = await on.link();
      await bindWithPromises(on, link);
      assert.equal(on.device.url(), `${on.invokeUrl}/`);
    },
  },
  {
    heading: 'How jobs work: links expire after seven days unless said otherwise',
    run: async (on) => {
      const job = await jobOf(on, await on.link());
      const lifetime = Date.parse(job.expire_time) - Date.parse(job.create_time);
      assert.equal(lifetime, 7 * 24 * 3_600_000);
    },
  },
  {
    heading: 'How jobs work: link sent, link opened, request delivered and complete are seen through the REST API',
    run: async (on) => {
      const url = await on.link();
      const states = [(await jobOf(on, url)).state];
      await request('GET', url);
      states.push((await jobOf(on, url)).state);
      const { job, token } = parseLink(url);
      ok(await request('POST', `${job}:getInfo`, { headers: { authorization: `Bearer ${token}` } }));
      states.push((await jobOf(on, url)).state);
      await bindWithPromises(on, url);
      states.push((await jobOf(on, url)).state);
      assert.deepEqual(states, ['LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'COMPLETE']);
    },
  },
  {
    heading: 'Mechanisms: JWT and WebAuthn signing requests',
    run: async (on) => {
      // A WebAuthn registration with options of the server's making has a name of its own.
      for (const [device, csrType] of [[on.device, 'FIDO2'], [await on.bareDevice(), 'JWT']] as const) {
        const link = await on.link();
        await bindWithPromises({ ...on, device }, link);
        const { credential_id } = await jobOf(on, link);
        const bound = (await on.realm.credentials(on.identity.id)).find(({ id }) => id === credential_id);
        assert.equal(bound?.csr_type, csrType);
      }
    },
  },
  {
    heading: 'A credential is created by a binding job only',
    run: async (on) => {
      const { status } = await on.realm.send('POST', `/identities/${on.identity.id}/credentials`, {
        credential: { jwk_json: '{}' },
      });
      assert.equal(status, 405);
    },
  },
];

/** The promise form of the call, and what it does with the answer. */
async function bindWithPromises(on: Documented, link: string, returned = link): Promise<void> {
  const outcome = await on.device.evaluate(async (credential_binding_link) => {
    const embeddedSdk = await window.sdk.Embedded.initialize();
    const page = { log: [] as string[], user: { passkeyID: '' } };
    await embeddedSdk
      .bindPasskey(credential_binding_link)
      .then((passkey) => {
        page.log.push(`Successfully created passkey ${passkey}`);
        page.user.passkeyID = passkey.id;
      })
      .catch((reason) => {
        page.log.push(`failed to create passkey because ${reason}`);
      });
    const [stored] = await embeddedSdk.getPasskeys();
    return { ...page, stored: stored?.id };
  }, link);
  assert.match(outcome.log.join(), /^Successfully created passkey/);
  assert.equal(outcome.user.passkeyID, outcome.stored);
  await assertBound(on, returned);
}

/** The job of a link, with the passkey that it bound. */
async function assertBound(on: Documented, link: string): Promise<CredentialBindingJob> {
  const job = await jobOf(on, link);
  assert.equal(job.state, 'COMPLETE');
  return job;
}

async function jobOf(on: Documented, link: string): Promise<CredentialBindingJob> {
  const [, id = ''] = /credential-binding-jobs\/([^:/?]+)/.exec(link) ?? [];
  return on.realm.job({ id, identity_id: on.identity.id });
}

/** @param separator - Before the verb: a mailed link has no colon in its path. */
function assertLink(link: string | null | undefined, { realm, identity }: Documented, separator = ':'): void {
  const { init } = realm.management;
  const start = `${init.auth_url}/v1/tenants/${init.tenant_id}/realms/${realm.id}/identities/${identity.id}/credential-binding-jobs/`;
  assert(link);
  assert(link.startsWith(start), link);
  const [id = '', token = ''] = link.slice(start.length).split(`${separator}invokeAuthenticator?token=`);
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.match(token, /^[\w-]+$/);
}
