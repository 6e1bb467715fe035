export { type ClientCredentials, clientCredentials, type TokenProvider } from './clientCredentials.ts';
export { type ClientOptions, createClient } from './createClient.ts';
export type { ManagementApi } from './generated/operations.gen.ts';
export type * from './generated/types.gen.ts';
export { KeymoorApiError } from './keymoorApiError.ts';
export type { CallOptions, List } from './operation.ts';
