/** Calls over a bridge: one JSON text in, one out. */
const KEYSTORE = 'https://auth.example/v1/tenants/T/realms/R/identities/I/credential-binding-jobs/J:invokeAuthenticator?token=X';
const value = (name: string, method: string, args: unknown, result: unknown) => ({ name, method, arguments: args, answer: { value: result } });
const error = (name: string, method: string, args: unknown, code: string) => ({ name, method, arguments: args, answer: { error: { code } } });

export const bridge = [
  value('a link', 'isBindPasskeyUrl', { url: KEYSTORE }, true),
  value('no link', 'isBindPasskeyUrl', { url: 'x' }, false),
  value('a sign-in', 'isAuthenticateUrl', { url: 'acme://bi-authenticate?request=a.b.c' }, true),
  value('no sign-in', 'isAuthenticateUrl', { url: KEYSTORE }, false),
  value('no passkeys', 'getPasskeys', {}, []),
  value('deleting what is not there', 'deletePasskey', { id: 'unknown' }, null),
  error('binding by no link', 'bindPasskey', { url: 'x' }, 'invalid_url'),
  error('binding by a link of a foreign host', 'bindPasskey', { url: KEYSTORE.replace('auth.example', 'evil.example') }, 'disallowed_domain'),
  error('signing in by no URL', 'authenticate', { url: 'x', id: 'unknown' }, 'invalid_url'),
  error('what no URL says', 'getAuthenticationContext', { url: 'x' }, 'invalid_url'),
  error('an unknown method', 'dance', {}, 'invalid_request'),
  error('a missing argument', 'bindPasskey', {}, 'invalid_request'),
  error('an argument of another kind', 'deletePasskey', { id: 7 }, 'invalid_request'),
];
