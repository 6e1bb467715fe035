/** The URL, or nothing where the text is none. Takes anything, since callers may be plain JavaScript. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/**
 * What follows the last slash before the query. For `scheme://bind?…` that is the host: an app scheme
 * needs no path.
 */
export const lastSegment = (url: URL): string | undefined => url.href.split(/[?#]/, 1)[0]?.split('/').pop();

const RUNS_OR_READS_LOCALLY = /^(javascript|data|blob|file|vbscript|about|view-source):$/;

/** Whether a page may be sent there: an absolute URL whose scheme runs no script in the page. */
export function isSafeDestination(text: string): boolean {
  const url = parseUrl(text);
  return url !== undefined && !RUNS_OR_READS_LOCALLY.test(url.protocol);
}
