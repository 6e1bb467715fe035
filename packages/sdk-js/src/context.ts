import type { AllowedDomain } from './allowedDomains.ts';
import type { RequestKeys } from './requestKeys.ts';
import type { Log } from './types.ts';

/** What every operation of one `Embedded` shares. */
export interface Context {
  domains: readonly AllowedDomain[];
  keys: RequestKeys;
  log: Log;
}
