/** Prepares the compressed forms of built files: `node compress.ts DIRECTORY`. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** Other formats that pages load are compressed already. */
const TEXT = ['.css', '.js', '.svg'];

/** Writes `FILE.br` and `FILE.gz` next to each text file below `directory`, where they are smaller than it. */
export async function compress(directory: string): Promise<void> {
  for (const name of await readdir(directory, { recursive: true })) {
    if (!TEXT.includes(extname(name))) continue;
    const file = join(directory, name);
    const content = await readFile(file);
    await writeIfSmaller(`${file}.br`, brotli(content), content);
    await writeIfSmaller(`${file}.gz`, gzipSync(content, { level: 9 }), content);
  }
}

function brotli(content: Buffer): Buffer {
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  return brotliCompressSync(content, { params });
}

async function writeIfSmaller(file: string, compressed: Buffer, content: Buffer): Promise<void> {
  if (compressed.length < content.length) await writeFile(file, compressed);
}

if (import.meta.main) {
  const [directory] = process.argv.slice(2);
  if (!directory) throw new Error('usage: node compress.ts DIRECTORY');
  await compress(directory);
}
