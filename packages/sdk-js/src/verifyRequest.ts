import { type AllowedDomain, requireAllowed } from './allowedDomains.ts';
import { fromBase64Url, utf8 } from './encoding.ts';
import { Fields } from './fields.ts';
import { KeymoorError } from './keymoorError.ts';
import { parseJson } from './parseJson.ts';
import { REQUEST_ALGORITHMS, type RequestAlgorithm, type RequestKeys } from './requestKeys.ts';
import { type SignInRequest, readSignInRequest } from './signInRequest.ts';

/**
 * Seconds by which a request may be late or early. The request is judged by the device's clock, which may
 * be a little off; the server judges again by its own, so this only decides who says no first.
 */
export const CLOCK_LEEWAY_S = 60;

/**
 * Verifies a request JWT (RFC 7515 section 5.2, RFC 7519 section 7.2) and reads it.
 *
 * @param nowS - Seconds since 1970.
 * @throws {@link KeymoorError} `invalid_request` if it is malformed, out of its time or not signed by a key
 * of its key set; `disallowed_domain` if it names a host outside the allowed domains.
 */
export async function verifyRequest(
  jwt: string,
  keys: RequestKeys,
  domains: readonly AllowedDomain[],
  nowS: number,
): Promise<SignInRequest> {
  const { header, claims, signed, signature } = decode(jwt);
  const alg = header.string('alg');
  if (!Object.hasOwn(REQUEST_ALGORITHMS, alg)) throw refused(`is signed with ${alg}`);
  if (header.has('crit')) throw refused('has a critical header this SDK does not know');
  const name = { alg: alg as RequestAlgorithm, kid: header.string('kid'), jku: header.string('jku') };
  const key = await keys.find(name);
  const isGenuine = await crypto.subtle.verify(REQUEST_ALGORITHMS[name.alg], key, signature, utf8(signed));
  if (!isGenuine) throw refused('has a wrong signature');
  if (claims.number('exp') + CLOCK_LEEWAY_S <= nowS) throw refused('has expired');
  if (claims.number('nbf') - CLOCK_LEEWAY_S > nowS) throw refused('is not valid yet');
  const request = readSignInRequest(claims);
  requireAllowed(request.baseUrl, domains);
  return request;
}

function decode(jwt: string) {
  const [header, claims, signature, ...rest] = jwt.split('.');
  if (!header || !claims || !signature || rest.length > 0) throw refused('is no signed JWT');
  try {
    return {
      header: decodeObject(header, 'request header'),
      claims: decodeObject(claims, 'request'),
      signed: `${header}.${claims}`,
      signature: fromBase64Url(signature),
    };
  } catch (error) {
    throw error instanceof KeymoorError ? error : refused('is malformed', error);
  }
}

function decodeObject(part: string, path: string): Fields {
  return new Fields(parseJson(fromBase64Url(part).buffer), path, 'invalid_request');
}

const refused = (reason: string, cause?: unknown) =>
  new KeymoorError('invalid_request', `the sign-in request ${reason}`, cause);
