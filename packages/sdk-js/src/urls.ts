/** The URL, or nothing where the text is none. Takes anything, since callers may be plain JavaScript. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** What static hosts add to a path: `/bind` also arrives as `/bind/`, `/bind.html` or `/bind/index.html`. */
const ADDED_BY_HOSTS = /(\/index\.html?|\.html?|\/)$/;

/**
 * The parameters of a URL that leads to the route `name`, or nothing where it leads elsewhere.
 *
 * The route is the last segment of the path, or of the fragment (`/#/bind?…`), which is the path of
 * single-page routers. In `scheme://bind?…` it is the host: an app scheme needs no path.
 */
export function parametersOf(text: string, name: string): URLSearchParams | undefined {
  const url = parseUrl(text);
  if (!url) return undefined;
  const [page, fragment] = splitOnce(url.href, '#');
  const beforeQuery = splitOnce(page, '?')[0];
  const path = /^https?:$/.test(url.protocol) ? url.pathname : beforeQuery;
  if (isRoute(path, name)) return url.searchParams;
  const [route, query] = splitOnce(fragment, '?');
  return isRoute(route, name) ? new URLSearchParams(query) : undefined;
}

const isRoute = (path: string, name: string): boolean =>
  path.replace(ADDED_BY_HOSTS, '').split('/').pop() === name;

/** The text before and after the first `mark`. */
export function splitOnce(text: string, mark: string): [before: string, after: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** The schemes that the server refuses too. */
const REFUSED =
  /^(ms-.*|vnd\..*|javascript|livescript|mocha|vbscript|data|blob|filesystem|file|content|jar|feed|mhtml|view-source|wyciwyg|cid|mid|urn|about|resource|res|chrome|chrome-devtools|chrome-error|chrome-extension|chrome-native|chrome-search|chrome-untrusted|devtools|edge|brave|opera|vivaldi|extension|moz-extension|moz-icon|moz-page-thumb|moz-safe-about|safari-extension|safari-resource|safari-web-extension|x-safari-http|x-safari-https|googlechrome|googlechromes|microsoft-edge|intent|android-app|market|itms|itms-apps|itms-appss|itms-beta|itms-books|itms-services|itmss|prefs|app-prefs|x-apple\.systempreferences|x-man-page|applescript|shell|search|search-ms|hcp|its|mk|apt|snap|steam|windowsdefender|mailto|tel|callto|fax|sms|smsto|mms|mmsto|sip|sips|facetime|facetime-audio|xmpp|geo|maps|webcal|webcals|ws|wss|ftp|ftps|sftp|tftp|ssh|telnet|rlogin|git|svn|rsync|ldap|ldaps|gopher|finger|news|nntp|imap|smtp|nfs|smb|cifs|afp|rtsp|rdp|vnc|irc|magnet):$/;

/** Whether a page may be sent there: an absolute URL whose scheme is a website's or an app's. */
export function isSafeDestination(text: string): boolean {
  const url = parseUrl(text);
  return url !== undefined && !REFUSED.test(url.protocol);
}
