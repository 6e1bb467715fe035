import assert from 'node:assert/strict';

/** An answer, read. `body` is JSON where it was, else text; tests say what they expect of it. */
export interface Answer {
  status: number;
  headers: Headers;
  body: any;
}

/** One request, without following redirects. */
export async function request(method: string, url: string, init: Omit<RequestInit, 'method'> = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init, method });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: json(text) };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An answer other than the one that a client needs to go on. */
export class UnexpectedAnswer extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`${answer.status} ${JSON.stringify(answer.body)}`);
    this.answer = answer;
  }
}

export function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== status) throw new UnexpectedAnswer(answer);
}

/** The body of a 200. */
export function ok<T>(answer: Answer): T {
  expectStatus(answer, 200);
  return answer.body as T;
}

const CODES: Record<number, string> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'unprocessable_entity',
  429: 'too_many_requests',
};

/** Checks that an answer is a refusal with the documented body, and returns the first of its details. */
export function refused({ status, headers, body }: Answer, expected: number): Record<string, unknown> | undefined {
  const shown = `${status} ${JSON.stringify(body)}`;
  assert.equal(status, expected, shown);
  assert.match(headers.get('content-type') ?? '', /^application\/json/, shown);
  assert.equal(body.code, CODES[expected], shown);
  assert.equal(typeof body.message, 'string', shown);
  const unknown = Object.keys(body).filter((member) => !['code', 'message', 'details'].includes(member));
  assert.deepEqual(unknown, [], shown);
  for (const detail of body.details ?? []) checkDetail(detail, shown);
  return body.details?.[0];
}

function checkDetail(detail: Record<string, unknown>, shown: string): void {
  const members = Object.keys(detail).sort();
  if (detail['type'] === 'ResourceInfo') {
    assert.deepEqual(members, ['description', 'id', 'resource_type', 'type'], shown);
  } else {
    assert.equal(detail['type'], 'FieldViolations', shown);
    assert.deepEqual(members, ['field_violations', 'type'], shown);
    assert((detail['field_violations'] as unknown[]).length > 0, shown);
  }
}

/** Checks that an answer is a 400 that names the field. */
export function violates(answer: Answer, field: string): void {
  const detail = refused(answer, 400);
  const fields = ((detail?.['field_violations'] ?? []) as { field: string }[]).map((violation) => violation.field);
  assert(fields.includes(field), `${field} in ${JSON.stringify(answer.body)}`);
}

/** Checks that an answer is an OAuth error (RFC 6749 section 5.2). */
export function oauthError({ status, body }: Answer, expected: number, error: string): void {
  assert.equal(status, expected, `${status} ${JSON.stringify(body)}`);
  assert.equal(body.error, error, JSON.stringify(body));
}
