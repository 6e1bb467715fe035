import type { Operation } from './operation.ts';

/** Values by name, as a caller gave them. */
export type Values = Readonly<Record<string, unknown>>;

/** What `fetch` needs to know of a call. */
export interface Request {
  /** Path and query, below the base URL. */
  target: string;
  /** JSON text. */
  body?: string;
}

/**
 * Puts values where the operation wants them.
 *
 * @throws TypeError for a missing or impossible id and for an unknown parameter.
 */
export function toRequest(operation: Operation, values: Values): Request {
  const rest = new Map(Object.entries(values).filter(([, value]) => value !== undefined));
  const take = (name: string): unknown => {
    const value = rest.get(name);
    rest.delete(name);
    return value;
  };
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => pathSegment(name, take(name)));
  const query = new URLSearchParams();
  for (const name of operation.query ?? []) {
    const value = take(name);
    if (value !== undefined) query.set(name, String(value));
  }
  const target = query.size > 0 ? `${path}?${query}` : path;
  if (operation.hasBody) return { target, body: JSON.stringify(Object.fromEntries(rest)) };
  const [unknown] = rest.keys();
  if (unknown !== undefined) throw new TypeError(`there is no parameter ${unknown}`);
  return { target };
}

/** An id that `fetch` can't mistake for another path: it would resolve dots, and an empty one names the collection. */
function pathSegment(name: string, value: unknown): string {
  if (typeof value !== 'string' || ['', '.', '..'].includes(value)) {
    throw new TypeError(`${name} must be an id, not ${JSON.stringify(value)}`);
  }
  return encodeURIComponent(value);
}
