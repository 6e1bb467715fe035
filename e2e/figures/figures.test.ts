import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { DATABASES } from '../support/databases.ts';
import { Keymoor } from '../support/keymoor.ts';
import { KEYMOOR_BIN } from '../support/settings.ts';

const MAX_START_MS = 500;
const MAX_IDLE_BYTES = 50e6;
const MAX_BINARY_BYTES = 28e6;
const STARTS = 5;

test('the binary with the console is under 28 MB', async (t) => {
  const { size } = await stat(KEYMOOR_BIN);
  t.diagnostic(`binary: ${megabytes(size)}`);
  assert(size < MAX_BINARY_BYTES, megabytes(size));
});

for (const database of DATABASES) {
  describe(`an idle server on ${database}`, () => {
    let keymoor: Keymoor;
    before(async () => {
      keymoor = await Keymoor.start({ database });
    });
    after(() => keymoor?.[Symbol.asyncDispose]());

    test('is ready within half a second on an existing database', async (t) => {
      const starts: number[] = [];
      for (let round = 0; round < STARTS; round++) {
        await keymoor.shutDown();
        starts.push(await keymoor.serve());
      }
      starts.sort((a, b) => a - b);
      t.diagnostic(`start to /readyz: ${starts.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
      // The median: a machine that does something else for a moment says nothing about us.
      const median = starts[Math.floor(STARTS / 2)] as number;
      assert(median < MAX_START_MS, `${median} ms`);
    });

    test('holds less than 50 MB', async (t) => {
      const bytes = await keymoor.residentBytes();
      t.diagnostic(`resident: ${megabytes(bytes)}`);
      assert(bytes < MAX_IDLE_BYTES, megabytes(bytes));
    });
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
