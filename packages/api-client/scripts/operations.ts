import type { Document } from './document.ts';
import { type ClientOperation, readOperations } from './readOperations.ts';
import { inputName } from './types.ts';

/** Returns a module with the client's interface, and the table from which its methods are created. */
export function operationsModule(document: Document): string {
  const operations = readOperations(document);
  const types = operations.flatMap(({ id, response }) => [inputName(id), ...(response ? [response] : [])]);
  return `import type { Call, ListCall, Operation } from '../operation.ts';
import type {
${[...new Set(types)].sort().map((name) => `  ${name},\n`).join('')}} from './types.gen.ts';

/** The operations of the management API. Each call fails with a \`KeymoorApiError\` if the server refuses it. */
export interface ManagementApi {
${operations.map(signature).join('\n')}}

export const OPERATIONS: Record<keyof ManagementApi, Operation> = {
${operations.map(tableEntry).join('')}};
`;
}

function signature({ id, documentation, response, items }: ClientOperation): string {
  const type = items
    ? `ListCall<${inputName(id)}, ${response}, '${items}'>`
    : `Call<${inputName(id)}, ${response ?? 'void'}>`;
  return `${comment(documentation)}  ${methodName(id)}: ${type};\n`;
}

function comment(text: string): string {
  const [first, ...others] = text.replaceAll('*/', '* /').split('\n');
  if (others.length === 0) return `  /** ${first} */\n`;
  const lines = [first, ...others].map((line) => `   * ${line}`.trimEnd());
  return `  /**\n${lines.join('\n')}\n   */\n`;
}

function tableEntry({ id, method, path, query, hasBody, items }: ClientOperation): string {
  const members = [
    `method: '${method}'`,
    `path: '${path}'`,
    ...(query.length > 0 ? [`query: [${query.map((name) => `'${name}'`).join(', ')}]`] : []),
    ...(hasBody ? ['hasBody: true'] : []),
    ...(items ? [`items: '${items}'`] : []),
  ];
  return `  ${methodName(id)}: {\n${members.map((member) => `    ${member},\n`).join('')}  },\n`;
}

/** In camel case; a leading acronym is one word. */
export function methodName(operationId: string): string {
  return operationId.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (start) => start.toLowerCase());
}
