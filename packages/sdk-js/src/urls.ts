/**
 * The grammar of docs/reference/links.md. No URL class decides what a link is, because those of browsers,
 * Java, Swift and Dart disagree.
 */

/** A text taken apart, nothing of it decoded. */
interface Parts {
  /** In lower case, without the colon. */
  scheme: string;
  authority: string;
  path: string;
  query: string;
  /** Undefined where the text has no fragment sign. */
  fragment: string | undefined;
}

const VISIBLE = /^[!-[\]-~]{1,16384}$/;
const PARTS = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#([^#]*))?$/i;

function partsOf(text: string): Parts | undefined {
  // Callers may be plain JavaScript, and a symbol can't be matched.
  const found = typeof text === 'string' && VISIBLE.test(text) && PARTS.exec(text);
  if (!found) return undefined;
  const [, scheme = '', authority = '', path = '', query = '', fragment] = found;
  return { scheme: scheme.toLowerCase(), authority, path, query, fragment };
}

const HOST = /^(\[[\da-f:.]+\]|[a-z\d]([a-z\d.-]*[a-z\d])?)(?::(\d{1,5}))?$/i;
/** A name whose last label is a number is an address to every resolver, in spellings of which one is taken. */
const NUMBER = /(^|\.)(\d+|0x[\da-f]*)$/;
const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;

/** A host and a port, if any. Both are comparable as text. */
export interface Host {
  hostname: string;
  port: string | undefined;
}

/** Reads `host` or `host:port`. */
export function parseHost(text: string): Host | undefined {
  const [, name, , digits] = HOST.exec(text) ?? [];
  const hostname = name?.toLowerCase();
  const port = digits && Number(digits);
  if (!hostname || hostname.includes('..') || port === 0 || Number(port) > 65_535) return undefined;
  if (NUMBER.test(hostname) && !IPV4.test(hostname)) return undefined;
  return { hostname, port: port ? String(port) : undefined };
}

/** Something that can be called, once its host is known to be allowed. */
export interface Address extends Host {
  scheme: string;
  port: string;
  /** Scheme, host and the port unless it is the usual one. */
  origin: string;
  /** The address written anew, so that what is called is what was checked. */
  href: string;
}

const USUAL_PORTS: Record<string, string> = { http: '80', https: '443' };

/** Reads an absolute address without fragment. */
export function parseAddress(text: string): Address | undefined {
  const parts = partsOf(text);
  const host = parts && parts.fragment === undefined && parseHost(parts.authority);
  if (!host) return undefined;
  const { scheme, path, query } = parts;
  const usual = USUAL_PORTS[scheme];
  const port = host.port ?? usual ?? '';
  const origin = `${scheme}://${host.hostname}${port === (usual ?? '') ? '' : `:${port}`}`;
  return { scheme, hostname: host.hostname, port, origin, href: `${origin}${path || '/'}${query && `?${query}`}` };
}

/** What static hosts add to a path: `/bind` also arrives as `/bind/`, `/bind.html` or `/bind/index.html`. */
const ADDED_BY_HOSTS = /(\/index\.html?|\.html?|\/)$/;

/**
 * The parameters of a link that leads to the route `name`, or nothing where the text is no such link.
 *
 * The route is the last segment of the path, or of the fragment (`/#/bind?…`), which is the path of
 * single-page routers. In `scheme://bind?…` it is the host: an app scheme needs no path.
 *
 * @param wanted - The parameters that the link must have, once each.
 */
export function parametersOf<Name extends string>(
  text: string,
  name: string,
  wanted: readonly Name[],
): Record<Name, string> | undefined {
  const parts = partsOf(text);
  if (!parts) return undefined;
  const { scheme, authority, path, query, fragment } = parts;
  if (scheme in USUAL_PORTS && !parseHost(authority)) return undefined;
  if (isRoute(scheme in USUAL_PORTS ? path : authority + path, name)) return readQuery(query, wanted);
  const [route, itsQuery] = splitOnce(fragment ?? '', '?');
  return isRoute(route, name) ? readQuery(itsQuery, wanted) : undefined;
}

