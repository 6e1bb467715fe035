import { signIn } from './authenticate.ts';
import type { Context } from './context.ts';
import { signWithFido2Key, type Wanted } from './fido2Key.ts';
import { KeymoorError } from './keymoorError.ts';
import { obstacle } from './obstacle.ts';
import { distinguishedName } from './passkeyKey.ts';
import type { SignInRequest } from './signInRequest.ts';
import { listPasskeys } from './storage.ts';
import type { AuthenticateResponse, Fido2Locator } from './types.ts';
import { within } from './within.ts';

const ANSWER_LIMIT_MS = 5_000;

/** Signs in to a verified request with a passkey that this browser need not know. */
export async function authenticateFido2(
  request: SignInRequest,
  locator: Fido2Locator,
  context: Context,
): Promise<AuthenticateResponse> {
  const { fido2 } = request;
  if (!fido2) {
    const setting = "authentication_methods of the application's authenticator config";
    throw new KeymoorError('unsupported', `the sign-in request has no WebAuthn options: the ${setting} lack webauthn_passkey`);
  }
  const reason = obstacle('get');
  if (reason) throw reason;
  const wanted = await wantedBy(locator, request);
  return signIn(request, (step) => signWithFido2Key(fido2, step, wanted), context);
}

async function wantedBy(locator: Fido2Locator, request: SignInRequest): Promise<Wanted> {
  if (locator === 'local') return { keys: [] };
  const { email } = (locator ?? {}) as { email?: unknown };
  if (typeof email === 'string') return keysOf(email, request);
  if (locator !== 'autofill') {
    throw new KeymoorError('invalid_config', "authenticateFido2 takes 'local', 'autofill' or { email } as its second argument");
  }
  if (await hasAutofill()) return { keys: [], inAutofillUntil: request.expiresAt };
  throw new KeymoorError('unsupported', 'this browser shows no passkeys in its autofill');
}

async function hasAutofill(): Promise<boolean> {
  try {
    return await within(ANSWER_LIMIT_MS, PublicKeyCredential.isConditionalMediationAvailable());
  } catch {
    // Browsers without it, or without WebAuthn.
    return false;
  }
}

/** Only this browser is asked: a server that answered would tell anybody who has passkeys. */
async function keysOf(email: string, { tenantId, realmId }: SignInRequest): Promise<Wanted> {
  const known = (await listPasskeys()).filter(({ passkey, owner: [tenant, realm], key }) => {
    const address = passkey.identity.emailAddress?.toLowerCase();
    const isOfRealm = tenant === tenantId && realm === realmId;
    return isOfRealm && address === email.toLowerCase() && key.type === 'webauthn';
  });
  const [first, ...others] = known;
  if (!first) throw new KeymoorError('passkey_not_found', 'this browser holds no passkey of that address');
  const keys = known.map(({ key }) => key as Wanted['keys'][number]);
  return others.length > 0 ? { keys } : { keys, sub: distinguishedName(...first.owner) };
}
