import { lastSegment, parseUrl } from './urls.ts';

/** A binding job and the token that lets a device work on it. */
export interface BindingJob {
  apiBaseUrl: string;
  tenantId: string;
  realmId: string;
  identityId: string;
  jobId: string;
  token: string;
}

/** A link names its job (`app`), or the place to ask for it (`api`). */
export type BindLink = { kind: 'api'; url: string } | { kind: 'app'; job: BindingJob };

/** The query parameters of a link that names its job. */
export const BIND_PARAMETERS = {
  apiBaseUrl: 'api_base_url',
  tenantId: 'tenant_id',
  realmId: 'realm_id',
  identityId: 'identity_id',
  jobId: 'job_id',
  token: 'token',
} as const satisfies Record<keyof BindingJob, string>;

const API_PATH =
  /^\/v1\/tenants\/[^/]+\/realms\/[^/]+\/identities\/[^/]+\/credential-binding-jobs\/[^/:]+:invokeAuthenticator$/;

/** Reads either form of a binding link; nothing where the text is neither. */
export function parseBindLink(text: string): BindLink | undefined {
  const url = parseUrl(text);
  if (!url?.searchParams.get('token')) return undefined;
  if (API_PATH.test(url.pathname)) return { kind: 'api', url: url.href };
  if (lastSegment(url) !== 'bind') return undefined;
  const job = {} as BindingJob;
  for (const [member, parameter] of Object.entries(BIND_PARAMETERS) as [keyof BindingJob, string][]) {
    const value = url.searchParams.get(parameter);
    if (!value) return undefined;
    job[member] = value;
  }
  return { kind: 'app', job };
}
