import { parametersOf } from './urls.ts';

/** The request JWT that a sign-in URL carries, unverified; nothing where the text is no such URL. */
export const parseAuthenticateUrl = (text: string): string | undefined =>
  parametersOf(text, 'bi-authenticate', ['request'])?.request;
