import assert from 'node:assert/strict';

/** What a printed value stands for. */
export const HEX_ID = /^[0-9a-f]{16}$/;
export const OPAQUE = /^.+$/;
/** RFC 3339 in UTC with three digits of a second's fraction. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

type Shape = { [member: string]: string | RegExp | Shape };

/** The job that the documents print in answers. */
export function printedJob(ids: Record<'tenant_id' | 'realm_id' | 'identity_id', string>, deliveryMethod: string): Shape {
  return {
    id: HEX_ID,
    ...ids,
    delivery_method: deliveryMethod,
    state: 'LINK_SENT',
    authenticator_config_id: OPAQUE,
    expire_time: TIME,
    create_time: TIME,
    update_time: TIME,
  };
}

/** Checks that `actual` has exactly the members of `shape`, and that each is equal or matches. */
export function assertShape(actual: unknown, shape: Shape, path = 'answer'): void {
  assert(actual !== null && typeof actual === 'object', path);
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(shape).sort(), path);
  for (const [member, expected] of Object.entries(shape)) {
    const value: unknown = (actual as Record<string, unknown>)[member];
    const place = `${path}.${member}`;
    if (expected instanceof RegExp) assert.match(String(value), expected, place);
    else if (typeof expected === 'string') assert.equal(value, expected, place);
    else assertShape(value, expected, place);
  }
}
