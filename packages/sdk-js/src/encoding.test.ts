import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64, base64Unpadded, base64Url, fromBase64Url, hex, utf8 } from './encoding.ts';

for (const bytes of [[], [0], [255, 254], [251, 239, 190], [1, 2, 3, 4]].map((list) => Uint8Array.from(list))) {
  test(`every encoding agrees with another implementation on ${bytes.length} bytes`, () => {
    const reference = Buffer.from(bytes);
    assert.equal(base64(bytes), reference.toString('base64'));
    assert.equal(base64Unpadded(bytes.buffer), reference.toString('base64').replaceAll('=', ''));
    assert.equal(base64Url(bytes), reference.toString('base64url'));
    assert.equal(hex(bytes), reference.toString('hex'));
    assert.deepEqual(fromBase64Url(base64Url(bytes)), bytes);
  });
}

test('text is encoded as UTF-8', () => {
  assert.deepEqual([...utf8('ü')], [0xc3, 0xbc]);
});

for (const text of ['ab==', 'a+b/', 'a b', 'abcde']) {
  test(`this is not base64url: "${text}"`, () => {
    assert.throws(() => fromBase64Url(text));
  });
}
