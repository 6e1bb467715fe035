/** Builds `dist`: files with a hash in their names, their compressed forms, and Vite's manifest. Checks their sizes. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'vite';
import { compress } from '../../pages/scripts/compress.ts';

const PACKAGE = join(import.meta.dirname, '..');
const DIST = join(PACKAGE, 'dist');
const ENTRY = 'src/main.tsx';
/** What a browser loads before it shows the first screen, and with each further one, in compressed bytes. */
const FIRST_LOAD = 220_000;
const FURTHER = 40_000;

interface Entry {
  file: string;
  imports?: string[];
  css?: string[];
  isDynamicEntry?: boolean;
}

await rm(DIST, { recursive: true, force: true });
await build({
  root: PACKAGE,
  configFile: false,
  base: '/assets/console/',
  logLevel: 'error',
  build: {
    outDir: DIST,
    manifest: 'manifest.json',
    assetsDir: '',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    rolldownOptions: { input: join(PACKAGE, ENTRY) },
  },
});
await compress(DIST);

const manifest = JSON.parse(await readFile(join(DIST, 'manifest.json'), 'utf8')) as Record<string, Entry>;
const first = await filesOf(ENTRY);
const size = await compressed(first);
check('the first load', size, FIRST_LOAD);
for (const [source, { isDynamicEntry }] of Object.entries(manifest)) {
  if (!isDynamicEntry) continue;
  const further = new Set([...(await filesOf(source))].filter((file) => !first.has(file)));
  check(source, await compressed(further), FURTHER);
}

/** The files that a browser loads for a source, with what they import. */
async function filesOf(source: string, seen = new Set<string>()): Promise<Set<string>> {
  const entry = manifest[source];
  if (!entry || seen.has(entry.file)) return seen;
  for (const file of [entry.file, ...(entry.css ?? [])]) seen.add(file);
  for (const imported of entry.imports ?? []) await filesOf(imported, seen);
  return seen;
}

async function compressed(files: Set<string>): Promise<number> {
  let total = 0;
  for (const file of files) total += brotliCompressSync(await readFile(join(DIST, file))).length;
  return total;
}

function check(what: string, bytes: number, limit: number): void {
  console.log(`${what}: ${(bytes / 1000).toFixed(1)} kB of ${limit / 1000}`);
  if (bytes > limit) throw new Error(`${what} has ${bytes} compressed bytes, and may have ${limit}`);
}
