import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { build, MANIFEST, type Manifest } from './build.ts';

let dist: string;
let manifest: Manifest;
before(async () => {
  dist = await mkdtemp(join(tmpdir(), 'keymoor-pages-'));
  await build(dist);
  manifest = JSON.parse(await readFile(join(dist, MANIFEST), 'utf8'));
});
after(() => rm(dist, { recursive: true }));

const built = (source: string) => readFile(join(dist, manifest[source]?.file ?? ''));

test('every_name_in_the_manifest_holds_a_hash', () => {
  assert.deepEqual(Object.keys(manifest), ['src/consoleBind.ts', 'src/icon.svg', 'src/page.css']);
  for (const { file } of Object.values(manifest)) assert.match(file, /^\w+-[\w-]{8}\.(css|js|svg)$/);
});

test('each_file_is_also_there_compressed_where_that_is_smaller', async () => {
  for (const [source, { file }] of Object.entries(manifest)) {
    const content = await built(source);
    for (const [extension, decompress] of [['br', brotliDecompressSync], ['gz', gunzipSync]] as const) {
      const compressed = await readFile(join(dist, `${file}.${extension}`));
      assert.ok(compressed.length < content.length, `${file}.${extension}`);
      assert.deepEqual(decompress(compressed), content);
    }
  }
});

test('styles_and_images_are_served_as_they_were_written', async () => {
  for (const source of ['src/icon.svg', 'src/page.css']) {
    assert.deepEqual(await built(source), await readFile(join(import.meta.dirname, '..', source)));
  }
});

test('the_script_has_the_sdk_inside', async () => {
  const script = await built('src/consoleBind.ts');
  assert.doesNotMatch(script.toString(), /\bimport\b/);
});

test('what_an_earlier_build_left_is_removed', async () => {
  const files = await readdir(dist);
  await writeFile(join(dist, 'page-0ld0ld0l.css'), '');
  await build(dist);
  assert.deepEqual(await readdir(dist), files);
});
