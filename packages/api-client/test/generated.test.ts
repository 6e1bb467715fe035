import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Document } from '../scripts/document.ts';
import { GENERATED, generate } from '../scripts/generate.ts';
import { methodName, operationsModule } from '../scripts/operations.ts';
import { typesModule } from '../scripts/types.ts';

test('the checked-in client is that of the API document', async () => {
  const generated = await generate();
  assert.deepEqual((await readdir(GENERATED)).sort(), Object.keys(generated).sort());
  for (const [name, text] of Object.entries(generated)) {
    const checkedIn = await readFile(new URL(name, GENERATED), 'utf8');
    // Not compared by `assert.equal`, which would print both.
    assert(checkedIn === text, `src/generated/${name} is stale: run \`cargo xtask codegen client\``);
  }
});

const body = (name: string) => ({ content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } } });
const [thing, problem, list, missing] = ['Thing', 'Problem', 'Names', 'Nothing'].map(body);
const operation = (changes: object) => ({ operationId: 'MakeThing', responses: { 200: thing, 404: problem }, ...changes });

function document(post: object): Document {
  return {
    openapi: '3.1.0',
    info: { title: 'Things', version: '1' },
    servers: [{ url: 'https://api.example.org', description: 'this one' }],
    paths: { '/things/{id}:make': { post } },
    components: {
      schemas: {
        Problem: { type: 'object', properties: { code: { type: 'string' } } },
        Names: { type: 'array', items: { type: 'string' } },
        Thing: {
          type: 'object',
          required: ['name'],
          properties: { name: { type: 'string', examples: ['a thing'] } },
          example: { name: 'a thing' },
        },
      },
    },
  } as Document;
}

test('servers and examples change nothing, and acronyms keep their case in types', async () => {
  const path = { name: 'id', in: 'path', required: true, schema: { type: 'string' }, example: 'x1' };
  const scim = document(operation({ operationId: 'SCIMMakeThing', summary: 'Makes */ one.', parameters: [path], requestBody: thing }));
  const operations = operationsModule(scim);
  assert.match(operations, /\/\*\* Makes \* \/ one\. \*\/\n {2}scimMakeThing: Call<SCIMMakeThingInput, Thing>;/);
  assert.match(operations, /scimMakeThing: \{\n {4}method: 'POST',\n {4}path: '\/things\/\{id\}:make',\n {4}hasBody: true,\n {2}\}/);
  const types = await typesModule(scim);
  assert.match(types, /export type Thing = \{\s+name: string;\s+\};/);
  assert.match(types, /export type SCIMMakeThingInput = \{\s+body\??: Thing;\s+path: \{\s+id: string;\s+\};/);
});

test('methods are named in camel case', () => {
  assert.deepEqual(['GetRealm', 'SCIMGetUser', 'X'].map(methodName), ['getRealm', 'scimGetUser', 'x']);
});

const header = { name: 'if-match', in: 'header' };
const name = { name: 'name', in: 'query' };
const token = { name: 'page_token', in: 'query' };
const text = { content: { 'text/csv': { schema: {} } } };
for (const [problem, changes] of [
  ['the header parameter if-match', { parameters: [header] }],
  ['two parameters named name', { parameters: [name], requestBody: thing }],
  ['a body other than a named schema in JSON', { requestBody: text }],
  ['a request body that is not an object', { requestBody: list }],
  ['the missing schema Nothing', { requestBody: missing }],
  ['none or several success statuses', { responses: { 200: thing, 202: thing } }],
  ['an error body other than Problem (404)', { responses: { 200: thing, 404: thing } }],
  ['a page without exactly one array', { parameters: [token] }],
] as const) {
  test(`generation fails for ${problem}`, () => {
    assert.throws(() => operationsModule(document(operation(changes))), {
      message: `MakeThing: the client does not support ${problem}`,
    });
  });
}
