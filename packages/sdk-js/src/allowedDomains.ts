import { KeymoorError } from './keymoorError.ts';
import { parseUrl } from './urls.ts';

/** A host that may be called, on one port or on all. */
export interface AllowedDomain {
  hostname: string;
  port: string | undefined;
}

const HOST_AND_PORT = /^(\[[\da-f:.]+\]|[^\s:/?#@*[\]\\]+)(?::(\d{1,5}))?$/i;

/**
 * Reads the list given to `initialize`.
 *
 * @param page - The page's own host, which is always allowed. Any port of it is, because a page and its API on one
 * host often differ in it, unless the list names the host itself.
 * @throws {@link KeymoorError} `invalid_config` if the list or an entry of it is something else.
 */
export function parseAllowedDomains(
  entries: readonly string[] | undefined,
  page: Pick<Location, 'hostname' | 'port' | 'protocol'>,
): AllowedDomain[] {
  if (!Array.isArray(entries ?? [])) throw notA('list of hosts', entries);
  const listed = (entries ?? []).map(parseEntry);
  const isListed = listed.some(({ hostname }) => hostname === page.hostname);
  // Pages without a host, such as those of `srcdoc` frames, have none to add.
  return page.hostname ? [...listed, { hostname: page.hostname, port: isListed ? portOf(page) : undefined }] : listed;
}

function parseEntry(entry: string): AllowedDomain {
  const [, host, port] = (typeof entry === 'string' && HOST_AND_PORT.exec(entry)) || [];
  // The URL parser makes the entry comparable: lower case, punycode, one spelling of each address.
  const hostname = host && parseUrl(`https://${host}`)?.hostname;
  if (!hostname) throw notA('"host" or "host:port"', entry);
  return { hostname, port };
}

const notA = (expected: string, value: unknown) =>
  new KeymoorError('invalid_config', `allowedDomains takes ${expected}, not ${JSON.stringify(value)}`);

/**
 * Refuses a URL that must not be called.
 *
 * @throws {@link KeymoorError} `invalid_url` if the text is no URL, `disallowed_domain` if its host isn't
 * listed, or it would be called without encryption over a network.
 */
export function requireAllowed(text: string, domains: readonly AllowedDomain[]): void {
  const url = parseUrl(text);
  if (!url) throw new KeymoorError('invalid_url', 'an address to call is no absolute URL');
  if (!isEncryptedOrLocal(url)) {
    throw new KeymoorError('disallowed_domain', `${url.protocol}//${url.host} must use https. Plain http is for localhost only`);
  }
  if (!domains.some((domain) => covers(domain, url))) {
    const list = domains.map(({ hostname, port }) => (port ? `${hostname}:${port}` : hostname)).join(', ');
    const fix = `Add it to the allowedDomains of Embedded.initialize`;
    throw new KeymoorError('disallowed_domain', `${url.host} is not one of the allowed domains (${list}). ${fix}`);
  }
}

function covers(domain: AllowedDomain, url: URL): boolean {
  return (
    (url.hostname === domain.hostname || url.hostname.endsWith(`.${domain.hostname}`)) &&
    (domain.port === undefined || domain.port === portOf(url))
  );
}

const portOf = ({ port, protocol }: Pick<URL, 'port' | 'protocol'>): string =>
  port || (protocol === 'https:' ? '443' : '80');

// RFC 6761 section 6.3: names under localhost never leave the machine.
function isEncryptedOrLocal(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(.+\.)?localhost$/.test(url.hostname));
}
