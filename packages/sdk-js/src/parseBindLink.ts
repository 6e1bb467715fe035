import { parametersOf, parseUrl, splitOnce } from './urls.ts';

/** A binding job and the token that lets a device work on it. */
export interface BindingJob {
  apiBaseUrl: string;
  tenantId: string;
  realmId: string;
  identityId: string;
  jobId: string;
  token: string;
}

/** The query parameters of a link that leads to an application. */
const PARAMETERS = {
  apiBaseUrl: 'api_base_url',
  tenantId: 'tenant_id',
  realmId: 'realm_id',
  identityId: 'identity_id',
  jobId: 'job_id',
  token: 'token',
} as const satisfies Record<keyof BindingJob, string>;

const API_PATH =
  /^\/v1\/tenants\/([^/]+)\/realms\/([^/]+)\/identities\/([^/]+)\/credential-binding-jobs\/([^/:]+):invokeAuthenticator$/;

/**
 * Reads either form of a binding link, the API's and the application's; nothing where the text is neither.
 *
 * The API's form names the job too. Nobody calls it, because its query holds the token, and browsers print
 * the URLs of failed and forbidden requests to the console.
 */
export function parseBindLink(text: string): BindingJob | undefined {
  return parseApiLink(text) ?? parseAppLink(text);
}

function parseApiLink(text: string): BindingJob | undefined {
  const url = parseUrl(text);
  const token = url?.searchParams.get('token');
  const ids = url && API_PATH.exec(url.pathname);
  if (!token || !ids) return undefined;
  try {
    const [tenantId, realmId, identityId, jobId] = ids.slice(1).map(decodeURIComponent) as [string, string, string, string];
    return { apiBaseUrl: `${url.protocol}//${url.host}`, tenantId, realmId, identityId, jobId, token };
  } catch {
    // Not UTF-8.
    return undefined;
  }
}

function parseAppLink(text: string): BindingJob | undefined {
  const parameters = parametersOf(text, 'bind');
  if (!parameters) return undefined;
  const job = {} as BindingJob;
  for (const [member, parameter] of Object.entries(PARAMETERS) as [keyof BindingJob, string][]) {
    const value = parameters.get(parameter);
    if (!value) return undefined;
    job[member] = value;
  }
  return job;
}

/** `url` without the parameters of the link with that token, which are in its query or in its fragment's. */
export function withoutLink(url: string, token: string): string {
  const [page, fragment] = splitOnce(url, '#');
  return [page, fragment].map((part) => withoutParameters(part, token)).join(url.includes('#') ? '#' : '');
}

function withoutParameters(part: string, token: string): string {
  const [path, query] = splitOnce(part, '?');
  const parameters = new URLSearchParams(query);
  if (parameters.get(PARAMETERS.token) !== token) return part;
  for (const parameter of Object.values(PARAMETERS)) parameters.delete(parameter);
  const rest = String(parameters);
  return rest ? `${path}?${rest}` : path;
}
