import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAuthenticateUrl } from './parseAuthenticateUrl.ts';

for (const url of [
  'https://auth.example.org/bi-authenticate?request=0123456789ABCDEF',
  'https://app.example.org/deep/bi-authenticate?request=0123456789ABCDEF&more=1',
  'myapp://bi-authenticate?request=0123456789ABCDEF',
  'https://app.example.org/bi-authenticate/?request=0123456789ABCDEF',
  'https://app.example.org/bi-authenticate.html?request=0123456789ABCDEF',
  'https://app.example.org/bi-authenticate/index.html?request=0123456789ABCDEF',
  'https://app.example.org/#/bi-authenticate?request=0123456789ABCDEF',
  'https://app.example.org/?lang=de#/bi-authenticate?request=0123456789ABCDEF&more=1',
]) {
  test(`a sign-in URL is recognised without looking at its request: ${url}`, () => {
    assert.equal(parseAuthenticateUrl(url), '0123456789ABCDEF');
  });
}

for (const text of [
  '',
  'bi-authenticate?request=X',
  'https://app.example.org/bi-authenticate',
  'https://app.example.org/bi-authenticate?request=',
  'https://app.example.org/?request=X#/bi-authenticate',
  'https://app.example.org/bi-authenticate#/?request=X',
  'https://app.example.org/not-bi-authenticate?request=X',
  'https://app.example.org/bind?request=X',
  'https://api.example.org/resume?state=X',
]) {
  test(`h3_this_is_no_sign_in_url: ${text}`, () => {
    assert.equal(parseAuthenticateUrl(text), undefined);
  });
}

for (const value of [undefined, null, 7, {}, Symbol('s')]) {
  test(`h3_a_${typeof value}_is_no_sign_in_url_and_does_not_throw: ${String(value)}`, () => {
    assert.equal(parseAuthenticateUrl(value as unknown as string), undefined);
  });
}
