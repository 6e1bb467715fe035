import { base64Url } from './encoding.ts';
import type { PublicJwk } from './thumbprint.ts';

const EC2 = 2;
/** COSE algorithm identifier of ECDSA with SHA-256 (RFC 9053 section 2.1). */
export const ES256 = -7;
const P256 = 1;

const FLAGS_AT = 32;
const HAS_KEY = 0x40;
/** After the hash of the RP ID, the flags, the counter and the AAGUID (WebAuthn Level 3 section 6.1). */
const ID_LENGTH_AT = 53;

/**
 * The ES256 key in an attestation object (WebAuthn Level 3 section 6.5), or nothing where it holds another.
 *
 * Read from what the server reads, and not by `getPublicKey`: password managers that stand in for the
 * authenticator leave that out or break it.
 */
export function attestedKey(attestationObject: ArrayBuffer): PublicJwk | undefined {
  try {
    const object = new Cbor(new Uint8Array(attestationObject)).read() as Map<unknown, unknown>;
    const data = object.get('authData') as Uint8Array;
    if (!((data[FLAGS_AT] as number) & HAS_KEY)) return undefined;
    const idLength = (data[ID_LENGTH_AT] as number) * 256 + (data[ID_LENGTH_AT + 1] as number);
    const key = new Cbor(data.subarray(ID_LENGTH_AT + 2 + idLength)).read() as Map<unknown, unknown>;
    // RFC 9052 section 7.1, RFC 9053 section 7.1.1.
    const [type, algorithm, curve, x, y] = [1, 3, -1, -2, -3].map((label) => key.get(label));
    if (type !== EC2 || algorithm !== ES256 || curve !== P256) return undefined;
    return { crv: 'P-256', kty: 'EC', x: coordinate(x), y: coordinate(y) };
  } catch {
    return undefined;
  }
}

const coordinate = (bytes: unknown): string => base64Url((bytes as Uint8Array).slice());

/** Reads CBOR (RFC 8949) as far as attestation objects use it: no item of indefinite length. */
class Cbor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): unknown {
    const initial = this.#number(1);
    const info = initial & 31;
    if (info > 27) throw new RangeError('indefinite length');
    const argument = info < 24 ? info : this.#number(2 ** (info - 24));
    switch (initial >> 5) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.#take(argument);
      case 3:
        return new TextDecoder().decode(this.#take(argument));
      case 4:
        return Array.from({ length: argument }, () => this.read());
      case 5:
        return new Map(Array.from({ length: argument }, () => [this.read(), this.read()]));
      case 6:
        return this.read();
      default:
        // Simple values and floats, none of which is looked at.
        return undefined;
    }
  }

  #number(length: number): number {
    let value = 0;
    for (const end = this.#at + length; this.#at < end; this.#at++) value = value * 256 + this.#view.getUint8(this.#at);
    return value;
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('too short');
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }
}
