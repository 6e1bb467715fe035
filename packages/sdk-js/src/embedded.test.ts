import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { fakeBrowser } from '../test/fakeBrowser.ts';
import { FakeServer } from '../test/fakeServer.ts';
import { rejectsWith } from '../test/rejectsWith.ts';
import { Embedded } from './index.ts';

beforeEach(() => {
  fakeBrowser('http://localhost:5173/');
});

test('h2_with_no_options_the_server_may_be_on_any_port_of_the_host_of_the_page', async () => {
  const server = new FakeServer('http://localhost:8021', 'http://localhost:5173');
  const embedded = await Embedded.initialize();
  await embedded.bindPasskey(server.apiLink());
});

test('h2_a_domain_with_a_port_allows_no_other', async () => {
  const server = new FakeServer('http://localhost:8021', 'http://localhost:5173');
  const embedded = await Embedded.initialize({ allowedDomains: ['localhost:8022'] });
  await rejectsWith('disallowed_domain', embedded.bindPasskey(server.apiLink()));
});

test('h3_the_two_url_checks_tell_the_kinds_apart', async () => {
  const embedded = await Embedded.initialize();
  const server = new FakeServer('http://localhost:8021');
  assert.equal(embedded.isBindPasskeyUrl(server.apiLink()), true);
  assert.equal(embedded.isAuthenticateUrl(server.apiLink()), false);
  assert.equal(embedded.isBindPasskeyUrl(server.signInUrl(0)), false);
  assert.equal(embedded.isAuthenticateUrl(server.signInUrl(0)), true);
});

test('passkeys are listed oldest first', async () => {
  const server = new FakeServer('http://localhost:8021', 'http://localhost:5173');
  const embedded = await Embedded.initialize();
  assert.deepEqual(await embedded.getPasskeys(), []);
  for (const identity of ['c', 'a', 'b']) {
    const link = new URL(server.appLink('http://localhost:5173'));
    link.searchParams.set('identity_id', identity);
    server.overrides.set(':bind', () => {
      const time = `2026-01-0${1 + ['c', 'a', 'b'].indexOf(identity)}T00:00:00.000Z`;
      return Response.json({ id: identity, state: 'ACTIVE', create_time: time, update_time: time });
    });
    await embedded.bindPasskey(link.href);
  }
  assert.deepEqual((await embedded.getPasskeys()).map(({ identity }) => identity.id), ['c', 'a', 'b']);
});

test('a wrong domain is an error at once', async () => {
  await rejectsWith('invalid_config', Embedded.initialize({ allowedDomains: ['https://api.example.org'] }));
});

test('a page that is not secure is an error at once', async () => {
  Object.defineProperty(globalThis, 'indexedDB', { value: undefined, configurable: true });
  await rejectsWith('unsupported', Embedded.initialize());
});
