import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBindLink, withoutLink } from './parseBindLink.ts';

const PATH = '/v1/tenants/T/realms/R/identities/I/credential-binding-jobs/J';
const QUERY = 'api_base_url=https%3A%2F%2Fapi.example.org&tenant_id=T&realm_id=R&identity_id=I&job_id=J&token=X';
const JOB = {
  apiBaseUrl: 'https://api.example.org',
  tenantId: 'T',
  realmId: 'R',
  identityId: 'I',
  jobId: 'J',
  token: 'X',
};

for (const [origin, more] of [
  ['https://api.example.org', ''],
  ['http://localhost:8021', ''],
  ['any-scheme://host', ''],
  ['https://api.example.org', 'lang=de&'],
] as const) {
  const link = `${origin}${PATH}:invokeAuthenticator?${more}token=X`;
  test(`an API link names its job: ${link}`, () => {
    assert.deepEqual(parseBindLink(link), { ...JOB, apiBaseUrl: origin });
  });
}

test('h4_ids_are_never_escaped', () => {
  const path = PATH.replace(/J$/, '%4A');
  assert.equal(parseBindLink(`https://api.example.org${path}:invokeAuthenticator?token=X`), undefined);
});

for (const link of [
  `https://app.example.org/bind?${QUERY}`,
  `https://app.example.org/deep/er/bind?extra=1&${QUERY}#fragment`,
  // As static hosts rewrite paths.
  `https://app.example.org/bind/?${QUERY}`,
  `https://app.example.org/bind.html?${QUERY}`,
  `https://app.example.org/bind.htm?${QUERY}`,
  `https://app.example.org/deep/bind/index.html?${QUERY}`,
  // As single-page routers have them.
  `https://app.example.org/#/bind?${QUERY}`,
  `https://app.example.org/index.html?lang=de#/bind/?${QUERY}`,
  `https://app.example.org/#!/deep/er/bind?${QUERY}`,
  `https://app.example.org/#bind?${QUERY}`,
  `myapp://bind/?${QUERY}`,
  `myapp://host/#/bind?${QUERY}`,
  `myapp://bind?${QUERY}`,
  `myapp://host/bind?${QUERY}`,
]) {
  test(`an app link is recognised: ${link}`, () => {
    assert.deepEqual(parseBindLink(link), JOB);
  });
}

for (const text of [
  '',
  'bind',
  `/bind?${QUERY}`,
  `https://api.example.org${PATH}:invokeAuthenticator`,
  `https://api.example.org${PATH}:invokeAuthenticator?token=`,
  `https://api.example.org${PATH}%3AinvokeAuthenticator?token=X`,
  `https://api.example.org${PATH}:invokeAuthenticator/?token=X`,
  `https://api.example.org${PATH}:getInfo?token=X`,
  `https://api.example.org${PATH}?token=X`,
  `https://api.example.org/prefix${PATH}:invokeAuthenticator?token=X`,
  'https://api.example.org/v1/tenants//realms/R/identities/I/credential-binding-jobs/J:invokeAuthenticator?token=X',
  `https://app.example.org/rebind?${QUERY}`,
  `https://api.example.org${PATH.replace('T', '%ff')}:invokeAuthenticator?token=X`,
  `https://bind/?${QUERY}`,
  `https://app.example.org/bind/more?${QUERY}`,
  `https://app.example.org/bind.php?${QUERY}`,
  `https://app.example.org/.html?${QUERY}`,
  `https://app.example.org/?${QUERY}#/bind`,
  `https://app.example.org/bind#/?${QUERY}`,
  `https://app.example.org/#/rebind?${QUERY}`,
  `https://app.example.org/#/bind`,
  `https://app.example.org/bi-authenticate?request=a.b.c`,
  ...QUERY.split('&').map((left) => `https://app.example.org/bind?${QUERY.replace(left, '')}`),
]) {
  test(`h3_this_is_no_binding_link: ${text}`, () => {
    assert.equal(parseBindLink(text), undefined);
  });
}

for (const value of [undefined, null, 7, {}, [], Symbol('s')]) {
  test(`h3_a_${typeof value}_is_no_binding_link_and_does_not_throw: ${String(value)}`, () => {
    assert.equal(parseBindLink(value as unknown as string), undefined);
  });
}

const OTHER = QUERY.replace('token=X', 'token=Y');
for (const [before, after] of [
  [`https://app.example.org/bind?${QUERY}`, 'https://app.example.org/bind'],
  [`https://app.example.org/bind?lang=de&${QUERY}#top`, 'https://app.example.org/bind?lang=de#top'],
  [`https://app.example.org/#/bind?${QUERY}`, 'https://app.example.org/#/bind'],
  [`https://app.example.org/?a=b%20c#/bind?lang=de&${QUERY}`, 'https://app.example.org/?a=b%20c#/bind?lang=de'],
  [`https://app.example.org/bind?${OTHER}`, `https://app.example.org/bind?${OTHER}`],
  ['https://app.example.org/#', 'https://app.example.org/#'],
] as const) {
  test(`d4_of_${before}_there_stays_${after}`, () => {
    assert.equal(withoutLink(before, 'X'), after);
  });
}