const isRoute = (path: string, name: string): boolean =>
  path.replace(ADDED_BY_HOSTS, '').split('/').pop() === name;

const ID = '([\\w-][\\w.-]{0,127})';
const API_PATH = RegExp(
  `^/v1/tenants/${ID}/realms/${ID}/identities/${ID}/credential-binding-jobs/${ID}:invokeAuthenticator$`,
);

/** Whether a text is an id as the server makes them, which needs no escaping anywhere. */
export const isId = (text: string): boolean => RegExp(`^${ID}$`).test(text);

/** What the API's form of a link names: where it leads, its four ids and its token. */
export function parseApiLink(text: string): { origin: string; ids: string[]; token: string } | undefined {
  const parts = partsOf(text);
  const ids = parts && API_PATH.exec(parts.path)?.slice(1);
  const address = ids && parseAddress(splitOnce(text, '#')[0]);
  const found = address && readQuery(parts.query, ['token']);
  return found && { origin: address.origin, ids, token: found.token };
}

/** Printable ASCII without spaces at its ends, as it can stand in a header. */
const VALUE = /^[!-~]([ -~]*[!-~])?$/;

/** Whether a text can be the value of a header. */
export const isPrintable = (text: string): boolean => VALUE.test(text);

/** Reads a query of the form encoding. Nothing where one of the wanted parameters is missing, empty or repeated. */
function readQuery<Name extends string>(query: string, wanted: readonly Name[]): Record<Name, string> | undefined {
  const found = {} as Record<Name, string>;
  try {
    for (const pair of query.split('&')) {
      // Throws where an escape isn't two hex digits, or the bytes aren't UTF-8.
      const [name, value] = splitOnce(pair.replace(/\+/g, ' '), '=').map(decodeURIComponent) as [Name, string];
      if (!wanted.includes(name)) continue;
      if (Object.hasOwn(found, name) || !isPrintable(value)) return undefined;
      found[name] = value;
    }
  } catch {
    return undefined;
  }
  return wanted.every((name) => Object.hasOwn(found, name)) ? found : undefined;
}

/** The text before and after the first `mark`. */
export function splitOnce(text: string, mark: string): [before: string, after: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** The schemes that the server refuses too. */
const REFUSED =
  /^(ms-.*|vnd\..*|javascript|livescript|mocha|vbscript|data|blob|filesystem|file|content|jar|feed|mhtml|view-source|wyciwyg|cid|mid|urn|about|resource|res|chrome|chrome-devtools|chrome-error|chrome-extension|chrome-native|chrome-search|chrome-untrusted|devtools|edge|brave|opera|vivaldi|extension|moz-extension|moz-icon|moz-page-thumb|moz-safe-about|safari-extension|safari-resource|safari-web-extension|x-safari-http|x-safari-https|googlechrome|googlechromes|microsoft-edge|intent|android-app|market|itms|itms-apps|itms-appss|itms-beta|itms-books|itms-services|itmss|prefs|app-prefs|x-apple\.systempreferences|x-man-page|applescript|shell|search|search-ms|hcp|its|mk|apt|snap|steam|windowsdefender|mailto|tel|callto|fax|sms|smsto|mms|mmsto|sip|sips|facetime|facetime-audio|xmpp|geo|maps|webcal|webcals|ws|wss|ftp|ftps|sftp|tftp|ssh|telnet|rlogin|git|svn|rsync|ldap|ldaps|gopher|finger|news|nntp|imap|smtp|nfs|smb|cifs|afp|rtsp|rdp|vnc|irc|magnet):$/;

const DESTINATION = /^([a-z][a-z\d+.-]*:)[^\0-\x20\x7f-\x9f\\]+$/i;

/** Whether a page may be sent there: an absolute URL whose scheme is a website's or an app's. */
export function isSafeDestination(text: string): boolean {
  const scheme = DESTINATION.exec(text)?.[1]?.toLowerCase();
  if (!scheme || REFUSED.test(scheme)) return false;
  const [, authority] = /^https?:(?:\/\/([^/?#]*))?/i.exec(text) ?? [];
  return scheme.slice(0, -1) in USUAL_PORTS ? Boolean(authority && parseHost(authority)) : true;
}
