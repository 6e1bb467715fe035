import assert from 'node:assert/strict';
import { createHash, createPublicKey, type JsonWebKey as NodeJwk, verify } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Embedded, KeymoorError, type Passkey } from '../src/index.ts';
import { answerBy, type ScriptedAnswer, takeMembers } from './vectorCase.ts';

interface Call {
  method: 'bindPasskey' | 'authenticate' | 'getAuthenticationContext' | 'getPasskeys' | 'deletePasskey';
  url?: string;
  passkey?: string;
}

interface Event {
  keystore?: 'create' | 'sign';
  fail?: string;
  expect?: { method: string; url: string; headers?: Record<string, string>; json?: unknown; form?: Record<string, unknown>; text?: string };
  answer?: ScriptedAnswer;
}

interface Step {
  call: Call;
  exchange: Event[];
  storeFails?: boolean;
  result?: object;
  error?: string;
}

export interface Scenario {
  name: string;
  allowedDomains: string[];
  now: number;
  steps: Step[];
  keysLeft: number;
  passkeysLeft: number;
}

const { subtle } = crypto;
const { generateKey, sign } = subtle;
const { now: realNow } = Date;

/** Plays one scenario on a fresh device. */
export async function runScenario(scenario: Scenario): Promise<void> {
  const stage = new Stage();
  Date.now = () => scenario.now * 1_000;
  try {
    const embedded = await Embedded.initialize({ allowedDomains: scenario.allowedDomains });
    for (const step of scenario.steps) await stage.play(embedded, step);
    const [keys, passkeys] = await stored();
    assert.deepEqual({ keysLeft: keys, passkeysLeft: passkeys }, { keysLeft: scenario.keysLeft, passkeysLeft: scenario.passkeysLeft });
  } finally {
    Date.now = realNow;
    stage.leave();
  }
}

/** The server and the key store of a scenario. What they see must be what it says, in that order. */
class Stage {
  #events: Event[] = [];
  /** What went wrong where the SDK would catch it. */
  #problems: unknown[] = [];
  readonly #keys: NodeJwk[] = [];
  readonly #passkeys: Passkey[] = [];

  constructor() {
    globalThis.fetch = (input, init) => this.#watch(async () => this.#fetch(String(input), init ?? {}));
    subtle.generateKey = (async (...args: Parameters<typeof generateKey>) => {
      this.#keyStore('create');
      const pair = (await generateKey.apply(subtle, args)) as CryptoKeyPair;
      this.#keys.push((await subtle.exportKey('jwk', pair.publicKey)) as NodeJwk);
      return pair;
    }) as typeof generateKey;
    subtle.sign = async (...args) => {
      this.#keyStore('sign');
      return sign.apply(subtle, args);
    };
  }

  leave(): void {
    Object.assign(subtle, { generateKey, sign });
  }

  async play(embedded: Embedded, step: Step): Promise<void> {
    takeMembers(step, ['call', 'exchange', 'storeFails', 'result', 'error']);
    takeMembers(step.call, ['method', 'url', 'passkey']);
    this.#events = [...step.exchange];
    const { open } = indexedDB;
    if (step.storeFails) {
      indexedDB.open = () => {
        throw new DOMException('full', 'QuotaExceededError');
      };
    }
    let outcome: object;
    try {
      outcome = { result: await this.#call(embedded, step.call) };
    } catch (error) {
      if (!(error instanceof KeymoorError)) throw error;
      outcome = { error: error.code };
    } finally {
      indexedDB.open = open;
    }
    for (const problem of this.#problems) throw problem;
    assert.deepEqual(this.#events, [], 'did not happen');
    assert.deepEqual(outcome, step.error ? { error: step.error } : { result: step.result });
  }

  async #call(embedded: Embedded, { method, url = '', passkey = '' }: Call): Promise<object> {
    const id = passkey.startsWith('$') ? (this.#passkeys[Number(passkey.slice(1)) - 1]?.id ?? '') : passkey;
    switch (method) {
      case 'bindPasskey': {
        const bound = await embedded.bindPasskey(url);
        this.#passkeys.push(bound.passkey);
        const { passkeyId, created, tenant, realm, identity } = bound.passkey;
        const { emailAddress: email, ...person } = identity;
        return { passkeyId, created, tenant, realm, identity: { ...person, email }, postBindingRedirectUri: bound.postBindingRedirectUri };
      }
      case 'authenticate':
        return { ...(await embedded.authenticate(url, id)) };
      case 'getAuthenticationContext': {
        const { application, origin } = await embedded.getAuthenticationContext(url);
        return { application, sourceIp: origin.sourceIp };
      }
      case 'getPasskeys':
        return { passkeyIds: (await embedded.getPasskeys()).map(({ passkeyId }) => passkeyId) };
      case 'deletePasskey':
        await embedded.deletePasskey(id);
        return {};
    }
  }

  async #watch<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof assert.AssertionError) this.#problems.push(error);
      throw error;
    }
  }

  #next(): Event {
    const event = this.#events.shift();
    assert.ok(event, 'nothing more was to happen');
    takeMembers(event, ['keystore', 'fail', 'expect', 'answer']);
    return event;
  }

