import { randomInt } from 'node:crypto';
import { type Link, type Realm, unique } from '../support/directory.ts';
import { ok } from '../support/http.ts';
import { SignIns, type Started } from '../support/signIn.ts';
import { bind, SoftwareKey, subjectOf } from '../support/softwareKey.ts';

/** A passkey whose binding the server acknowledged. */
export interface Bound {
  link: Link & { jobId: string };
  key: SoftwareKey;
  credentialId: string;
}

/** A binding whose answer the crash swallowed: either may be true. */
export interface Unanswered {
  link: Link & { jobId: string };
  key: SoftwareKey;
}

/** A code that the server handed out, and whether it acknowledged its exchange. */
export interface Issued {
  started: Started;
  code: string;
  redeemed: boolean;
}

/** What clients know about the server after one run of load. */
export interface Ledger {
  bound: Bound[];
  unanswered: Unanswered[];
  codes: Issued[];
}

const BINDERS = 6;
const SIGNERS = 4;

/** Binds and signs in as fast as the server answers, until it stops answering. */
export async function load(realm: Realm, configId: string, signIns: SignIns, ledger: Ledger): Promise<void> {
  const binders = Array.from({ length: BINDERS }, () => untilUnreachable(() => bindOnce(realm, configId, ledger)));
  const signers = Array.from({ length: SIGNERS }, () => untilUnreachable(() => signInOnce(signIns, ledger)));
  await Promise.all([...binders, ...signers]);
}

/** Two devices try the same link at once, now and then: one passkey must come of it. */
async function bindOnce(realm: Realm, configId: string, ledger: Ledger): Promise<void> {
  const identity = await realm.identity(undefined, unique('load'));
  const link = await realm.link(configId, identity.id);
  const keys = randomInt(4) === 0 ? [new SoftwareKey(), new SoftwareKey()] : [new SoftwareKey()];
  const tries = keys.map(async (key) => {
    try {
      const answer = await bind(link, key.bindingProof(subjectOf(link), link.token));
      if (answer.status === 409) return;
      ledger.bound.push({ link, key, credentialId: ok<{ id: string }>(answer).id });
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      ledger.unanswered.push({ link, key });
      throw error;
    }
  });
  await settled(tries);
}

async function signInOnce(signIns: SignIns, ledger: Ledger): Promise<void> {
  const bound = ledger.bound[ledger.bound.length ? randomInt(ledger.bound.length) : 0];
  if (!bound) return void (await signIns.start());
  const { started, code } = await signIns.code(bound.key, bound.link.identityId);
  const issued: Issued = { started, code, redeemed: false };
  if (randomInt(2) === 0) {
    // Until its answer is there, nobody knows whether this code was used: only known outcomes are kept.
    ok(await signIns.redeem(started, code));
    issued.redeemed = true;
  }
  ledger.codes.push(issued);
}

async function untilUnreachable(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
    } catch (error) {
      if (isUnreachable(error)) return;
      throw error;
    }
  }
}

/** Waits for all, then fails as the first that failed. */
async function settled(tries: Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(tries)) if (outcome.status === 'rejected') throw outcome.reason;
}

/** What `fetch` throws when the connection is refused or ends early. */
function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated');
}
