import type { BindPasskeyResponse, Passkey } from './types.ts';

/** The answer of `bindPasskey`. Its deprecated names are members like the others, so that a copy has them, too. */
export function boundPasskey(passkey: Passkey, postBindingRedirectUri: string | undefined): BindPasskeyResponse {
  return {
    passkey,
    ...(postBindingRedirectUri === undefined ? {} : { postBindingRedirectUri }),
    get postBindRedirect() {
      return postBindingRedirectUri;
    },
    get credential() {
      return passkey;
    },
    get id() {
      return passkey.id;
    },
  };
}
