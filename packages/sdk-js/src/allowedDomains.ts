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
 * @param pageHostname - What an empty list means. The page's port is left out, because a page and its API
 * on one host often differ in it.
 * @throws {@link KeymoorError} `invalid_config` if an entry is not `host` or `host:port`.
 */
export function parseAllowedDomains(entries: readonly string[] | undefined, pageHostname: string): AllowedDomain[] {
  return (entries?.length ? entries : [pageHostname]).map((entry) => {
    const [, host, port] = HOST_AND_PORT.exec(entry) ?? [];
    // The URL parser makes the entry comparable: lower case, punycode, one spelling of each address.
    const hostname = host && parseUrl(`https://${host}`)?.hostname;
    if (!hostname) {
      const text = JSON.stringify(entry);
      throw new KeymoorError('invalid_config', `allowedDomains takes "host" or "host:port", not ${text}`);
    }
    return { hostname, port };
  });
}

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
    throw new KeymoorError('disallowed_domain', `${url.protocol}//${url.host} must use https`);
  }
  if (!domains.some((domain) => covers(domain, url))) {
    throw new KeymoorError('disallowed_domain', `${url.host} is not one of the allowed domains`);
  }
}

function covers(domain: AllowedDomain, url: URL): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return (
    (url.hostname === domain.hostname || url.hostname.endsWith(`.${domain.hostname}`)) &&
    (domain.port === undefined || domain.port === port)
  );
}

// RFC 6761 section 6.3: names under localhost never leave the machine.
function isEncryptedOrLocal(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(.+\.)?localhost$/.test(url.hostname));
}
