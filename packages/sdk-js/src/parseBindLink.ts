import { isId, parametersOf, parseApiLink, splitOnce } from './urls.ts';

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

const NAMES = Object.values(PARAMETERS);

/**
 * Reads either form of a binding link, the API's and the application's; nothing where the text is neither.
 *
 * The API's form names the job too. Nobody calls it, because its query holds the token, and browsers print
 * the URLs of failed and forbidden requests to the console.
 */
export function parseBindLink(text: string): BindingJob | undefined {
  const link = parseApiLink(text);
  if (!link) return parseAppLink(text);
  const [tenantId, realmId, identityId, jobId] = link.ids as [string, string, string, string];
  return { apiBaseUrl: link.origin, tenantId, realmId, identityId, jobId, token: link.token };
}

function parseAppLink(text: string): BindingJob | undefined {
  const found = parametersOf(text, 'bind', NAMES);
  if (!found || !NAMES.every((name) => !/_id$/.test(name) || isId(found[name]))) return undefined;
  const members = Object.entries(PARAMETERS) as [keyof BindingJob, (typeof NAMES)[number]][];
  return Object.fromEntries(members.map(([member, name]) => [member, found[name]])) as unknown as BindingJob;
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
  for (const parameter of NAMES) parameters.delete(parameter);
  const rest = String(parameters);
  return rest ? `${path}?${rest}` : path;
}
