import { KeymoorError } from './keymoorError.ts';
import { obstacle, type Use } from './obstacle.ts';

/** Ends the prompt that waits in the page's autofill. A browser runs one ceremony at a time. */
let waiting: AbortController | undefined;

/**
 * Runs a WebAuthn ceremony, and ends the one that waits in the page's autofill if there is one.
 *
 * @param waitMs - For how many milliseconds this one will wait there itself, if it does.
 * @throws {@link KeymoorError} `cancelled` if the person, the page or the next ceremony ended it,
 * `passkey_exists` if the authenticator holds one of the excluded keys, `unsupported` if this page or device can't serve.
 */
export async function ceremony(
  use: Use,
  ask: (ending: { signal?: AbortSignal }) => Promise<Credential | null>,
  waitMs?: number,
): Promise<PublicKeyCredential> {
  const reason = obstacle(use);
  if (reason) throw reason;
  waiting?.abort();
  const own = waitMs === undefined ? undefined : new AbortController();
  waiting = own;
  const timer = own && setTimeout(() => own.abort(), waitMs);
  let cause: unknown;
  try {
    const credential = await ask(own ? { signal: own.signal } : {});
    if (credential) return credential as PublicKeyCredential;
  } catch (error) {
    cause = error;
  } finally {
    clearTimeout(timer);
  }
  throw failure(cause);
}

function failure(cause: unknown): KeymoorError {
  const { name } = (cause ?? {}) as Partial<Error>;
  switch (name) {
    case 'NotAllowedError':
      return new KeymoorError('cancelled', 'the prompt of the device was dismissed, timed out or found no passkey', cause);
    case 'AbortError':
      return new KeymoorError('cancelled', 'another call or the end of the sign-in request ended the waiting autofill', cause);
    case 'OperationError':
      return new KeymoorError('cancelled', 'the page waits for the authenticator already, in a call that is not of the SDK', cause);
    case 'InvalidStateError':
      return new KeymoorError('passkey_exists', 'the authenticator holds a passkey of this account already', cause);
    default:
      return new KeymoorError('unsupported', `the authenticator of this device could not serve (${name ?? 'no answer'})`, cause);
  }
}
