import { createHash, randomBytes, sign } from 'node:crypto';
import { base64url, SoftwareKey } from './softwareKey.ts';

/** What a browser and an authenticator say in one ceremony; by default what honest ones do. */
export interface Ceremony {
  origin: string;
  rpId?: string;
  type?: string;
  crossOrigin?: boolean;
  userVerified?: boolean;
  userPresent?: boolean;
}

// WebAuthn Level 3 section 6.1.
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const ATTESTED_CREDENTIAL = 0x40;

/** A WebAuthn authenticator with one P-256 key, and the browser before it. */
export class SoftwareAuthenticator {
  readonly key = new SoftwareKey();
  readonly credentialId = randomBytes(16);

  /** The `raw` member of a registration whose challenge is this text. */
  register(challenge: object, ceremony: Ceremony): string {
    return JSON.stringify({
      client_data_json_base64: clientData(challenge, { type: 'webauthn.create', ...ceremony }).toString('base64'),
      attestation_object: this.#attestationObject(ceremony).toString('base64'),
    });
  }

  /** The `WebAuthn` member of a sign-in proof with these claims. */
  assert(claims: object, ceremony: Ceremony): string {
    const challenge = {
      header: { alg: 'ES256', kid: this.key.thumbprint },
      claims: { ...claims, pub_key_cred_id: this.credentialId.toString('base64').replace(/=+$/, '') },
    };
    const data = clientData(challenge, { type: 'webauthn.get', ...ceremony });
    const authenticatorData = authenticatorDataOf(ceremony, 0);
    const signed = Buffer.concat([authenticatorData, sha256(data)]);
    return JSON.stringify({
      authenticator_data: authenticatorData.toString('base64'),
      client_data: data.toString('base64'),
      signature: sign('sha256', signed, this.key.privateKey).toString('base64'),
    });
  }

  #attestationObject(ceremony: Ceremony): Buffer {
    const length = Buffer.from([0, this.credentialId.length]);
    const attested = Buffer.concat([Buffer.alloc(16), length, this.credentialId, this.#coseKey()]);
    const authData = Buffer.concat([authenticatorDataOf(ceremony, ATTESTED_CREDENTIAL), attested]);
    // CBOR: {"fmt": "none", "attStmt": {}, "authData": bytes}
    return Buffer.concat([
      Buffer.from('a363666d74646e6f6e656761747453746d74a0686175746844617461', 'hex'),
      Buffer.from([0x58, authData.length]),
      authData,
    ]);
  }

  /** CBOR: {1: 2, 3: -7, -1: 1, -2: x, -3: y} (RFC 9053 section 7.1.1) */
  #coseKey(): Buffer {
    const { x, y } = this.key.jwk;
    const [start, between] = ['a5010203262001215820', '225820'].map((hex) => Buffer.from(hex, 'hex'));
    return Buffer.concat([start as Buffer, Buffer.from(x, 'base64url'), between as Buffer, Buffer.from(y, 'base64url')]);
  }
}

function clientData(challenge: object, { type, origin, crossOrigin = false }: Ceremony): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge: base64url(JSON.stringify(challenge)), origin, crossOrigin }));
}

function authenticatorDataOf(ceremony: Ceremony, moreFlags: number): Buffer {
  const { origin, rpId = new URL(origin).hostname, userVerified = true, userPresent = true } = ceremony;
  const flags = (userPresent ? USER_PRESENT : 0) | (userVerified ? USER_VERIFIED : 0) | moreFlags;
  return Buffer.concat([sha256(rpId), Buffer.from([flags, 0, 0, 0, 0])]);
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
