/** The parts of an OpenAPI 3.1 document that the generator reads. */
export interface Document {
  servers?: unknown;
  paths: Record<string, PathItem>;
  components: { schemas: Record<string, Schema> };
}

export const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

export type PathItem = { parameters?: Parameter[] } & { [method in (typeof METHODS)[number]]?: OperationObject };

export interface OperationObject {
  operationId: string;
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}

export interface Parameter {
  name: string;
  in: string;
}

export type Content = Record<string, { schema: Schema }>;

export interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
}
