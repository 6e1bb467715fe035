import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { KeymoorApiError } from '@keymoor/api-client';
import { type Link, Management, type Realm, unique } from './directory.ts';
import { oauthError, ok, UnexpectedAnswer } from './http.ts';
import type { Keymoor } from './keymoor.ts';
import { SignIns, type Started } from './signIn.ts';
import { bind, SoftwareKey, subjectOf } from './softwareKey.ts';

/** A passkey whose binding the server acknowledged. */
export interface Bound {
  link: Link & { jobId: string };
  key: SoftwareKey;
  credentialId: string;
}

/** What clients know about the server after some load. */
export interface Ledger {
  bound: Bound[];
  /**
   * Bindings of which nobody knows whether they happened: either may be true. `alone`: no other device tried the link.
   */
  unanswered: (Omit<Bound, 'credentialId'> & { alone: boolean })[];
  /** Codes that the server handed out, and whether it acknowledged their exchange. */
  codes: { started: Started; code: string; redeemed: boolean }[];
  /** How many requests were put off by a 503, and of how many the server itself did not know what became of them. */
  putOff: number;
  unknown: number;
  /** How long the slowest answer of any kind took. */
  slowestMs: number;
}

export function emptyLedger(): Ledger {
  return { bound: [], unanswered: [], codes: [], putOff: 0, unknown: 0, slowestMs: 0 };
}

const BINDERS = 6;
const SIGNERS = 4;
/** A binder may have two devices at work, so no more requests than these are ever under way at once. */
export const MAX_UNDER_WAY = 2 * BINDERS + SIGNERS;
/** Clients that are put off come again sooner than they are asked to, or there would be no load to speak of. */
const COME_AGAIN_MS = 100;

/** Devices and applications of one realm, which keep book of what the server told them. */
export class Clients {
  readonly realm: Realm;
  readonly #configId: string;
  readonly #signIns: SignIns;

  private constructor(realm: Realm, configId: string, signIns: SignIns) {
    this.realm = realm;
    this.#configId = configId;
    this.#signIns = signIns;
  }

  static async of(keymoor: Keymoor): Promise<Clients> {
    const realm = await (await Management.of(keymoor.init)).realm();
    const configId = await realm.config('https://app.example');
    const application = await realm.application(configId, 'https://app.example/callback');
    return new Clients(realm, configId, new SignIns(realm, application));
  }

