import { KeymoorError } from './keymoorError.ts';
import { type Address, type Host, parseAddress, parseHost } from './urls.ts';

/** A host that may be called, on one port or on all. */
export type AllowedDomain = Host;

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
  const host = typeof entry === 'string' && parseHost(entry);
  if (!host) throw notA('"host" or "host:port", other alphabets as "xn--…"', entry);
  return host;
}

const notA = (expected: string, value: unknown) =>
  new KeymoorError('invalid_config', `allowedDomains takes ${expected}, not ${JSON.stringify(value)}`);

/**
 * Refuses a URL that must not be called.
 *
 * @returns The address to call, written anew from what was checked.
 * @throws {@link KeymoorError} `invalid_url` if the text is no URL, `disallowed_domain` if its host isn't
 * listed, or it would be called without encryption over a network.
 */
export function requireAllowed(text: string, domains: readonly AllowedDomain[]): string {
  const address = parseAddress(text);
  if (!address) throw new KeymoorError('invalid_url', 'an address to call is no absolute URL');
  if (!isEncryptedOrLocal(address)) {
    throw new KeymoorError('disallowed_domain', `${address.origin} must use https. Plain http is for localhost only`);
  }
  if (!domains.some((domain) => covers(domain, address))) {
    const list = domains.map(({ hostname, port }) => (port ? `${hostname}:${port}` : hostname)).join(', ');
    const host = address.origin.replace(/^\w+:\/\//, '');
    const fix = `Add it to the allowedDomains of Embedded.initialize`;
    throw new KeymoorError('disallowed_domain', `${host} is not one of the allowed domains (${list}). ${fix}`);
  }
  return address.href;
}

const covers = (domain: AllowedDomain, { hostname, port }: Address): boolean =>
  (hostname === domain.hostname || hostname.endsWith(`.${domain.hostname}`)) &&
  (domain.port === undefined || domain.port === port);

const portOf = ({ port, protocol }: Pick<Location, 'port' | 'protocol'>): string =>
  port || (protocol === 'https:' ? '443' : '80');

// RFC 6761 section 6.3: names under localhost never leave the machine.
const isEncryptedOrLocal = ({ scheme, hostname }: Address): boolean =>
  scheme === 'https' || (scheme === 'http' && /^(.+\.)?localhost$/.test(hostname));
