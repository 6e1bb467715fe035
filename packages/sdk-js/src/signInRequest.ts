import type { Fields } from './fields.ts';
import { KeymoorError, type KeymoorErrorCode } from './keymoorError.ts';
import type { AuthenticationContext, AuthenticationMethod } from './types.ts';
import { isPrintable, isSafeDestination } from './urls.ts';

/** What the server wants next: a proof, or nothing more. */
export type Step =
  | { type: 'prove'; transactionId: string; nonce: string }
  | { type: 'allow'; code: string; message: string | undefined }
  | { type: 'deny'; message: string | undefined };

/** A verified request to sign in. */
export interface SignInRequest {
  baseUrl: string;
  tenantId: string;
  realmId: string;
  application: AuthenticationContext['application'];
  redirectUri: string;
  state: string | undefined;
  correlationId: string;
  /** Seconds since 1970. */
  expiresAt: number;
  firstStep: Step;
  /** Options for an assertion over the server's challenge, if it takes one. */
  fido2: Fields | undefined;
  methods: AuthenticationMethod[] | undefined;
  origin: AuthenticationContext['origin'];
}

/** The only way of proving that this SDK speaks. */
export const POLICY_VERSION = 'v3';

/** Reads the members this SDK uses. @throws {@link KeymoorError} `invalid_request` if one is missing. */
export function readSignInRequest(claims: Fields): SignInRequest {
  const authn = claims.object('authn');
  const redirectUri = authn.string('redirect_uri');
  if (!isSafeDestination(redirectUri)) {
    throw new KeymoorError('invalid_request', 'the sign-in request leads to no address a page may go to');
  }
  const correlationId = claims.string('cid');
  if (!isPrintable(correlationId)) throw new KeymoorError('invalid_request', 'the sign-in request has a cid that is no header');
  const displayName = authn.has('application') ? authn.object('application').optionalString('display_name') : undefined;
  return {
    baseUrl: authn.string('base_url').replace(/\/$/, ''),
    tenantId: authn.string('tid'),
    realmId: authn.string('rid'),
    application: { id: authn.string('aid'), ...present({ displayName }) },
    redirectUri,
    state: authn.optionalString('state'),
    correlationId,
    expiresAt: claims.number('exp'),
    firstStep: readAction(authn.object('action')),
    fido2: authn.has('fido2') ? authn.object('fido2').object('request_options') : undefined,
    methods: readMethods(authn),
    origin: readOrigin(claims),
  };
}

/** Reads the members of one step. @throws {@link KeymoorError} `code` if it is none that this SDK can take. */
export function readStep(type: string, step: Fields, code: KeymoorErrorCode): Step {
  switch (type) {
    case 'prove':
      if (step.string('bi_pol_ver') !== POLICY_VERSION) break;
      return { type, transactionId: step.string('transaction_id'), nonce: step.string('nonce') };
    case 'allow':
      return { type, code: step.string('code'), message: step.optionalString('message') };
    case 'deny':
      return { type, message: step.optionalString('message') };
  }
  throw new KeymoorError(code, `the server asks for a step this SDK doesn't know: ${type}`);
}

/** An action is an object with one member, named after the step. */
function readAction(action: Fields): Step {
  const type = Object.keys(action.raw())[0] ?? 'none';
  return readStep(type, action.object(type), 'invalid_request');
}

function readMethods(authn: Fields): AuthenticationMethod[] | undefined {
  if (!authn.has('authenticator_config')) return undefined;
  const config = authn.object('authenticator_config').object('config');
  if (!config.has('authentication_methods')) return undefined;
  return config.objects('authentication_methods').map((method) => {
    const type = method.string('type');
    // The older name of the same kind.
    const current = type === 'subtle_crypto_passkey' ? 'software_passkey' : type;
    return { ...method.raw(), type: current } as AuthenticationMethod;
  });
}

function readOrigin(claims: Fields): SignInRequest['origin'] {
  if (!claims.has('origin')) return {};
  const origin = claims.object('origin');
  return present({
    sourceIp: origin.optionalString('ip'),
    userAgent: origin.optionalString('ua'),
    geolocation: origin.optionalString('geo'),
    referer: origin.optionalString('ref'),
  });
}

/** Leaves out what is undefined. */
function present<T extends Record<string, string | undefined>>(members: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
