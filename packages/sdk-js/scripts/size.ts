/** Prints what an application downloads for this package, and fails when that is over budget. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'tsdown';

const BUDGET_BYTES = 12_000;

const outDir = await mkdtemp(join(tmpdir(), 'keymoor-sdk-size-'));
try {
  await build({ outDir, minify: true, dts: false, sourcemap: false, logLevel: 'silent' });
  const minified = await readFile(join(outDir, 'index.js'));
  const gzipped = gzipSync(minified, { level: 9 }).length;
  console.log(`@keymoor/sdk: ${minified.length} bytes minified, ${gzipped} gzipped, budget ${BUDGET_BYTES}`);
  process.exitCode = gzipped > BUDGET_BYTES ? 1 : 0;
} finally {
  await rm(outDir, { recursive: true });
}
