import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBindLink } from './parseBindLink.ts';

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

for (const link of [
  `https://api.example.org${PATH}:invokeAuthenticator?token=X`,
  `http://localhost:8021${PATH}:invokeAuthenticator?token=X`,
  `any-scheme://host${PATH}:invokeAuthenticator?token=X`,
  `https://api.example.org${PATH}:invokeAuthenticator?lang=de&token=X`,
  `https://api.example.org${PATH.replace(/J$/, '0199c7a6-1f3b-7cc0-8000-000000000000')}:invokeAuthenticator?token=X`,
]) {
  test(`an API link is recognised: ${link}`, () => {
    assert.deepEqual(parseBindLink(link), { kind: 'api', url: link });
  });
}

for (const link of [
  `https://app.example.org/bind?${QUERY}`,
  `https://app.example.org/deep/er/bind?extra=1&${QUERY}#fragment`,
  `myapp://bind?${QUERY}`,
  `myapp://host/bind?${QUERY}`,
]) {
  test(`an app link is recognised: ${link}`, () => {
    assert.deepEqual(parseBindLink(link), { kind: 'app', job: JOB });
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
  `https://app.example.org/bind/?${QUERY}`,
  `https://app.example.org/bind/more?${QUERY}`,
  `https://app.example.org/#/bind?${QUERY}`,
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
