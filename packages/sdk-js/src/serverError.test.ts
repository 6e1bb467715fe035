import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeBrowser } from '../test/fakeBrowser.ts';
import type { KeymoorErrorCode } from './keymoorError.ts';
import { serverError, type Subject } from './serverError.ts';

const body = (message: string, description?: string, resource_type = 'CredentialBindingJob') => ({
  code: 'ignored',
  message,
  ...(description ? { details: [null, { type: 'ResourceInfo', resource_type, id: 'J', description }] } : {}),
});

const CASES: [Subject, number, unknown, KeymoorErrorCode][] = [
  ['link', 404, body('not found'), 'link_not_found'],
  ['link', 409, body('conflict', 'complete'), 'link_complete'],
  ['link', 409, body('conflict', 'expired'), 'link_expired'],
  ['link', 409, body('conflict', 'revoked'), 'link_revoked'],
  ['link', 409, body('conflict', 'toString'), 'invalid_request'],
  ['link', 409, body('conflict'), 'invalid_request'],
  ['link', 403, body('forbidden'), 'user_suspended'],
  ['link', 403, body('forbidden', 'suspended', 'Identity'), 'user_suspended'],
  ['link', 403, body('forbidden', 'untrusted', 'Origin'), 'untrusted_origin'],
  ['link', 400, body('bad request'), 'invalid_request'],
  ['link', 422, { details: 'no list' }, 'invalid_request'],
  ['link', 429, undefined, 'rate_limited'],
  ['link', 500, body('internal server error'), 'server'],
  ['link', 503, undefined, 'server'],
  ['sign-in', 400, body('bad request'), 'invalid_request'],
  ['sign-in', 403, body('forbidden'), 'untrusted_origin'],
  ['sign-in', 404, body('not found'), 'invalid_request'],
  ['sign-in', 409, body('conflict', 'complete'), 'invalid_request'],
  ['sign-in', 429, body('slow down'), 'rate_limited'],
  ['sign-in', 502, null, 'server'],
];
for (const [subject, status, answer, code] of CASES) {
  test(`a3_a_${subject}_answered_${status}_${JSON.stringify(answer)}_is_${code}`, () => {
    assert.equal(serverError(subject, status, answer).code, code);
  });
}

test('an error names the first field that the server objects to', () => {
  const violations = [{ field: 'claims', description: 'the sign-in request was already answered' }, { field: 'more', description: 'x' }];
  const details = [null, { type: 'FieldViolations', field_violations: violations }];
  const { message } = serverError('sign-in', 400, { code: 'bad_request', message: 'invalid parameters', details });
  assert.equal(message, 'the server answered 400: invalid parameters: claims: the sign-in request was already answered');
});

for (const field_violations of ['none', {}, [], [null], [7], [{}], [{ field: 7, description: null }]]) {
  test(`violations of another shape are left out: ${JSON.stringify(field_violations)}`, () => {
    const body = { message: 'no', details: [{ type: 'FieldViolations', field_violations }] };
    assert.equal(serverError('link', 400, body).message, 'the server answered 400: no');
  });
}

for (const subject of ['link', 'sign-in'] as const) {
  test(`d2_an_untrusted_page_at_a_${subject}_learns_its_origin_and_the_setting`, () => {
    fakeBrowser('https://app.example.org:8443/bind?token=secret');
    const details = [{ resource_type: 'Origin', description: 'untrusted' }];
    assert.equal(
      serverError(subject, 403, { message: 'forbidden', details }).message,
      "the server answered 403: forbidden. Add this page's origin, https://app.example.org:8443, " +
        'to the trusted_origins of the authenticator config',
    );
  });
}

test('an error keeps the words and the body of the server', () => {
  const answer = body('the reason', 'expired');
  const error = serverError('link', 409, answer);
  assert.equal(String(error), 'KeymoorError: the server answered 409: the reason');
  assert.deepEqual(error.cause, { status: 409, body: answer });
});
