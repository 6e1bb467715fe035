import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILES, runFile } from './vectors.ts';

for (const file of FILES) {
  test(`h4_every_case_of_the_shared_vectors_holds: ${file}`, async () => {
    const failures: string[] = [];
    const { passed, failed } = await runFile(file, (text) => failures.push(text));
    console.log(`vectors ${file}: ${passed} passed, ${failed} failed`);
    assert.deepEqual(failures, []);
    assert.ok(passed > 0);
  });
}
