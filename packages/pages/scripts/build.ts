/** Builds `dist`: files with a hash in their names, their compressed forms, and the manifest that names them. */
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { build as bundle, type Rolldown } from 'tsdown';
import { compress } from './compress.ts';

const PACKAGE = join(import.meta.dirname, '..');
const SCRIPTS = ['src/consoleBind.ts'];
const ASSETS = ['src/icon.svg', 'src/page.css'];

/** The manifest's name in `dist`; its format is that of Vite. */
export const MANIFEST = 'manifest.json';

/** By the path of each source, the file that was built from it. */
export type Manifest = Record<string, { file: string }>;

/** Builds this package into `outDir`. */
export async function build(outDir: string): Promise<void> {
  const bundles = await bundle({
    config: false,
    cwd: PACKAGE,
    entry: SCRIPTS,
    outDir,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    dts: false,
    sourcemap: false,
    logLevel: 'warn',
    plugins: [assets()],
    outputOptions: {
      entryFileNames: '[name]-[hash].js',
      chunkFileNames: '[name]-[hash].js',
      assetFileNames: '[name]-[hash][extname]',
    },
  });
  const files = bundles.flatMap(({ chunks }) => chunks).map((output) => [sourceOf(output), { file: output.fileName }]);
  const manifest: Manifest = Object.fromEntries(files.sort());
  await compress(outDir);
  await writeFile(join(outDir, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Emits the files that nothing imports. */
function assets(): Rolldown.Plugin {
  return {
    name: 'assets',
    async buildStart() {
      for (const file of ASSETS) {
        const source = await readFile(join(PACKAGE, file));
        this.emitFile({ type: 'asset', name: basename(file), originalFileName: file, source });
      }
    },
  };
}

/** The path of the source; a chunk that scripts share has none, and is named as Vite would. */
function sourceOf(output: Rolldown.OutputChunk | Rolldown.OutputAsset): string {
  if (output.type === 'asset') return output.originalFileNames[0] ?? `_${output.fileName}`;
  return output.facadeModuleId ? relative(PACKAGE, output.facadeModuleId) : `_${output.fileName}`;
}

if (import.meta.main) await build(join(PACKAGE, 'dist'));
