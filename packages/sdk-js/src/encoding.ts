/** A byte string over memory of its own, as WebCrypto and WebAuthn take it. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** UTF-8. */
export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

/** Standard base64 with padding (RFC 4648 section 4). */
export const base64 = (bytes: ArrayBuffer | Bytes): string =>
  btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(''));

/** Standard base64 without padding. */
export const base64Unpadded = (bytes: ArrayBuffer | Bytes): string => base64(bytes).replace(/=+$/, '');

/** base64url without padding (RFC 7515 section 2). */
export const base64Url = (bytes: ArrayBuffer | Bytes): string =>
  base64Unpadded(bytes).replace(/\+/g, '-').replace(/\//g, '_');

/**
 * The bytes of base64url text without padding.
 *
 * @throws A `DOMException` or `SyntaxError` if the text is anything else.
 */
export function fromBase64Url(text: string): Bytes {
  if (!/^[\w-]*$/.test(text)) throw new SyntaxError('not base64url');
  return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
}

/** Lower-case hexadecimal digits. */
export const hex = (bytes: Bytes): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
