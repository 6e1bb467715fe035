import { callServer } from './callServer.ts';
import type { Context } from './context.ts';
import { signWithFido2Key } from './fido2Key.ts';
import { KeymoorError } from './keymoorError.ts';
import { distinguishedName, type SignInClaims, type SignInProof } from './passkeyKey.ts';
import { randomId } from './randomId.ts';
import { POLICY_VERSION, readStep, type SignInRequest, type Step } from './signInRequest.ts';
import { signWithSoftwareKey } from './softwareKey.ts';
import { findPasskey, instanceId, type StoredPasskey } from './storage.ts';
import type { AuthenticateResponse } from './types.ts';
import { VERSION } from './version.ts';
import { signWithWebAuthnKey } from './webAuthnKey.ts';

/** A server that always asks again must not keep a person at the prompt for ever. */
const MAX_PROOFS = 5;
/** Covers a device clock that is an hour off, as it is after a missed change to summer time. */
const PROOF_LIFE_S = 4_200;
/** base64 of `[]`: a browser has no facts about the device to report. */
const NO_FACTS = 'W10=';

type Proving = Extract<Step, { type: 'prove' }>;

/** Signs in to a verified request with a passkey of this browser. */
export async function authenticate(
  request: SignInRequest,
  id: string,
  context: Context,
): Promise<AuthenticateResponse> {
  const passkey = await findPasskey(id);
  if (!passkey) throw new KeymoorError('passkey_not_found', 'this browser holds no passkey with that id');
  const [tenantId, realmId] = passkey.owner;
  if (tenantId !== request.tenantId || realmId !== request.realmId) {
    throw new KeymoorError('invalid_request', 'the sign-in request is for another realm than the passkey');
  }
  return signIn(request, (step) => prove(step, request, passkey), context);
}

/** Answers a verified request with what `prove` makes of it. */
export async function signIn(
  request: SignInRequest,
  prove: (step: Proving) => Promise<SignInProof>,
  { domains, log }: Context,
): Promise<AuthenticateResponse> {
  let step = request.firstStep;
  for (let proofs = 0; step.type === 'prove'; proofs++) {
    if (proofs === MAX_PROOFS) throw new KeymoorError('invalid_response', 'the server keeps asking for proofs');
    const answer = await callServer(endpoint(request), domains, {
      subject: 'sign-in',
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-correlation-id': request.correlationId,
      },
      body: `claims=${encodeURIComponent(JSON.stringify(await prove(step)))}`,
    });
    step = readStep(answer.string('type'), answer, 'invalid_response');
  }
  log.write('sign-in', step.type);
  if (step.type === 'deny') throw new KeymoorError('policy_denied', step.message || 'sign-in was refused');
  return {
    redirectUrl: redirectUrl(request, step.code),
    ...(step.message === undefined ? {} : { message: step.message }),
  };
}

function endpoint({ baseUrl, ...request }: SignInRequest): string {
  const [tenant, realm, application] = [request.tenantId, request.realmId, request.application.id].map(
    encodeURIComponent,
  );
  return `${baseUrl}/v1/tenants/${tenant}/realms/${realm}/applications/${application}/bi-authenticate`;
}

async function prove(step: Proving, request: SignInRequest, { owner, key, kid }: StoredPasskey): Promise<SignInProof> {
  const sub = distinguishedName(...owner);
  if (key.type === 'webauthn' && request.fido2) return signWithFido2Key(request.fido2, step, { keys: [key], sub });
  const now = Math.floor(Date.now() / 1000);
  const claims: SignInClaims = {
    iss: `${await nameOfBrowser()}:${VERSION}`,
    sub,
    aud: [endpoint(request)],
    iat: now,
    exp: now + PROOF_LIFE_S,
    nbf: now - PROOF_LIFE_S,
    jti: randomId(),
    bi_tid: step.transactionId,
    bi_non: step.nonce,
    bi_prf: NO_FACTS,
    bi_pol_ver: POLICY_VERSION,
    flow_type: 'embedded',
  };
  return key.type === 'webauthn'
    ? signWithWebAuthnKey(key.credentialId, kid, claims)
    : signWithSoftwareKey(key.privateKey, kid, claims);
}

/** The name is of use only in the server's records: storage that is full must not keep a person out. */
async function nameOfBrowser(): Promise<string> {
  const candidate = randomId();
  return instanceId(candidate).catch(() => candidate);
}

/** The registered address stays letter for letter as it is, which parsing and printing it might not leave it. */
function redirectUrl({ redirectUri, state }: SignInRequest, code: string): string {
  const answer = new URLSearchParams({ code });
  if (state !== undefined) answer.set('state', state);
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${answer}`;
}
