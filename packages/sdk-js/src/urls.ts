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

const RUNS_OR_READS_LOCALLY = /^(javascript|data|blob|file|vbscript|about|view-source):$/;

/** Whether a page may be sent there: an absolute URL whose scheme runs no script in the page. */
export function isSafeDestination(text: string): boolean {
  const url = parseUrl(text);
  return url !== undefined && !RUNS_OR_READS_LOCALLY.test(url.protocol);
}
