import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Application, Credential, Identity } from '@keymoor/api-client';
import * as oidc from 'openid-client';
import type { Device, Engine } from './browser.ts';
import { DATABASES } from './databases.ts';
import { parseLink } from './directory.ts';
import { openPage, type SdkName } from './pages.ts';
import { startWorld, type World } from './world.ts';

const KEYS = [
  // The server's config asks for software keys even where the device has an authenticator.
  { keyType: 'webauthn', methods: undefined },
  { keyType: 'subtle', methods: ['software_passkey'] },
] as const;

/** How an SDK introduces a key of the device's authenticator. */
const WEBAUTHN_BY: Record<SdkName, Credential['csr_type']> = {
  '@keymoor/sdk': 'FIDO2',
  '@beyondidentity/bi-sdk-js': 'WEBAUTHN',
};

interface More {
  /** Source of a module that runs on every page. */
  script?: string;
  more?: (the: () => World) => void;
}

/**
 * What any SDK of this protocol must be able to do, in any real browser, on an origin other than the server's.
 *
 * @param more - Further tests that use the same world.
 */
export function testCeremonies(sdk: SdkName, engine: Engine, { script, more }: More = {}): void {
  for (const database of DATABASES) {
    describe(`${sdk} in ${engine.name} on ${database}`, () => {
      let world: World;
      before(async () => {
        world = await startWorld(database, engine, sdk, script);
      });
      after(() => world?.[Symbol.asyncDispose]());

      for (const key of KEYS) {
        if (key.keyType === 'webauthn' && !engine.hasAuthenticators) continue;
        const csrType = key.keyType === 'webauthn' ? WEBAUTHN_BY[sdk] : 'JWT';
        describe(`with ${key.keyType} keys`, () => testKey(() => world, engine, { ...key, csrType }));
      }

      test('makes a software key where the device has no authenticator', async () => {
        const { realm, pages, browser } = world;
        const device = await browser.newDevice();
        await openPage(device, pages.origin);
        const config = await realm.config(pages.origin);
        const { url } = await realm.link(config, (await realm.identity()).id);
        assert.equal((await bindPasskey(device, url)).passkey.keyType, 'subtle');
      });

      more?.(() => world);
    });
  }
}

