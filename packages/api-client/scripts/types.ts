import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';
import { type Document, METHODS, type OperationObject } from './document.ts';

/** Returns a module with the type of every schema, and of what every operation takes. */
export async function typesModule(document: Document): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'keymoor-api-client-'));
  const inputNames = new Map(operations(document).map(({ operationId }) => [operationId.toLowerCase(), inputName(operationId)]));
  try {
    await createClient({
      input: { ...relevant(document) },
      output: { path, header: [], entryFile: false },
      plugins: [
        {
          name: '@hey-api/typescript',
          definitions: { case: 'preserve' },
          // The generator's own names would change the case of acronyms.
          requests: { case: 'preserve', name: (id) => inputNames.get(id.toLowerCase()) ?? id },
        },
      ],
      logs: { level: 'silent', file: false },
    });
    return (await readFile(join(path, 'types.gen.ts'), 'utf8')).trimStart();
  } finally {
    await rm(path, { recursive: true });
  }
}

/** The type of what an operation takes. */
export function inputName(operationId: string): string {
  return `${operationId}Input`;
}

/** Leaves out what would become unused types: every response is a schema already, and the server is up to the caller. */
function relevant(document: Document): Document {
  const { servers: _, ...copy } = structuredClone(document);
  for (const operation of operations(copy)) operation.responses = {};
  return copy;
}

function operations({ paths }: Document): OperationObject[] {
  return Object.values(paths).flatMap((item) => METHODS.flatMap((method) => item[method] ?? []));
}
