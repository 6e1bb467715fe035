import assert from 'node:assert/strict';
import { KeymoorError, type KeymoorErrorCode } from '../src/keymoorError.ts';

/** Expects a rejection with that code, and returns the error. */
export async function rejectsWith(code: KeymoorErrorCode, promise: Promise<unknown>): Promise<KeymoorError> {
  const error = await promise.then(
    () => assert.fail(`expected ${code}, but it succeeded`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof KeymoorError, String(error));
  assert.equal(error.code, code, error.stack);
  return error;
}