function testKey(
  the: () => World,
  engine: Engine,
  { keyType, csrType, methods }: (typeof KEYS)[number] & { csrType: Credential['csr_type'] },
): void {
  let device: Device;
  let configId: string;
  let identity: Identity;
  let application: Application;
  let passkeyId: string;

  before(async () => {
    const { realm, pages, browser } = the();
    device = await browser.newDevice({ authenticator: engine.hasAuthenticators });
    configId = await realm.config(pages.origin, methods);
    application = await realm.application(configId, `${pages.origin}/callback`);
    identity = await realm.identity('ada@example.com');
    await openPage(device, pages.origin);
  });

  test('bindPasskey binds by the link that the API returned', async () => {
    const { realm } = the();
    const redirect = 'https://app.example/done?from=binding';
    const link = await realm.link(configId, identity.id, { post_binding_redirect_uri: redirect });
    const { passkey, postBindingRedirectUri } = await bindPasskey(device, link.url);
    passkeyId = passkey.id;

    assert.equal(postBindingRedirectUri, redirect);
    assert.match(passkey.id, /^[0-9a-f]{64}$/);
    assert.equal(passkey.keyType, keyType);
    assert.equal(passkey.state.toLowerCase(), 'active');
    assert.equal(passkey.realm.id, realm.id);
    assert.equal(passkey.tenant.id, realm.management.init.tenant_id);
    const { id, username, displayName, emailAddress } = passkey.identity;
    assert.deepEqual(
      { id, username, displayName, emailAddress },
      {
        id: identity.id,
        username: identity.traits.username,
        displayName: identity.display_name,
        emailAddress: 'ada@example.com',
      },
    );
    const job = await realm.job({ id: link.jobId, identity_id: identity.id });
    assert.deepEqual([job.state, job.credential_id], ['COMPLETE', passkey.passkeyId]);
    const [credential] = await realm.credentials(identity.id);
    assert.deepEqual(
      [credential?.id, credential?.state, credential?.csr_type],
      [passkey.passkeyId, 'ACTIVE', csrType],
    );
  });

  test('getPasskeys lists it', async () => {
    const passkeys = await device.evaluate(async () => {
      const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
      return embedded.getPasskeys();
    });
    assert.deepEqual(
      passkeys.map(({ id }) => id),
      [passkeyId],
    );
  });

  test('getAuthenticationContext says who asks, and uses nothing up', async () => {
    const { url } = await beginSignIn(the(), application, device);
    for (const round of ['first', 'second']) {
      const context = await device.evaluate(async () => {
        const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
        return embedded.getAuthenticationContext(location.href);
      });
      assert.equal(context.authUrl, url, round);
      assert.deepEqual(context.application, { id: application.id, displayName: 'Test application' }, round);
      assert.match(context.origin.sourceIp ?? '', /^(127\.0\.0\.1|::1)$/, round);
      assert.match(context.origin.userAgent ?? '', engine.userAgent, round);
      const listed = methods ?? ['webauthn_passkey', 'software_passkey'];
      assert.deepEqual(context.authMethods?.map(({ type }) => type), listed, round);
    }
  });

  test('authenticate leads to a code that a standard client exchanges', async () => {
    const { client, checks } = await beginSignIn(the(), application, device);
    const redirectUrl = await authenticate(device, passkeyId);
    await device.goto(redirectUrl);
    const tokens = await oidc.authorizationCodeGrant(client, new URL(await device.url()), checks);
    assert.equal(tokens.claims()?.sub, identity.id);
    const person = await oidc.fetchUserInfo(client, tokens.access_token, identity.id);
    assert.equal(person.preferred_username, identity.traits.username);
  });

  test('bindPasskey binds by the URL to which the link leads a browser, and replaces the passkey', async () => {
    const { realm, pages } = the();
    const link = await realm.link(configId, identity.id);
    await openPage(device, link.url);
    const before = await device.url();
    assert(before.startsWith(`${pages.origin}/bind?api_base_url=`), before);
    assert.equal(new URL(before).searchParams.get('token'), parseLink(link.url).token);
    const { passkey } = await bindPasskey(device, before);
    assert.notEqual(passkey.id, passkeyId);
    passkeyId = passkey.id;
    const ids = await device.evaluate(async () => {
      const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
      return (await embedded.getPasskeys()).map(({ id }) => id);
    });
    assert.deepEqual(ids, [passkeyId]);
  });

  test('the passkey that took its place signs in', async () => {
    const { client, checks } = await beginSignIn(the(), application, device);
    await device.goto(await authenticate(device, passkeyId));
    const tokens = await oidc.authorizationCodeGrant(client, new URL(await device.url()), checks);
    assert.equal(tokens.claims()?.sub, identity.id);
  });

  test('isBindPasskeyUrl and isAuthenticateUrl tell the links apart', async () => {
    const { realm, pages } = the();
    const link = await realm.link(configId, identity.id);
    const { url: signIn } = await beginSignIn(the(), application, device);
    const mailed = `${pages.origin}/bind?api_base_url=http%3A%2F%2Flocalhost&tenant_id=t&realm_id=r&identity_id=i&job_id=j&token=x`;
    const answers = await device.evaluate(
      async (urls) => {
        const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
        return urls.map((url) => [embedded.isBindPasskeyUrl(url), embedded.isAuthenticateUrl(url)]);
      },
      [link.url, mailed, signIn, 'https://app.example/', 'no URL'],
    );
    assert.deepEqual(answers, [
      [true, false],
      [true, false],
      [false, true],
      [false, false],
      [false, false],
    ]);
  });

  test('deletePasskey forgets it', async () => {
    const left = await device.evaluate(async (id) => {
      const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
      await embedded.deletePasskey(id);
      return embedded.getPasskeys();
    }, passkeyId);
    assert.deepEqual(left, []);
  });
}

/** Calls the SDK on the page and returns what survives the way out of the browser. */
export function bindPasskey(device: Device, link: string) {
  return device.evaluate(async (url) => {
    const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
    const { passkey, postBindingRedirectUri } = await embedded.bindPasskey(url);
    return { passkey, postBindingRedirectUri };
  }, link);
}

/** Signs in to the request in the page's own URL. */
export function authenticate(device: Device, passkeyId: string): Promise<string> {
  return device.evaluate(async (id) => {
    const embedded = await window.sdk.Embedded.initialize({ allowedDomains: ['localhost'] });
    return (await embedded.authenticate(location.href, id)).redirectUrl;
  }, passkeyId);
}

/**
 * Sends the browser to the authorization endpoint, which sends it to the application's `/bi-authenticate`.
 *
 * @param route - What precedes that in the application's URLs.
 */
export async function beginSignIn(world: World, application: Application, device: Device, route = '/') {
  const { client_id, redirect_uris } = application.protocol_config;
  const issuer = new URL(`${world.realm.authUrl}/applications/${application.id}`);
  const client = await oidc.discovery(issuer, client_id, {}, oidc.None(), {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
  });
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const checks = {
    pkceCodeVerifier,
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  };
  const url = oidc.buildAuthorizationUrl(client, {
    redirect_uri: redirect_uris[0] ?? '',
    scope: 'openid profile email',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  await openPage(device, url.href);
  const challenge = await device.url();
  assert(challenge.startsWith(`${world.pages.origin}${route}bi-authenticate?request=`), challenge);
  return { client, checks, url: challenge };
}
