import { type Content, type Document, METHODS, type OperationObject, type Parameter, type Schema } from './document.ts';

/** An operation as the client sees it. */
export interface ClientOperation {
  id: string;
  documentation: string;
  method: string;
  path: string;
  /** Names of the parameters in the query. */
  query: string[];
  hasBody: boolean;
  /** Name of the response's schema, if it has a body. */
  response: string | undefined;
  /** For lists: the member of the response that holds the items. */
  items: string | undefined;
}

type Schemas = Record<string, Schema>;

const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream';
const ERROR_SCHEMA = 'Problem';

/**
 * Reads every operation except streams, which applications read with an event source library.
 *
 * @throws If the document has something that the client does not support, such as two parameters of the same name.
 */
export function readOperations({ paths, components: { schemas } }: Document): ClientOperation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (!operation || isStream(operation)) return [];
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])];
      try {
        return [read(schemas, path, method, operation, parameters)];
      } catch (error) {
        throw new Error(`${operation.operationId}: the client does not support ${(error as Error).message}`);
      }
    }),
  );
}

function read(
  schemas: Schemas,
  path: string,
  method: string,
  operation: OperationObject,
  parameters: Parameter[],
): ClientOperation {
  const { operationId, summary, description, requestBody } = operation;
  const body = requestBody && bodyMembers(schemas, requestBody.content);
  check(parameters, body ?? []);
  const query = parameters.filter(({ in: place }) => place === 'query').map(({ name }) => name);
  const response = responseSchema(operation);
  return {
    id: operationId,
    documentation: [summary, description].filter(Boolean).join('\n\n'),
    method: method.toUpperCase(),
    path,
    query,
    hasBody: body !== undefined,
    response,
    items: query.includes('page_token') ? itemsOf(schemas, response) : undefined,
  };
}

function isStream({ responses }: OperationObject): boolean {
  return Object.values(responses).some(({ content }) => content && STREAM_TYPE in content);
}

function check(parameters: Parameter[], body: string[]): void {
  const unsupported = parameters.find(({ in: place }) => place !== 'path' && place !== 'query');
  if (unsupported) throw new Error(`the ${unsupported.in} parameter ${unsupported.name}`);
  const names = [...parameters.map(({ name }) => name), ...body];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new Error(`two parameters named ${twice}`);
}

function bodyMembers(schemas: Schemas, content: Content): string[] {
  const { properties } = schema(schemas, schemaName(content));
  if (!properties) throw new Error('a request body that is not an object');
  return Object.keys(properties);
}

/** Name of the schema of a successful response, if that has a body. */
function responseSchema({ responses }: OperationObject): string | undefined {
  const isSuccess = (status: string) => status.startsWith('2');
  const [success, ...others] = Object.keys(responses).filter(isSuccess);
  if (success === undefined || others.length > 0) throw new Error('none or several success statuses');
  for (const [status, { content }] of Object.entries(responses)) {
    if (isSuccess(status) || (content && schemaName(content) === ERROR_SCHEMA)) continue;
    throw new Error(`an error body other than ${ERROR_SCHEMA} (${status})`);
  }
  const content = responses[success]?.content;
  return content && schemaName(content);
}

function itemsOf(schemas: Schemas, response: string | undefined): string {
  const members = Object.entries((response && schema(schemas, response).properties) || {});
  const [items, ...others] = members.filter(([, { type }]) => type === 'array').map(([name]) => name);
  if (items === undefined || others.length > 0) throw new Error('a page without exactly one array');
  return items;
}

function schemaName(content: Content): string {
  const name = content[JSON_TYPE]?.schema.$ref?.replace('#/components/schemas/', '');
  if (name === undefined) throw new Error('a body other than a named schema in JSON');
  return name;
}

function schema(schemas: Schemas, name: string): Schema {
  const found = schemas[name];
  if (!found) throw new Error(`the missing schema ${name}`);
  return found;
}
