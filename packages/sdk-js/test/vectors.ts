/** Runs the vectors that all SDKs share (sdks/vectors) against this one. `node test/vectors.ts` prints the counts. */
import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey as NodeJwk, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseAllowedDomains, requireAllowed } from '../src/allowedDomains.ts';
import { KeymoorError } from '../src/keymoorError.ts';
import { parseAuthenticateUrl } from '../src/parseAuthenticateUrl.ts';
import { parseBindLink } from '../src/parseBindLink.ts';
import { parseJson } from '../src/parseJson.ts';
import { RequestKeys } from '../src/requestKeys.ts';
import { type Subject, serverError } from '../src/serverError.ts';
import { type PublicJwk, thumbprint } from '../src/thumbprint.ts';
import { isSafeDestination } from '../src/urls.ts';
import { verifyRequest } from '../src/verifyRequest.ts';
import { fakeBrowser } from './fakeBrowser.ts';
import { runScenario, type Scenario } from './scenario.ts';
import { serveKeys, takeMembers } from './vectorCase.ts';

/** Vectors know of no page whose own host would be allowed too. */
const NO_PAGE = { hostname: '', port: '', protocol: 'https:' };

type Run = (one: any) => unknown;

const RUNS: Record<string, [members: string, run: Run]> = {
  links: ['name url kind job', ({ url, kind, job }) => {
    const found = parseBindLink(url);
    assert.deepEqual(found, job);
    assert.equal(found !== undefined, kind === 'api' || kind === 'app');
    assert.equal(parseAuthenticateUrl(url) !== undefined, kind === 'authenticate');
  }],
  destinations: ['name url safe', ({ url, safe }) => assert.equal(isSafeDestination(url), safe)],
  domains: ['name allowed url outcome', async ({ allowed, url, outcome }) => {
    assert.equal(await outcomeOf(() => requireAllowed(url, parseAllowedDomains(allowed, NO_PAGE))), outcome === 'allowed' ? 'ok' : outcome);
  }],
  json: ['name hex fill then accepted value', ({ hex, fill = 0, then = '', accepted, value }) => {
    const text = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(fill, 'x'), Buffer.from(then, 'hex')]);
    const read = () => parseJson(new Uint8Array(text).buffer);
    if (!accepted) assert.throws(read);
    else if (value === undefined) read();
    else assert.deepEqual(read(), value);
  }],
  jws: ['name kind jwk thumbprint signed signature valid der raw', runJws],
  requests: ['name now allowedDomains request keys outcome context without', async (one) => {
    const domains = parseAllowedDomains(one.allowedDomains, NO_PAGE);
    const calls = serveKeys(one.keys);
    const verified = verifyRequest(one.request, new RequestKeys(domains), domains, one.now);
    assert.equal(await outcomeOf(() => verified), one.outcome);
    assert.equal(calls.length, one.keys.length);
    if (!one.context) return;
    const { application, methods, origin } = await verified;
    assert.deepEqual({ application, methods: methods?.map(({ type }) => type), origin }, one.context);
  }],
  ceremonies: ['name allowedDomains now steps keysLeft passkeysLeft without', (one: Scenario) => runScenario(one)],
  errors: ['name subject status body code', ({ subject, status, body, code }) => {
    assert.equal(serverError(subject as Subject, status, body).code, code);
  }],
};

async function runJws(one: any): Promise<void> {
  if (one.kind === 'thumbprint') return assert.equal(await thumbprint(one.jwk as PublicJwk), one.thumbprint);
  if (one.kind === 'verify') return assert.equal(await isSignedBy(one.jwk, one.signed, Buffer.from(one.signature, 'base64url')), one.valid);
  // Browsers sign and verify without DER. These say that both forms are of one signature.
  const key = createPublicKey({ key: one.jwk as NodeJwk, format: 'jwk' });
  const isValid = verify('sha256', Buffer.from(one.signed), key, Buffer.from(one.der, 'hex'));
  assert.equal(isValid, one.raw !== null);
  if (one.raw) assert.ok(await isSignedBy(one.jwk, one.signed, Buffer.from(one.raw, 'base64url')));
}

async function isSignedBy(jwk: JsonWebKey, signed: string, signature: Buffer): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, new Uint8Array(signature), new TextEncoder().encode(signed));
  } catch {
    return false;
  }
}

async function outcomeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof KeymoorError, String(error));
    return error.code;
  }
}

/** The files that this SDK runs. It has no bridge. */
export const FILES = Object.keys(RUNS);

/** Runs one file. Reports each failure, and returns how many cases passed and failed. */
export async function runFile(file: string, report: (text: string) => void): Promise<{ passed: number; failed: number }> {
  const [members, run] = RUNS[file] as [string, Run];
  const url = new URL(`../../../sdks/vectors/${file}.json`, import.meta.url);
  const cases = JSON.parse(readFileSync(url, 'utf8')) as { name: string }[];
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length, `${file}: two cases have one name`);
  const count = { passed: 0, failed: 0 };
  for (const one of cases) {
    try {
      takeMembers(one, members.split(' '));
      fakeBrowser('https://app.example/');
      await run(one);
      count.passed++;
    } catch (error) {
      count.failed++;
      report(`${file}: ${one.name}: ${(error as Error).message}`);
    }
  }
  return count;
}

if (import.meta.main) {
  for (const file of FILES) {
    const { passed, failed } = await runFile(file, console.error);
    console.log(`vectors ${file}: ${passed} passed, ${failed} failed`);
    if (failed > 0) process.exitCode = 1;
  }
}
