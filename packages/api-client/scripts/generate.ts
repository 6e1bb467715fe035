/** Generates `src/generated` from the document of the management API. Run it by `cargo xtask codegen client`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Document } from './document.ts';
import { operationsModule } from './operations.ts';
import { typesModule } from './types.ts';

const HEADER = '// Generated from openapi/management.json by `cargo xtask codegen client`. Do not edit.\n';
const DOCUMENT = new URL('../../../openapi/management.json', import.meta.url);
export const GENERATED = new URL('../src/generated/', import.meta.url);

/** Returns the text of every generated file by its name. */
export async function generate(): Promise<Record<string, string>> {
  const document = JSON.parse(await readFile(DOCUMENT, 'utf8')) as Document;
  return {
    'operations.gen.ts': `${HEADER}\n${operationsModule(document)}`,
    'types.gen.ts': `${HEADER}\n${await typesModule(document)}`,
  };
}

if (import.meta.main) {
  await mkdir(GENERATED, { recursive: true });
  for (const [name, text] of Object.entries(await generate())) {
    await writeFile(new URL(name, GENERATED), text);
    console.log(`wrote packages/api-client/src/generated/${name}`);
  }
}
