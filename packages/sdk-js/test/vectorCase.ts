import assert from 'node:assert/strict';

/** A runner that met a member it doesn't know would pass what it doesn't test. */
export function takeMembers(value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  assert.deepEqual(unknown, [], `unknown members ${unknown}`);
}

/** What a scripted server answers, or that it doesn't. */
export type ScriptedAnswer = 'none' | { status: number; json?: unknown; text?: string };

/** As `fetch` shows an answer to a caller that follows no redirects. */
export function answerBy(answer: ScriptedAnswer): Response {
  if (answer === 'none') throw new TypeError('Failed to fetch');
  takeMembers(answer, ['status', 'json', 'text']);
  if (answer.status >= 300 && answer.status < 400) throw new TypeError('unexpected redirect');
  return new Response(answer.text ?? JSON.stringify(answer.json), { status: answer.status });
}

/** Serves key sets behind `fetch`, in order. Returns the list to which calls are added. */
export function serveKeys(keys: { url: string; status: number; json: unknown }[]): string[] {
  const calls: string[] = [];
  globalThis.fetch = async (input) => {
    const next = keys[calls.length];
    calls.push(String(input));
    assert.equal(String(input), next?.url);
    return answerBy({ status: next?.status ?? 500, json: next?.json });
  };
  return calls;
}
