import { type Bytes, hex } from './encoding.ts';

/** A random UUID (RFC 9562 section 5.4). Not by `crypto.randomUUID`, which older browsers lack. */
export function randomId(): string {
  const bytes: Bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
