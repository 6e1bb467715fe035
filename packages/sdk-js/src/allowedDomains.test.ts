import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllowedDomains, requireAllowed } from './allowedDomains.ts';
import { KeymoorError } from './keymoorError.ts';

const PAGE = new URL('https://app.example.org');

const isAllowed = (url: string, entries: string[], page = PAGE) => {
  try {
    requireAllowed(url, parseAllowedDomains(entries, page));
    return true;
  } catch (error) {
    assert.ok(error instanceof KeymoorError && error.code === 'disallowed_domain', String(error));
    return false;
  }
};

const CASES: [url: string, entries: string[], allowed: boolean][] = [
  ['https://api.example.org/x', ['api.example.org'], true],
  ['https://api.example.org:8443/x', ['api.example.org'], true],
  ['https://eu.api.example.org/x', ['api.example.org'], true],
  ['https://API.EXAMPLE.org/x', ['Api.Example.ORG'], true],
  ['https://xn--bcher-kva.example/', ['XN--bcher-kva.example'], true],
  ['https://evilapi.example.org/', ['api.example.org'], false],
  ['https://api.example.org.evil.net/', ['api.example.org'], false],
  ['https://example.org/', ['api.example.org'], false],
  ['https://other.net/', ['api.example.org', 'other.net'], true],
  ['https://api.example.org:8443/', ['api.example.org:8443'], true],
  ['https://eu.api.example.org:8443/', ['api.example.org:8443'], true],
  ['https://api.example.org/', ['api.example.org:8443'], false],
  ['https://api.example.org/', ['api.example.org:443'], true],
  ['https://api.example.org:8443/', ['api.example.org:443'], false],
  ['http://localhost/', ['localhost:80'], true],
  ['http://localhost:8021/', ['localhost'], true],
  ['http://a.localhost:8021/', ['localhost'], true],
  ['http://evillocalhost/', ['evillocalhost', 'localhost'], false],
  ['http://127.0.0.1:8021/', ['127.0.0.1'], false],
  ['https://127.0.0.1:8021/', ['127.0.0.1'], true],
  ['https://[::1]:8021/', ['[::1]'], true],
  ['http://api.example.org/', ['api.example.org'], false],
  ['ftp://api.example.org/', ['api.example.org'], false],
  ['myapp://api.example.org/', ['api.example.org'], false],
];
for (const [url, entries, allowed] of CASES) {
  test(`h2_${url} is ${allowed ? 'called' : 'refused'} where ${entries} is allowed`, () => {
    assert.equal(isAllowed(url, entries), allowed);
  });
}

test('h2_an_empty_list_means_the_host_of_the_page_on_any_port', () => {
  assert.equal(isAllowed('https://app.example.org:8021/', []), true);
  assert.equal(isAllowed('https://api.example.org/', []), false);
});

test('h2_a_list_never_leaves_out_the_host_of_the_page', () => {
  assert.equal(isAllowed('https://app.example.org/', ['api.example.org']), true);
  assert.equal(isAllowed('https://app.example.org:8021/', ['api.example.org']), true);
  assert.equal(isAllowed('http://app.example.org/', ['api.example.org']), false);
});

test('h2_a_list_that_names_the_host_of_the_page_names_its_ports_besides_that_of_the_page', () => {
  const entries = ['app.example.org:8021', 'api.example.org'];
  assert.equal(isAllowed('https://app.example.org:8021/', entries), true);
  assert.equal(isAllowed('https://app.example.org/', entries), true);
  assert.equal(isAllowed('https://app.example.org:8022/', entries), false);
});

test('a page without a host adds none', () => {
  const isFrame = { hostname: '', port: '', protocol: 'about:' } as URL;
  assert.equal(isAllowed('https://api.example.org/', ['api.example.org'], isFrame), true);
  assert.equal(isAllowed('https://app.example.org/', [], isFrame), false);
});

test('a refused host is named with those that are allowed and the option that lacks it', () => {
  const refuse = () => requireAllowed('https://api.example.org:8443/x?token=secret', parseAllowedDomains(['a.example:1'], PAGE));
  assert.throws(refuse, {
    message:
      'api.example.org:8443 is not one of the allowed domains (a.example:1, app.example.org). ' +
      'Add it to the allowedDomains of Embedded.initialize',
  });
});

for (const entries of ['api.example.org', {}, 7, [7], [null], [{}]]) {
  test(`a list that is none is a configuration error: ${JSON.stringify(entries)}`, () => {
    assert.throws(() => parseAllowedDomains(entries as string[], PAGE), { name: 'KeymoorError', code: 'invalid_config' });
  });
}

for (const entry of [
  'https://api.example.org',
  'api.example.org/', 'api.example.org:', 'a b', '', '*', '*.example.org', 'user@host', '[x]', 'bücher.example',
]) {
  test(`an entry that is no host is a configuration error: "${entry}"`, () => {
    assert.throws(() => parseAllowedDomains([entry], PAGE), { name: 'KeymoorError', code: 'invalid_config' });
  });
}

for (const text of ['/keys', 'https://api.example.org@evil.net/', 'https://b\u00fccher.example/', 'https://a.example/#x']) {
  test(`h4_what_the_grammar_does_not_know_is_refused: ${text}`, () => {
    assert.throws(() => requireAllowed(text, parseAllowedDomains([], PAGE)), { code: 'invalid_url' });
  });
}