  #keyStore(what: 'create' | 'sign'): void {
    const event = this.#next();
    if (event.keystore !== what) {
      const problem = new assert.AssertionError({ message: `the key store was to ${JSON.stringify(event)}, not to ${what}` });
      this.#problems.push(problem);
      throw problem;
    }
    if (event.fail) throw new DOMException('no', 'OperationError');
  }

  #fetch(url: string, init: RequestInit): Response {
    const event = this.#next();
    const { expect, answer } = event;
    assert.ok(expect && answer, `${url} was called instead of ${JSON.stringify(event)}`);
    takeMembers(expect, ['method', 'url', 'headers', 'json', 'form', 'text']);
    assert.deepEqual({ method: init.method ?? 'GET', url }, { method: expect.method, url: expect.url });
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(expect.headers ?? {})) assert.equal(headers.get(name), value, name);
    const body = String(init.body ?? '');
    if (expect.text !== undefined) assert.equal(body, expect.text);
    if (expect.json) this.#match(JSON.parse(body), expect.json);
    if (expect.form) {
      const fields = [...new URLSearchParams(body)].map(([name, value]) => [name, JSON.parse(value)]);
      this.#match(Object.fromEntries(fields), expect.form);
    }
    return answerBy(answer);
  }

  /** Compares member by member. `$` members say how. */
  #match(actual: any, expected: any): void {
    if (expected?.$any) return assert.equal(typeof actual, expected.$any);
    if (expected?.$jwk) return assert.deepEqual(actual, publicMembers(this.#key(expected.$jwk)));
    if (expected?.$thumbprint) return assert.equal(actual, thumbprintOf(this.#key(expected.$thumbprint)));
    if (expected?.$jws) return this.#matchJws(String(actual), expected.$jws);
    if (typeof expected !== 'object' || expected === null || Array.isArray(expected)) {
      assert.ok(isDeepStrictEqual(actual, expected), `${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
      return;
    }
    assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
    for (const [name, value] of Object.entries(expected)) this.#match(actual[name], value);
  }

  #matchJws(jws: string, { header, claims, signedBy }: { header: object; claims: object; signedBy: string }): void {
    const parts = jws.split('.');
    assert.equal(parts.length, 3);
    const [first, second] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    this.#match(first, header);
    this.#match(second, claims);
    const key = createPublicKey({ key: this.#key(signedBy), format: 'jwk' });
    const signed = Buffer.from(parts.slice(0, 2).join('.'));
    assert.ok(verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(parts[2] ?? '', 'base64url')), 'signature');
  }

  #key(name: string): NodeJwk {
    const key = this.#keys[Number(name.replace('key', '')) - 1];
    assert.ok(key, `${name} exists`);
    return key;
  }
}

const publicMembers = ({ crv, kty, x, y }: NodeJwk) => ({ crv, kty, x, y });

const thumbprintOf = (key: NodeJwk): string =>
  createHash('sha256').update(JSON.stringify(publicMembers(key))).digest('base64url');

/** How many keys and passkeys the browser holds. A key is kept with its passkey or with an unfinished attempt. */
function stored(): Promise<[keys: number, passkeys: number]> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('keymoor');
    opening.onupgradeneeded = () => opening.transaction?.abort();
    opening.onerror = () => (opening.error?.name === 'AbortError' ? resolve([0, 0]) : reject(opening.error));
    opening.onsuccess = () => {
      const tx = opening.result.transaction(['passkeys', 'device']);
      const passkeys = tx.objectStore('passkeys').count();
      const values = tx.objectStore('device').getAll();
      tx.oncomplete = () => {
        opening.result.close();
        const attempts = values.result.filter((value) => typeof value === 'object').length;
        resolve([passkeys.result + attempts, passkeys.result]);
      };
    };
  });
}
