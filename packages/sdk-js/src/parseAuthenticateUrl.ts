import { lastSegment, parseUrl } from './urls.ts';

/** The request JWT that a sign-in URL carries, unverified; nothing where the text is no such URL. */
export function parseAuthenticateUrl(text: string): string | undefined {
  const url = parseUrl(text);
  if (!url || lastSegment(url) !== 'bi-authenticate') return undefined;
  return url.searchParams.get('request') || undefined;
}