  /**
   * Binds and signs in as fast as the server answers.
   *
   * @param stop - Ends it, and then the server has to answer all the time, with a 503 or, where a commit was cut
   * off, with its not knowing. Without it, the load ends when the server does.
   */
  async load(ledger: Ledger, stop?: AbortSignal): Promise<void> {
    const work = async (task: () => Promise<void>) => {
      while (!stop?.aborted) {
        const started = performance.now();
        try {
          await task();
        } catch (error) {
          if (!stop && isUnreachable(error)) return;
          if (!stop || !(isPutOff(error) || isUnknown(error))) throw error;
          if (isPutOff(error)) ledger.putOff++;
          else ledger.unknown++;
          await delay(COME_AGAIN_MS);
        } finally {
          ledger.slowestMs = Math.max(ledger.slowestMs, performance.now() - started);
        }
      }
    };
    const binders = Array.from({ length: BINDERS }, () => work(() => this.#bindOnce(ledger)));
    const signers = Array.from({ length: SIGNERS }, () => work(() => this.#signInOnce(ledger)));
    await Promise.all([...binders, ...signers]);
  }

  /** Checks that the server knows all it acknowledged, and lets devices try again that got no answer. */
  async check({ bound, unanswered, codes }: Ledger): Promise<void> {
    for (const { started, code, redeemed } of codes) {
      const answer = await this.#signIns.redeem(started, code);
      if (redeemed) oauthError(answer, 400, 'invalid_grant');
      else ok(answer);
    }
    for (const passkey of bound) await this.#checkPasskey(passkey);
    for (const { link, key, alone } of unanswered) {
      // Either the first try counted, or this one does: a device gets its passkey unless another was first.
      const answer = await bind(link, key.bindingProof(subjectOf(link), link.token));
      assert((alone ? [200] : [200, 409]).includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
    }
  }

  /** Checks that no job was completed twice and that none of these passkeys is gone; says how many there are. */
  async checkAll(everBound: Bound[]): Promise<string> {
    const ofAll = { realm_id: this.realm.id, identity_id: '-', page_size: 200 };
    const jobs = await Array.fromAsync(this.realm.api.listCredentialBindingJobs(ofAll));
    const complete = jobs.filter(({ state }) => state === 'COMPLETE');
    const passkeys = await Array.fromAsync(this.realm.api.listCredentials(ofAll));
    assert.deepEqual(
      passkeys.map(({ id, identity_id }) => `${identity_id} ${id}`).sort(),
      complete.map(({ credential_id, identity_id }) => `${identity_id} ${credential_id}`).sort(),
    );
    assert.equal(new Set(passkeys.map(({ identity_id }) => identity_id)).size, passkeys.length);
    const ids = new Set(passkeys.map(({ id }) => id));
    assert.deepEqual(
      everBound.filter(({ credentialId }) => !ids.has(credentialId)),
      [],
    );
    return `${jobs.length} jobs, ${complete.length} complete, ${passkeys.length} passkeys`;
  }

  /** Two devices try the same link at once, now and then: one passkey must come of it. */
  async #bindOnce(ledger: Ledger): Promise<void> {
    const identity = await this.realm.identity(undefined, unique('load'));
    const link = await this.realm.link(this.#configId, identity.id);
    const keys = randomInt(4) === 0 ? [new SoftwareKey(), new SoftwareKey()] : [new SoftwareKey()];
    const alone = keys.length === 1;
    const tries = keys.map(async (key) => {
      try {
        const answer = await bind(link, key.bindingProof(subjectOf(link), link.token));
        if (answer.status === 409) return;
        ledger.bound.push({ link, key, credentialId: ok<{ id: string }>(answer).id });
      } catch (error) {
        if (isUnreachable(error) || isPutOff(error) || isUnknown(error)) ledger.unanswered.push({ link, key, alone });
        throw error;
      }
    });
    for (const outcome of await Promise.allSettled(tries)) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #signInOnce(ledger: Ledger): Promise<void> {
    const bound = ledger.bound[ledger.bound.length ? randomInt(ledger.bound.length) : 0];
    if (!bound) return void (await this.#signIns.start());
    const { started, code } = await this.#signIns.code(bound.key, bound.link.identityId);
    // Until its answer is there, nobody knows whether a code was used: only known outcomes are kept.
    const redeemed = randomInt(2) === 0;
    if (redeemed) ok(await this.#signIns.redeem(started, code));
    ledger.codes.push({ started, code, redeemed });
  }

  async #checkPasskey({ link, key, credentialId }: Bound): Promise<void> {
    const [credential, ...others] = await this.realm.credentials(link.identityId);
    assert.deepEqual(others, []);
    assert.equal(credential?.id, credentialId);
    assert.equal(credential?.jwk_thumbprint.replace(/=$/, ''), key.thumbprint);
    const job = await this.realm.job({ id: link.jobId, identity_id: link.identityId });
    assert.deepEqual([job.state, job.credential_id], ['COMPLETE', credentialId]);
  }
}

/** What `fetch` throws when the connection is refused or ends early. */
function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated');
}

/** A 503 that says when to come again, as it must. */
function isPutOff(error: unknown): boolean {
  const { status, retryAfter = '' } = refusal(error);
  return status === 503 && /^[1-9][0-9]?$/.test(String(retryAfter));
}

/** The 500 for a commit of which the database did not say whether it took place. */
function isUnknown(error: unknown): boolean {
  const { status, message = '' } = refusal(error);
  return status === 500 && /^the outcome of the request is unknown/.test(message);
}

/** What the server refused something with, whether the API's client or a device was told. */
function refusal(error: unknown): { status?: number; retryAfter?: unknown; message?: string } {
  if (error instanceof KeymoorApiError) return error;
  if (!(error instanceof UnexpectedAnswer)) return {};
  const { status, headers, body } = error.answer;
  return { status, retryAfter: headers.get('retry-after'), message: body.message ?? body.error_description };
}
