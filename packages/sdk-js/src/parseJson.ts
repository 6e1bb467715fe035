/** Bodies and request JWTs are a few kilobytes. */
const MAX_BYTES = 65_536;
const MAX_DEPTH = 32;

/** Strings, with the colon after a member's name; brackets; numbers. Finds all of them in valid JSON. */
const TOKENS = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[[{]|[\]}]|-?\d[\d.eE+-]*/g;

/**
 * Reads JSON (RFC 8259) that everybody reads alike: UTF-8 without a byte order mark, no member twice in an object, no
 * number that is infinite here, no half of a surrogate pair, no U+0000, at most 32 levels and 64 kB.
 *
 * @throws Any error if the text is something else.
 */
export function parseJson(bytes: ArrayBuffer): unknown {
  if (bytes.byteLength > MAX_BYTES) throw new RangeError('too long');
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  const value: unknown = JSON.parse(text);
  const open: Set<string>[] = [];
  for (const [token, string, isName] of text.matchAll(TOKENS)) {
    if (string) {
      const content: string = JSON.parse(string);
      const names = isName && open.at(-1);
      if (/[\0\p{Cs}]/u.test(content) || (names && names.size === names.add(content).size)) throw new SyntaxError('ambiguous');
    } else if (/[[{]/.test(token)) {
      if (open.push(new Set()) > MAX_DEPTH) throw new RangeError('too deep');
    } else if (/[\]}]/.test(token)) {
      open.pop();
    } else if (!Number.isFinite(Number(token))) {
      throw new RangeError('too large');
    }
  }
  return value;
}
