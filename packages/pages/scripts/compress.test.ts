import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compress } from './compress.ts';

const REPEATED = 'a { color: red }\n'.repeat(100);

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keymoor-compress-'));
  await mkdir(join(directory, 'styles'));
});
after(() => rm(directory, { recursive: true }));

test('only_text_files_that_get_smaller_are_compressed', async () => {
  await writeFile(join(directory, 'styles/long.css'), REPEATED);
  await writeFile(join(directory, 'short.css'), 'a');
  await writeFile(join(directory, 'font.woff2'), REPEATED);
  await writeFile(join(directory, 'manifest.json'), REPEATED);
  await compress(directory);
  const files = await readdir(directory, { recursive: true });
  assert.deepEqual(
    files.filter((name) => /\.(br|gz)$/.test(name)).sort(),
    ['styles/long.css.br', 'styles/long.css.gz'],
  );
});
